"""Documents, permits and orders: until when they stand (stories.md 4.13)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps.kind import StepKind
from domain.errors import InvalidField, MissingField
from domain.work.calendars import calendar_here
from domain.work.procedure import Card, Outcome


def check(case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime) -> None:
    """`valid_until` is there where the outcome needs it, and not before the day it was made."""
    if "valid_until" in outcome.needs and command.body.valid_until is None:
        raise MissingField("`valid_until` is missing")
    if command.body.valid_until is None:
        return
    made_on = calendar_here(case).local_date(command.happened_at or at)
    if command.body.valid_until < made_on:
        raise InvalidField(f"`valid_until` lies before the day {card.id} was done")


KIND = StepKind("paper", check, asks=("valid_until",))
