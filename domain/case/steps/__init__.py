"""Kinds of step that mean more than their card: their fields and the checks of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps import closure, money, paper, review
from domain.work.procedure import Card, Outcome

Check = Callable[[Case, Card, Outcome, Command[Any], datetime], None]

CHECKS: dict[str, Check] = {
    "closure": closure.check,
    "money": money.check,
    "paper": paper.check,
    "review": review.check,
}
# What an outcome needs tells its kind as well, so that no card can forget to be checked.
KIND_OF = {"amount": "money", "currency": "money", "valid_until": "paper"}


def check_fields(
    case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime
) -> None:
    """Raise MissingField or InvalidField when the result cannot stand; plain steps have none."""
    kinds = {card.kind, *(kind for field, kind in KIND_OF.items() if field in outcome.needs)}
    for kind in sorted(kinds & CHECKS.keys()):
        CHECKS[kind](case, card, outcome, command, at)
