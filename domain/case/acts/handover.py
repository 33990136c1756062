"""Planning to cross, and leaving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.act import Act, Command, given
from domain.case import consent, gates
from domain.case import events as e
from domain.case.acts import checks
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHandover:
    """Set day, crossing and receiving office; a new plan makes its dated steps anew (4.3)."""

    day: date | datetime | None = given("day_or_moment", needed=True, key="date")
    crossing: str = given("word")
    receiving: str = given("office")


def _receiving(case: Case, command: Command[PlanHandover]) -> str:
    return command.body.receiving or case.work.office_of("origin.reception")


def _may_plan(case: Case, command: Command[PlanHandover], at: datetime) -> None:
    if case.procedure.tells_country and "do_not_notify_state" in case.person.flags:
        raise DoNotNotify
    checks.moment_of(command, at)
    checks.allowed(case, command, "plan_handover")


def _says_plan(case: Case, command: Command[PlanHandover], at: datetime) -> None:
    checks.needs(command, "day")
    checks.is_office(case, _receiving(case, command), "receiving")
    day = checks.there(command.body.day)
    checks.coming_day(case, day, command.by, at, "date")
    if _moment(case, day) < at:
        raise InvalidField("`date` lies in the past")


def _fits_plan(case: Case, command: Command[PlanHandover], at: datetime) -> None:
    if consent.since(case, "return", at) is None:
        raise NoConsent(consent.why_not(case, "return", at))
    if not child_is_cleared(case, at):
        raise ClosedGate("A child needs a guardian and, where it applies, best interests")
    if case.crossings.get(command.body.crossing) == "closed":
        raise ClosedGate(f"The crossing is shut: {command.body.crossing}")
    asked = tuple(g for g in case.procedure.gates.get("plan_handover", ()) if g != "crossing")
    shut = gates.first_shut(case, asked, at)
    if shut is not None:
        raise ClosedGate(f"gate {shut[0]}: {shut[1]}")
    checks.alive(case)
    if case.handed_over:
        raise WrongState("The person has been handed over already")
    checks.someone_there(case, _receiving(case, command))


def _moment(case: Case, day: date | datetime) -> datetime:
    """A plan by date alone stands at opening hour (stories.md 3.14)."""
    if isinstance(day, datetime):
        return day
    return calendar_here(case).opening(day)


def _plan(transition: Transition[Case], command: Command[PlanHandover], at: datetime) -> None:
    case = transition.subject
    last = case.newest_handover
    transition.add(
        e.HandoverPlanned(
            at=at,
            number=last.number + 1 if last is not None else 1,
            planned_at=_moment(case, checks.there(command.body.day)),
            crossing=command.body.crossing,
            receiving=_receiving(case, command),
            by=command.by,
            user=command.user,
        )
    )
    rules = case.procedure
    if rules.sends_with_handover:
        version = case.segment.manifest_version + 1
        transition.add(e.ManifestMade(at=at, version=version, empty=False))
        for role in rules.sends_with_handover_to:
            to = case.work.office_of(role)
            write(transition, at, rules.sends_with_handover, to, step="handover", version=version)


PLAN_HANDOVER = Act(
    name="plan_handover",
    takes=PlanHandover,
    permission="cases.steer",
    about="case",
    may=_may_plan,
    says=_says_plan,
    fits=_fits_plan,
    do=_plan,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depart:
    """On the way: every gate must be open at this moment (4.4)."""


def _may_depart(case: Case, command: Command[Depart], at: datetime) -> None:
    checks.moment_of(command, at)
    checks.allowed(case, command, "depart")
    checks.alive(case)
    if case.handover is None or case.handed_over:
        raise WrongState("No handover is planned")


def _fits_depart(case: Case, command: Command[Depart], at: datetime) -> None:
    happened = checks.moment_of(command, at)
    asked = case.procedure.gates.get("depart", ())
    shut = gates.first_shut(case, asked, happened, leaving=True)
    if shut is not None:
        raise ClosedGate(f"gate {shut[0]}: {shut[1]}")
    if case.handover is not None and case.handover.departed_at is not None:
        raise WrongState("Departure is recorded already")


def _depart(transition: Transition[Case], command: Command[Depart], at: datetime) -> None:
    number = checks.there(transition.subject.handover).number
    transition.add(e.Departed(at=at, number=number, by=command.by, user=command.user))


DEPART = Act(
    name="depart",
    takes=Depart,
    permission="tasks.act",  # whoever hears or sees it records it; the core looks at the role
    about="case",
    may=_may_depart,
    fits=_fits_depart,
    do=_depart,
)
