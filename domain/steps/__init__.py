"""Kinds of step that mean more than their card: their fields and the checks of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.case import Case
from domain.commands import Command
from domain.plan import Card, Outcome
from domain.steps import closure, money, paper, review

Check = Callable[[Case, Card, Outcome, Command, datetime], None]

CHECKS: dict[str, Check] = {
    "closure": closure.check,
    "money": money.check,
    "paper": paper.check,
    "review": review.check,
}


def check_fields(case: Case, card: Card, outcome: Outcome, command: Command, at: datetime) -> None:
    """Raise MissingField or InvalidField when the result cannot stand; plain steps have none."""
    check = CHECKS.get(card.kind)
    if check is not None:
        check(case, card, outcome, command, at)
