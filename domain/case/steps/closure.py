"""Closing a case takes two people, and nothing legal may be open (stories.md 2.2, 2.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps.kind import StepKind
from domain.errors import MissingField, OwnRequest
from domain.work.procedure import Card, Outcome


def check(case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime) -> None:
    """Somebody approves it."""
    del case, card, outcome, at
    if not command.body.approved_by:
        raise MissingField("`approved_by` is missing: closing takes a second person")


def check_two_people(command: Command[Any]) -> None:
    """The one who approves is not the one who closes."""
    if command.body.approved_by == command.user:
        raise OwnRequest


def legal_matter(case: Case) -> str:
    """The first legal matter still open: a bar, claim, unpaid order or lapsed order; or empty."""
    if case.person.bars:
        return f"bar {', '.join(sorted(case.person.bars))}"
    if "protection_lapsed" in case.person.flags:
        return "protection order lapsed"
    claim = case.work.newest("claim")
    if claim is not None and claim.is_open:
        return "claim"
    if claim is not None and claim.outcome == "ordered":
        review = case.work.newest("payment_review")
        if review is None or review.outcome != "paid":
            return "unpaid order"
    return ""


KIND = StepKind("closure", check, asks=("approved_by",), by_need=False)
