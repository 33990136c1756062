"""Reviews of a hold or a bar: `keep` names the next date (stories.md 2.2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps.kind import StepKind
from domain.errors import InvalidField, MissingField
from domain.work.calendars import calendar_for
from domain.work.procedure import Card, Outcome


def next_day(body: Any) -> date | None:
    """The date of the next review, under either of its names."""
    day: date | None = body.until or body.review
    return day


def check(case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime) -> None:
    """`keep` needs the next date, not in the past."""
    del card
    if outcome.name != "keep":
        return
    day = next_day(command.body)
    if day is None:
        raise MissingField("`until` or `review` is missing: the next date of review")
    if day < calendar_for(case, command.by).local_date(at):
        raise InvalidField("the next date of review lies in the past")


KIND = StepKind("review", check, asks=("until", "review"), by_need=False)
