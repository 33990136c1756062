"""What happened in a case, as people tell it: steps and offices by name, days in their zone.

A line holds no name of the person and no free text; a reason is only named, its words come apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from api.pages.forms.case import CaseForms
from api.pages.forms.steering import purposes
from api.telling import texts_in
from records.ledger import LedgerRow
from wording.timeline import Body, sentence

# That a task was offered is told once, by its own line; a letter when it left.
NOT_TOLD = frozenset({"MessageQueued"})
TOLD_ALREADY = frozenset({"offer"})


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
        sentence=sentence(case_forms.context.words, row.kind, body, Titles(case_forms)),
        by=by,
        texts=tuple(texts_in([row])),
        loud=row.kind in LOUD,
    )


@dataclass(frozen=True, slots=True)
class Titles:
    """Names for people: titles of steps, names of offices, days in their office's zone."""

    case_forms: CaseForms

    def step(self, step: str) -> str:
        """The step's title."""
        return f"“{self.case_forms.name_of(step)}”"

    def offices(self, ids: Sequence[str]) -> str:
        """Their names."""
        return self.case_forms.context.offices([office for office in ids if office])

    def day(self, value: str) -> str:
        """`10 April 2026`."""
        if len(value) == len("2026-03-05"):
            return self.case_forms.context.day(date.fromisoformat(value))
        return self.case_forms.context.day(datetime.fromisoformat(value))

    def word(self, group: str, value: str) -> str:
        """A word of the rules as people read it."""
        if group == "purposes":
            return purposes(self.case_forms, [value])[0].label
        if group == "whys":
            return " ".join(self._part(part) for part in value.split(" "))
        return self.case_forms.context.words.word(group, value)

    def _part(self, part: str) -> str:
        named = self.case_forms.name_of(part)
        return f"“{named}”" if named != part else part.replace("_", " ")
