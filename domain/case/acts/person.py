"""What concerns the person: consents, flags, bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.ending import withdraw
from domain.case.acts.holding import end_review
from domain.case.acts.task import raise_danger
from domain.case.commands import Command
from domain.case.person import Consent
from domain.case.state import Case
from domain.errors import InvalidField, NotYours, WrongState
from domain.work import events as work_events
from domain.work.calendars import calendar_here
from domain.work.deadlines import last_day
from domain.work.tasks import TaskOptions, offer
from domain.work.transition import Transition

FLAGS = (
    "undocumented",
    "detained",
    "in_danger",
    "do_not_notify_state",
    "warrant",
    "medical",
    "witness",
    "stateless_risk",
    "third_national",
    "protection_lapsed",
)
CONFLICT = "conflict:"
BARS = ("witness", "warrant", "court")
GUARDIAN = "guardian"


def _said_by(case: Case, command: Command) -> str:
    """The role of whoever said it: the one recorded for, else the one who records."""
    office = case.work.offices.get(command.for_ or command.by)
    return office.role if office is not None else command.for_


def consent(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A yes for one purpose; a child's counts only when the guardian gives it (4.2)."""
    case = transition.subject
    happened = checks.moment_of(command, at)
    checks.allowed(case, command, "consent")
    checks.needs(command, "purpose")
    if command.purpose not in case.procedure.purposes:
        raise InvalidField(f"`purpose` is one of {', '.join(case.procedure.purposes)}")
    if command.receiver and command.receiver not in case.work.offices:
        raise InvalidField(f"`receiver` names no office of this case: {command.receiver}")
    here = calendar_here(case)
    today = here.local_date(happened)
    until = command.until or last_day(case.procedure.consent_lasts, today, here)
    if until < here.local_date(at):
        raise InvalidField("`until` lies in the past")
    checks.alive(case)
    transition.add(
        e.ConsentGiven(
            at=at,
            consent=Consent(
                purpose=command.purpose,
                receiver=command.receiver,
                until=until,
                given_at=happened,
                confirmed_at=happened,
                by_guardian=_said_by(case, command) == GUARDIAN,
            ),
            by=command.by,
            user=command.user,
            for_=command.for_,
        )
    )


def withdraw_consent(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A no, at any time; what waits to leave under it stops (domain.md P4)."""
    case = transition.subject
    checks.moment_of(command, at)
    checks.allowed(case, command, "withdraw_consent")
    checks.needs(command, "purpose")
    if command.purpose not in case.procedure.purposes:
        raise InvalidField(f"`purpose` is one of {', '.join(case.procedure.purposes)}")
    checks.alive(case)
    if not any(
        c.purpose == command.purpose and c.withdrawn_at is None for c in case.person.consents
    ):
        raise WrongState(f"There is no consent {command.purpose} to withdraw")
    withdraw(transition, at, command.purpose, by=command.by, user=command.user)


def flag(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Note a fact; danger to life goes to the top at once (3.7)."""
    case = transition.subject
    checks.moment_of(command, at)
    checks.allowed(case, command, "flag")
    checks.needs(command, "flag")
    _known(case, command.flag)
    checks.alive(case)
    if command.flag in case.person.flags:
        raise WrongState(f"{command.flag} is flagged already")
    transition.add(e.FlagSet(at=at, flag=command.flag, by=command.by, user=command.user))
    if command.flag.startswith(CONFLICT):
        exclude(transition, command.flag.removeprefix(CONFLICT), at, excluded=True)
    if command.flag == "in_danger":
        leaving = transition.subject.work.newest("exit")
        still_there = leaving is not None and leaving.is_open
        raise_danger(
            transition, leaving if still_there else transition.subject.work.newest("placement"), at
        )


def unflag(transition: Transition[Case], command: Command, at: datetime) -> None:
    """It is no longer so."""
    case = transition.subject
    checks.moment_of(command, at)
    checks.allowed(case, command, "unflag")
    checks.needs(command, "flag")
    _known(case, command.flag)
    checks.alive(case)
    if command.flag not in case.person.flags:
        raise WrongState(f"{command.flag} is not flagged")
    transition.add(e.FlagLifted(at=at, flag=command.flag, by=command.by, user=command.user))
    if command.flag.startswith(CONFLICT):
        exclude(transition, command.flag.removeprefix(CONFLICT), at, excluded=False)


def _known(case: Case, flag: str) -> None:
    if flag.startswith(CONFLICT):
        if flag.removeprefix(CONFLICT) not in case.work.offices:
            raise InvalidField("`flag` names no office of this case")
    elif flag not in FLAGS:
        raise InvalidField(f"`flag` is one of {', '.join(FLAGS)}, or conflict:OFFICE")


def exclude(transition: Transition[Case], office_id: str, at: datetime, *, excluded: bool) -> None:
    """A conflict of interest: the office sees and gets nothing of this case (4.7, P11)."""
    office = transition.subject.work.offices[office_id]
    transition.add(work_events.PostChanged(at=at, office=replace(office, excluded=excluded)))


def bar(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A legal reason to stay: shuts the gate legal, pauses nothing, has an owner and a review."""
    case = transition.subject
    checks.moment_of(command, at)
    checks.allowed(case, command, "bar")
    checks.needs(command, "kind", "review")
    if command.kind not in BARS:
        raise InvalidField(f"`kind` is one of {', '.join(BARS)}")
    owner = command.owner or command.by
    if owner not in case.work.offices:
        raise InvalidField(f"`owner` names no office of this case: {owner}")
    assert command.review is not None  # noqa: S101 - `needs` has just seen to it
    checks.coming_day(case, command.review, command.by, at, "review")
    checks.alive(case)
    if command.kind in case.person.bars:
        raise WrongState(f"A bar of this kind stands already: {command.kind}")
    transition.add(
        e.BarSet(
            at=at,
            kind=command.kind,
            owner=owner,
            review=command.review,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )
    card = case.card("bar_review")
    if card is not None:
        options = TaskOptions(holder=command.by, day=command.review, about=command.kind)
        offer(transition, card, at, at, options)


def lift_bar(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Only its owner releases a bar; that ends its review."""
    case = transition.subject
    checks.moment_of(command, at)
    checks.signed(case, command)
    found = case.person.bars.get(command.kind)
    if found is not None and found.owner != command.by:
        raise NotYours("Only the owner of a bar lifts it")
    checks.needs(command, "kind")
    checks.alive(case)
    if found is None:
        raise WrongState(f"No bar of this kind stands: {command.kind}")
    transition.add(
        e.BarLifted(
            at=at, kind=command.kind, by=command.by, user=command.user, reason=command.reason
        )
    )
    end_review(transition, "bar_review", command.kind, command, at)
