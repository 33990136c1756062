"""The words that rules may use: roles, facts, flags, acts. Says whether a word is known, no more.

The meaning of a fact is in `conditions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from domain.case import core, gates
from domain.rules.cards import meant
from domain.work.procedure import Procedure

SIDES = ("host", "origin", "transit")
POSTS = (
    "desk", "case", "shelter", "team", "police", "immigration", "prosecutor", "health",
    "province", "committee", "focal", "national", "payer",
)  # fmt: skip
ORIGIN_POSTS = ("identity", "tracing", "embassy", "reception")
NO_SIDE = ("ngo", "escort", "person", "guardian", "admin")
ROLES = (
    *(f"{side}.{post}" for side in SIDES for post in POSTS),
    *(f"origin.{post}" for post in ORIGIN_POSTS),
    *NO_SIDE,
)
OWNER_WORDS = ("setter", "receiving")  # whoever set it; the plan's receiving office
LADDER_WORDS = ("owner", "supervisor", "holder.focal")
PURPOSES = (
    "services", "tracing", "notify_state", "share", "return", "photo", "medical", "reporting",
)  # fmt: skip
FLAGS = (
    "undocumented", "detained", "in_danger", "do_not_notify_state", "warrant", "medical",
    "witness", "conflict", "stateless_risk", "third_national", "protection_lapsed",
)  # fmt: skip
BARS = ("witness", "warrant", "court")
GATES = gates.ALL
RECORD_FOR = "record_for"  # no act: who may write down what others answered
ACTS = (*(act.name for act in core.ACTS.values() if act.permission), RECORD_FOR)
PLAIN = ("opening", "handover_planned", "no handover_planned", "child", "adult", "bar", "no bar")
WITH_NAME = ("consent", "consented", "flag", "no flag", "bar", "refused_twice")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact taken apart: its word and what stands behind the colon."""

    word: str
    rest: str

    @property
    def is_step(self) -> bool:
        """True when it speaks of a step of the plan by name."""
        return self.word not in WITH_NAME and self.word not in PLAIN

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that must have been done for it."""
        if self.word == "refused_twice":
            return tuple(self.rest.split("+"))
        return (self.word,) if self.is_step else ()

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes it asks for; empty: any."""
        if self.word == "refused_twice":
            return ("refused",)
        return tuple(self.rest.split("|")) if self.is_step and self.rest else ()


@cache
def read_fact(text: str) -> Fact:
    """A fact in its parts; it may still be unknown."""
    word, _, rest = text.strip().partition(":")
    return Fact(word, rest)


def wrong_with(text: str, procedure: Procedure) -> Iterator[str]:
    """Why a fact cannot be understood in this corridor; nothing when it can."""
    fact = read_fact(text)
    if fact.word in PLAIN and not fact.rest:
        return
    match fact.word:
        case "consent" | "consented":
            yield from unknown("purpose", fact.rest, PURPOSES)
        case "flag" | "no flag":
            yield from unknown("flag", fact.rest.partition(":")[0], FLAGS)
        case "bar":
            yield from unknown("kind of bar", fact.rest, BARS)
        case word if word in PLAIN:
            yield f"'{word}' stands alone, without ':{fact.rest}'"
        case _:
            yield from _wrong_steps(fact, procedure)


def _wrong_steps(fact: Fact, procedure: Procedure) -> Iterator[str]:
    for step in fact.steps:
        card = procedure.cards.get(step)
        if card is None:
            known = (*procedure.cards, *PLAIN)
            yield f"'{step}' is neither a step of {procedure.corridor} nor a known fact" + meant(
                step, known
            )
            continue
        for outcome in fact.outcomes:
            if outcome not in card.outcomes:
                yield f"the step '{step}' has no outcome '{outcome}'" + meant(
                    outcome, tuple(card.outcomes)
                )


def unknown(what: str, word: str, known: tuple[str, ...]) -> Iterator[str]:
    """A sentence when `word` is not among the known ones."""
    if word not in known:
        yield f"'{word}' is no {what}{meant(word, known)}"


def unknown_role(word: str, *, more: tuple[str, ...] = ()) -> Iterator[str]:
    """A sentence when no role is meant; `host.*` and `*` mean several."""
    if word in more or any(fnmatchcase(role, word) for role in ROLES):
        return
    yield f"'{word}' is no role{meant(word, (*ROLES, *more))}"
