"""What happened in a case, as people tell it: steps and offices by name, days in their zone.

A line holds no name of the person and no free text; a reason is only named, its words come apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api.pages.forms.case import CaseForms
from api.pages.forms.steering import purposes
from api.telling import texts_in
from records.ledger import LedgerRow

Body = Mapping[str, Any]

# That a task was offered is told once, by its own line; a letter when it left.
NOT_TOLD = frozenset({"MessageQueued"})
TOLD_ALREADY = frozenset({"offer"})
DAYS = ("due_at", "old", "until", "on", "review", "planned_at", "valid_until")
OFFICES = ("by", "for_", "holder", "owner", "receiving")
WORDS = {
    "outcome": "outcomes",
    "alarm": "alarms",
    "decision": "decided",
    "state": "cases",
    "flag": "flags",
    "how": "hows",
    "kind": "kinds",
    "fact": "facts",
    "purpose": "purposes",
    "status": "crossings",
    "what": "records",
    "why": "whys",
    "rung": "rungs",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `texts` are names of private texts, shown only to who may."""

    number: int
    at: datetime
    sentence: str
    by: str
    texts: tuple[str, ...]
    loud: bool


LOUD = frozenset({"RungFired", "EscalationDecided", "AlarmRaised", "TaskDone", "CaseMoved"})


def lines(case_forms: CaseForms, rows: list[LedgerRow], names: Mapping[str, str]) -> list[Line]:
    """Return what happened, newest first; `names` are the names of users by id."""
    told = (_line(case_forms, row, names) for row in rows if _is_told(row))
    return sorted(told, key=lambda line: line.number, reverse=True)


def _is_told(row: LedgerRow) -> bool:
    again = row.kind == "MessageReleased" and row.body.get("kind") in TOLD_ALREADY
    return row.kind not in NOT_TOLD and not again


def users_in(rows: list[LedgerRow]) -> list[str]:
    """Return the users who did these things."""
    return list(dict.fromkeys(str(row.body["user"]) for row in rows if row.body.get("user")))


def _line(case_forms: CaseForms, row: LedgerRow, names: Mapping[str, str]) -> Line:
    body: Body = row.body
    office, user = str(body.get("by", "")), str(body.get("user", ""))
    said = case_forms.context.office(office) if office else ""
    by = f"{said} ({names[user]})" if said and user in names else said
    return Line(
        number=row.seq,
        at=row.at,
        sentence=_sentence(case_forms, row.kind, body),
        by=by,
        texts=tuple(texts_in([row])),
        loud=row.kind in LOUD,
    )


def _sentence(case_forms: CaseForms, kind: str, body: Body) -> str:
    t = case_forms.context.words
    name = f"events.{kind}"
    for variant in ("for_", "opens", "quiet", "due_at", "step"):
        if body.get(variant) and f"{name}_{variant.rstrip('_')}" in t.texts:
            name = f"{name}_{variant.rstrip('_')}"
            break
    return t(name, **_values(case_forms, body)) if name in t.texts else t("events.other")


def _values(case_forms: CaseForms, body: Body) -> dict[str, str]:
    flat = {**body, **_inner(body, "consent"), **_inner(body, "office")}
    found = dict.fromkeys((*DAYS, *OFFICES, *WORDS, "crossing", "version", "to", "step"), "")
    for name, value in flat.items():
        if name in DAYS and value:
            found[name] = _day(case_forms, value)
        elif name in OFFICES and value:
            found[name] = case_forms.context.office(str(value))
        elif name in WORDS and value:
            found[name] = _word(case_forms, WORDS[name], str(value))
        elif name in {"crossing", "version"} and value:
            found[name] = str(value)
    found["step"] = _step(case_forms, body)
    to = body.get("to")
    found["to"] = case_forms.context.offices([to] if isinstance(to, str) and to else to or ())
    found["office"] = case_forms.context.office(str(_inner(body, "office").get("id", "")))
    return found


def _inner(body: Body, name: str) -> dict[str, Any]:
    found = body.get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def _again(body: Body) -> bool:
    return isinstance(body.get("attempt"), int) and body["attempt"] > 1


def _step(case_forms: CaseForms, body: Body) -> str:
    step = str(body.get("step", ""))
    title = case_forms.name_of(step) if step else ""
    again = (
        case_forms.context.words("events.attempt", n=body["attempt"])
        if _again(body) and step
        else ""
    )
    return f"“{title}”{again}" if title else ""


def _word(case_forms: CaseForms, group: str, value: str) -> str:
    if group == "purposes":
        return purposes(case_forms, [value])[0].label
    if group == "whys":
        return " ".join(_name(case_forms, part) for part in value.split(" "))
    return case_forms.context.words.word(group, value)


def _name(case_forms: CaseForms, part: str) -> str:
    named = case_forms.name_of(part)
    return f"“{named}”" if named != part else part.replace("_", " ")


def _day(case_forms: CaseForms, value: Any) -> str:
    text = str(value)
    if len(text) == len("2026-03-05"):
        return case_forms.context.day(date.fromisoformat(text))
    return case_forms.context.day(datetime.fromisoformat(text))
