"""Kinds of step that mean more than their card: their fields and the checks of them.

A new kind is a module here with a `KIND`, and a word in `KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps import closure, money, paper, review
from domain.case.steps.kind import StepKind
from domain.work.procedure import Card, Outcome

PLAIN = "plain"  # a card that says no more: its outcome is all there is to say
KINDS: Mapping[str, StepKind] = {
    kind.name: kind for kind in (closure.KIND, money.KIND, paper.KIND, review.KIND)
}
# Fields of a result that the core reads, and how each is written.
RESULT: Mapping[str, re.Pattern[str]] = {
    name: shape for kind in KINDS.values() for name, shape in kind.result.items()
}
# Every field that an outcome may need.
FIELDS = (*dict.fromkeys((*RESULT, *(name for kind in KINDS.values() for name in kind.asks))),)


def kinds_of(card: Card, outcome: Outcome) -> list[StepKind]:
    """What the card says, and what the outcome needs: so no card can forget to be checked."""
    return [
        kind
        for name, kind in sorted(KINDS.items())
        if name == card.kind
        or (kind.by_need and not {*kind.result, *kind.asks}.isdisjoint(outcome.needs))
    ]


def check_fields(
    case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime
) -> None:
    """Raise MissingField or InvalidField when the answer cannot stand; plain steps have none."""
    for kind in kinds_of(card, outcome):
        kind.check(case, card, outcome, command, at)
