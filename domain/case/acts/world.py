"""What changes around a case: crossings, calendars, posts. Recorded by the administrator."""

from __future__ import annotations

from datetime import datetime

from domain.case import events as e
from domain.case.acts.ending import end_handover
from domain.case.commands import Command
from domain.editions import EDITIONS
from domain.errors import InvalidField, MissingField
from domain.work.clocks import count_again, open_clocks_of
from domain.work.transition import Transition

STATUSES = ("open", "closed")


def crossing(transition: Transition, command: Command, at: datetime) -> None:
    """A shut crossing takes everybody planned over it back to planning at once (4.3)."""
    if not command.crossing:
        raise MissingField("`crossing` is missing")
    if command.status not in STATUSES:
        raise InvalidField("`status` is open or closed")
    if transition.case.crossings.get(command.crossing, "open") == command.status:
        return
    transition.add(
        e.CrossingChanged(
            at=at,
            crossing=command.crossing,
            status=command.status,
            by=command.by,
            user=command.user,
        )
    )
    handover = None if transition.case.handed_over else transition.case.handover
    if (
        command.status == "closed"
        and handover is not None
        and handover.crossing == command.crossing
    ):
        end_handover(transition, at, "closed")


def calendar(transition: Transition, command: Command, at: datetime) -> None:
    """A changed calendar moves open task clocks and records both dates (3.11)."""
    if command.calendar is None:
        raise MissingField("`calendar` is missing")
    transition.add(
        e.CalendarChanged(at=at, calendar=command.calendar, by=command.by, user=command.user)
    )
    for task in open_clocks_of(transition.case, command.calendar.country):
        count_again(transition, task, command, at, "calendar")


def post(transition: Transition, command: Command, at: datetime) -> None:
    """A post changes hands, is vacant, or is excluded from this case."""
    if command.office is None:
        raise MissingField("`office` is missing")
    if command.office.id not in transition.case.offices:
        return
    transition.add(e.PostChanged(at=at, office=command.office, by=command.by, user=command.user))


def edition(transition: Transition, command: Command, at: datetime) -> None:
    """The case goes on as a newer edition of the core says; never as an older one."""
    number = int(command.value) if command.value.isdecimal() else 0
    if number not in EDITIONS or number < transition.case.edition:
        raise InvalidField("`value` is the number of a newer edition")
    if number != transition.case.edition:
        transition.add(e.EditionMoved(at=at, edition=number))
