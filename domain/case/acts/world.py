"""What changes around a case: crossings, calendars, posts. Recorded by the administrator."""

from __future__ import annotations

from datetime import datetime

from domain.behaviour import EDITIONS
from domain.case import events as e
from domain.case.acts.ending import end_handover
from domain.case.commands import Command
from domain.case.state import Case
from domain.errors import InvalidField, MissingField
from domain.work import events as work_events
from domain.work.clocks import count_again, open_clocks_of
from domain.work.transition import Transition

STATUSES = ("open", "closed")


def crossing(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A shut crossing takes everybody planned over it back to planning at once (4.3)."""
    if not command.crossing:
        raise MissingField("`crossing` is missing")
    if command.status not in STATUSES:
        raise InvalidField("`status` is open or closed")
    if transition.subject.crossings.get(command.crossing, "open") == command.status:
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
    handover = None if transition.subject.handed_over else transition.subject.handover
    if (
        command.status == "closed"
        and handover is not None
        and handover.crossing == command.crossing
    ):
        end_handover(transition, at, "closed")


def calendar(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A changed calendar moves open task clocks and records both dates (3.11)."""
    if command.calendar is None:
        raise MissingField("`calendar` is missing")
    transition.add(
        work_events.CalendarChanged(
            at=at, calendar=command.calendar, by=command.by, user=command.user
        )
    )
    for task in open_clocks_of(transition.subject, command.calendar.country):
        count_again(transition, task, at, "calendar", command.signed())


def post(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A post changes hands, is vacant, or is excluded from this case."""
    if command.office is None:
        raise MissingField("`office` is missing")
    if command.office.id not in transition.subject.work.offices:
        return
    transition.add(
        work_events.PostChanged(at=at, office=command.office, by=command.by, user=command.user)
    )


def edition(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The case goes on as a newer edition of the core says; never as an older one."""
    number = int(command.value) if command.value.isdecimal() else 0
    if number not in EDITIONS or number < transition.subject.edition:
        raise InvalidField("`value` is the number of a newer edition")
    if number != transition.subject.edition:
        transition.add(work_events.EditionMoved(at=at, edition=number))
