"""The timeline in plain sentences: one table (`[events]` of the catalogue) for JSON and pages.

Nothing personal is told: events hold no names, birth dates or free text. What a step, an office, a
day is called here is the caller's to say (`Names`): ids for programs, titles for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from wording.catalogue import Words

Body: TypeAlias = Mapping[str, Any]

# Fields of an event that are days, offices, or words of the rules with a group in the catalogue.
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
AS_THEY_ARE = ("crossing", "version", "id")
# A sentence may have a variant for events that say more: `TaskDone_for`.
VARIANTS = ("for_", "opens", "quiet", "due_at", "step")


class Names(Protocol):
    """What things are called for one reader."""

    def step(self, step: str) -> str:
        """A step of the rules."""
        ...

    def offices(self, ids: Sequence[str]) -> str:
        """One office or several."""
        ...

    def day(self, value: str) -> str:
        """A day or moment, as the ledger writes it."""
        ...

    def word(self, group: str, value: str) -> str:
        """A word of the rules."""
        ...


@dataclass(frozen=True, slots=True)
class Ids:
    """Names for programs: the ids themselves, days as the ledger writes them."""

    def step(self, step: str) -> str:
        """The step's id."""
        return step

    def offices(self, ids: Sequence[str]) -> str:
        """Their ids."""
        return ", ".join(ids) or "nobody"

    def day(self, value: str) -> str:
        """`2026-03-05`."""
        return value[:10]

    def word(self, group: str, value: str) -> str:
        """The word itself."""
        del group
        return value


def sentence(words: Words, kind: str, body: Body, names: Names) -> str:
    """What happened in one plain sentence; a kind without one reads `Something was recorded.`"""
    name = f"events.{kind}"
    for variant in VARIANTS:
        longer = f"{name}_{variant.rstrip('_')}"
        if body.get(variant) and longer in words.texts:
            name = longer
            break
    return words(name if name in words.texts else "events.other", **_values(words, body, names))


def _values(words: Words, body: Body, names: Names) -> dict[str, str]:
    flat = {**body, **_inner(body, "consent"), **_inner(body, "office")}
    values = dict.fromkeys((*DAYS, *OFFICES, *WORDS, *AS_THEY_ARE), "")
    for name, value in flat.items():
        if name in values and value:
            values[name] = _value(name, value, names)
    to = body.get("to")
    values["to"] = names.offices([to] if isinstance(to, str) and to else to or ())
    values["office"] = names.offices([str(_inner(body, "office").get("id", ""))])
    values["step"] = _step(words, body, names)
    return values


def _value(name: str, value: Any, names: Names) -> str:
    if name in DAYS:
        return names.day(str(value))
    if name in OFFICES:
        return names.offices([str(value)])
    return names.word(WORDS[name], str(value)) if name in WORDS else str(value)


def _inner(body: Body, name: str) -> dict[str, Any]:
    inner = body.get(name)
    return dict(inner) if isinstance(inner, Mapping) else {}


def _step(words: Words, body: Body, names: Names) -> str:
    step, attempt = str(body.get("step", "")), body.get("attempt")
    if not step:
        return ""
    again = words("events.attempt", n=attempt) if isinstance(attempt, int) and attempt > 1 else ""
    return f"{names.step(step)}{again}"
