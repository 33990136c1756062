"""What changes around a case: crossings, calendars, posts, rules. One fact reaches many cases.

A case that knows a fact already is left as it is, so that it may be told twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.act import Act, Check, Command, Effect
from domain.behaviour import EDITIONS
from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.ending import end_handover
from domain.case.acts.steering import AdoptRules, adopt
from domain.case.state import Case
from domain.errors import InvalidField, MissingField
from domain.work import events as work_events
from domain.work.calendar import Calendar
from domain.work.calendars import calendar_of
from domain.work.clocks import count_again, open_clocks_of
from domain.work.state import Office
from domain.work.transition import Transition

STATUSES = ("open", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCrossing:
    """A crossing was shut or opened."""

    crossing: str = ""
    status: str = ""


def _says_crossing(case: Case, command: Command[ChangeCrossing], at: datetime) -> None:
    del case, at
    checks.needs(command, "crossing")
    if command.body.status not in STATUSES:
        raise InvalidField("`status` is open or closed")


def _crossing(transition: Transition[Case], command: Command[ChangeCrossing], at: datetime) -> None:
    """A shut crossing takes everybody planned over it back to planning at once (4.3)."""
    case, body = transition.subject, command.body
    if case.crossings.get(body.crossing, "open") == body.status:
        return
    transition.add(
        e.CrossingChanged(
            at=at, crossing=body.crossing, status=body.status, by=command.by, user=command.user
        )
    )
    handover = None if case.handed_over else case.handover
    if body.status == "closed" and handover is not None and handover.crossing == body.crossing:
        end_handover(transition, at, "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCalendar:
    """A country's days off became known anew."""

    calendar: Calendar | None = None


def _says_calendar(case: Case, command: Command[ChangeCalendar], at: datetime) -> None:
    del case, at
    checks.needs(command, "calendar")


def _calendar(transition: Transition[Case], command: Command[ChangeCalendar], at: datetime) -> None:
    """A changed calendar moves open task clocks and records both dates (3.11)."""
    calendar = checks.there(command.body.calendar)
    if calendar_of(transition.subject, calendar.country) == calendar:
        return
    transition.add(
        work_events.CalendarChanged(at=at, calendar=calendar, by=command.by, user=command.user)
    )
    for task in open_clocks_of(transition.subject, calendar.country):
        count_again(transition, task, at, "calendar", command.signed())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePost:
    """A post changes hands, is vacant, or is excluded from this case.

    An office without a role speaks of its people only: what it is in this case, and whether it is
    excluded, stays.
    """

    office: Office | None = None


def _says_post(case: Case, command: Command[ChangePost], at: datetime) -> None:
    del case, at
    checks.needs(command, "office")


def _post(transition: Transition[Case], command: Command[ChangePost], at: datetime) -> None:
    told = checks.there(command.body.office)
    bound = transition.subject.work.offices.get(told.id)
    if bound is None:
        return
    office = told if told.role else with_people_of(bound, told)
    if office != bound:
        transition.add(
            work_events.PostChanged(at=at, office=office, by=command.by, user=command.user)
        )


def with_people_of(bound: Office, told: Office) -> Office:
    """An office as this case has it, with those who hold its posts now."""
    return replace(bound, head=told.head, deputy=told.deputy, vacant=told.vacant)


def _says_rules(case: Case, command: Command[AdoptRules], at: datetime) -> None:
    del at
    newer = command.body.procedure
    if newer is None or not command.body.procedure_digest:
        raise MissingField("`rules` is missing")
    if newer.corridor != case.procedure.corridor:
        raise InvalidField("That rulebook is for another corridor")


def _fits_rules(case: Case, command: Command[AdoptRules], at: datetime) -> None:
    del command, at
    checks.alive(case)


def _rules(transition: Transition[Case], command: Command[AdoptRules], at: datetime) -> None:
    """The newer rules of the corridor, adopted for all its open cases (features.md B08)."""
    if command.body.procedure_digest != transition.subject.procedure_digest:
        adopt(transition, command, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEdition:
    """The case goes on as a newer edition of the core says; never as an older one."""

    number: int = 0


def _says_edition(case: Case, command: Command[ChangeEdition], at: datetime) -> None:
    del at
    number = command.body.number
    if number not in EDITIONS or number < case.edition:
        raise InvalidField("`number` is that of a newer edition")


def _edition(transition: Transition[Case], command: Command[ChangeEdition], at: datetime) -> None:
    number = command.body.number
    if number != transition.subject.edition:
        transition.add(work_events.EditionMoved(at=at, edition=number))


def _of_world(name: str, takes: type[Any], says: Check, do: Effect) -> Act:
    """No account asks for these: the world is told once, to every subject concerned."""
    return Act(name=name, takes=takes, permission="", about="world", says=says, do=do)


CROSSING = _of_world("world_crossing", ChangeCrossing, _says_crossing, _crossing)
CALENDAR = _of_world("world_calendar", ChangeCalendar, _says_calendar, _calendar)
POST = _of_world("world_post", ChangePost, _says_post, _post)
RULES = Act(
    name="world_rules",
    takes=AdoptRules,
    permission="",
    about="world",
    says=_says_rules,
    fits=_fits_rules,
    do=_rules,
)
EDITION = _of_world("world_edition", ChangeEdition, _says_edition, _edition)
