"""Planning to cross, and leaving."""

from __future__ import annotations

from datetime import date, datetime

from domain.case import consent, gates
from domain.case import events as e
from domain.case.acts import checks
from domain.case.commands import Command
from domain.case.release import child_is_cleared
from domain.case.state import Case
from domain.errors import (
    ClosedGate,
    DoNotNotify,
    InvalidField,
    NoConsent,
    WrongState,
)
from domain.work.calendars import calendar_here
from domain.work.messages import write
from domain.work.transition import Transition


def plan_handover(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Set day, crossing and receiving office; a new plan makes its dated steps anew (4.3)."""
    case = transition.subject
    tells_country = case.procedure.home != "origin"
    if tells_country and "do_not_notify_state" in case.person.flags:
        raise DoNotNotify
    checks.moment_of(command, at)
    checks.allowed(case, command, "plan_handover")
    checks.needs(command, "day")
    assert command.day is not None  # noqa: S101 - `needs` has just seen to it
    receiving = command.receiving or case.work.office_of("origin.reception")
    if receiving not in case.work.offices:
        raise InvalidField(f"`receiving` names no office of this case: {receiving}")
    checks.coming_day(case, command.day, command.by, at, "date")
    moment = _moment(case, command.day)
    if moment < at:
        raise InvalidField("`date` lies in the past")
    if consent.since(case, "return", at) is None:
        raise NoConsent(consent.why_not(case, "return", at))
    if not child_is_cleared(case, at):
        raise ClosedGate("A child needs a guardian and, where it applies, best interests")
    if case.crossings.get(command.crossing) == "closed":
        raise ClosedGate(f"The crossing is shut: {command.crossing}")
    asked = tuple(g for g in case.procedure.gates.get("plan_handover", ()) if g != "crossing")
    shut = gates.first_shut(case, asked, at)
    if shut is not None:
        raise ClosedGate(f"gate {shut[0]}: {shut[1]}")
    checks.alive(case)
    if case.handed_over:
        raise WrongState("The person has been handed over already")
    checks.someone_there(case, receiving)
    _plan(transition, command, moment, receiving, at)


def _moment(case: Case, day: date | datetime) -> datetime:
    """A plan by date alone stands at opening hour (stories.md 3.14)."""
    if isinstance(day, datetime):
        return day
    return calendar_here(case).opening(day)


def _plan(
    transition: Transition[Case], command: Command, moment: datetime, receiving: str, at: datetime
) -> None:
    last = transition.subject.newest_handover
    transition.add(
        e.HandoverPlanned(
            at=at,
            number=last.number + 1 if last is not None else 1,
            planned_at=moment,
            crossing=command.crossing,
            receiving=receiving,
            by=command.by,
            user=command.user,
        )
    )
    rules = transition.subject.procedure
    if rules.sends_with_handover:
        version = transition.subject.segment.manifest_version + 1
        transition.add(e.ManifestMade(at=at, version=version, empty=False))
        for role in rules.sends_with_handover_to:
            to = transition.subject.work.office_of(role)
            write(transition, at, rules.sends_with_handover, to, step="handover", version=version)


def depart(transition: Transition[Case], command: Command, at: datetime) -> None:
    """On the way: every gate must be open at this moment (4.4)."""
    case = transition.subject
    happened = checks.moment_of(command, at)
    checks.allowed(case, command, "depart")
    checks.alive(case)
    handover = case.handover
    if handover is None or case.handed_over:
        raise WrongState("No handover is planned")
    shut = gates.first_shut(case, case.procedure.gates.get("depart", ()), happened, leaving=True)
    if shut is not None:
        raise ClosedGate(f"gate {shut[0]}: {shut[1]}")
    if handover.departed_at is not None:
        raise WrongState("Departure is recorded already")
    transition.add(e.Departed(at=at, number=handover.number, by=command.by, user=command.user))
