"""What changes around a case: crossings, calendars, posts. Recorded by the administrator."""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from domain.acts.clocks import count_again, open_clocks_of
from domain.acts.ending import end_plan
from domain.commands import Command
from domain.draft import Draft
from domain.editions import EDITIONS
from domain.errors import InvalidField, MissingField

STATUSES = ("open", "closed")


def crossing(draft: Draft, command: Command, at: datetime) -> None:
    """A shut crossing takes everybody planned over it back to planning at once (4.3)."""
    if not command.crossing:
        raise MissingField("`crossing` is missing")
    if command.status not in STATUSES:
        raise InvalidField("`status` is open or closed")
    if draft.case.crossings.get(command.crossing, "open") == command.status:
        return
    draft.add(
        e.CrossingChanged(
            at=at,
            crossing=command.crossing,
            status=command.status,
            by=command.by,
            user=command.user,
        )
    )
    plan = None if draft.case.handed_over else draft.case.standing
    if command.status == "closed" and plan is not None and plan.crossing == command.crossing:
        end_plan(draft, at, "closed")


def calendar(draft: Draft, command: Command, at: datetime) -> None:
    """A changed calendar moves open task clocks and records both dates (3.11)."""
    if command.calendar is None:
        raise MissingField("`calendar` is missing")
    draft.add(e.CalendarChanged(at=at, calendar=command.calendar, by=command.by, user=command.user))
    for task in open_clocks_of(draft.case, command.calendar.country):
        count_again(draft, task, command, at, "calendar")


def post(draft: Draft, command: Command, at: datetime) -> None:
    """A post changes hands, is vacant, or is excluded from this case."""
    if command.office is None:
        raise MissingField("`office` is missing")
    if command.office.id not in draft.case.offices:
        return
    draft.add(e.PostChanged(at=at, office=command.office, by=command.by, user=command.user))


def edition(draft: Draft, command: Command, at: datetime) -> None:
    """The case goes on as a newer edition of the core says; never as an older one."""
    number = int(command.value) if command.value.isdecimal() else 0
    if number not in EDITIONS or number < draft.case.edition:
        raise InvalidField("`value` is the number of a newer edition")
    if number != draft.case.edition:
        draft.add(e.EditionMoved(at=at, edition=number))
