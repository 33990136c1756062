"""What concerns the person: consents, flags, bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from domain.act import Act, Check, Command, given
from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.ending import withdraw
from domain.case.acts.holding import end_review
from domain.case.acts.task import raise_danger
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


def _said_by(case: Case, command: Command[Any]) -> str:
    """The role of whoever said it: the one recorded for, else the one who records."""
    office = case.work.offices.get(command.for_ or command.by)
    return office.role if office is not None else command.for_


def _fits_alive(case: Case, command: Command[Any], at: datetime) -> None:
    del command, at
    checks.alive(case)


def _may(act: str) -> Check:
    """The office's role in this case must be one that may do this (access.toml)."""

    def may(case: Case, command: Command[Any], at: datetime) -> None:
        checks.moment_of(command, at)
        checks.allowed(case, command, act)

    return may


# -- consent


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveConsent:
    """A yes for one purpose; a child's counts only when the guardian gives it (4.2)."""

    purpose: str = given("word", needed=True)
    receiver: str = given("office")
    until: date | None = given("day")


def _says_purpose(case: Case, command: Command[Any], at: datetime) -> None:
    del at
    checks.needs(command, "purpose")
    if command.body.purpose not in case.procedure.purposes:
        raise InvalidField(f"`purpose` is one of {', '.join(case.procedure.purposes)}")


def _says_consent(case: Case, command: Command[GiveConsent], at: datetime) -> None:
    _says_purpose(case, command, at)
    if command.body.receiver:
        checks.is_office(case, command.body.receiver, "receiver")
    if _until(case, command, at) < calendar_here(case).local_date(at):
        raise InvalidField("`until` lies in the past")


def _until(case: Case, command: Command[GiveConsent], at: datetime) -> date:
    here = calendar_here(case)
    today = here.local_date(checks.moment_of(command, at))
    return command.body.until or last_day(case.procedure.consent_lasts, today, here)


def _consent(transition: Transition[Case], command: Command[GiveConsent], at: datetime) -> None:
    case, happened = transition.subject, checks.moment_of(command, at)
    transition.add(
        e.ConsentGiven(
            at=at,
            consent=Consent(
                purpose=command.body.purpose,
                receiver=command.body.receiver,
                until=_until(case, command, at),
                given_at=happened,
                confirmed_at=happened,
                by_guardian=_said_by(case, command) == GUARDIAN,
            ),
            by=command.by,
            user=command.user,
            for_=command.for_,
        )
    )


CONSENT = Act(
    name="consent",
    takes=GiveConsent,
    permission="cases.steer",
    about="case",
    may=_may("consent"),
    says=_says_consent,
    fits=_fits_alive,
    do=_consent,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawConsent:
    """A no, at any time; what waits to leave under it stops (domain.md P4)."""

    purpose: str = given("word", needed=True)


def given_purposes(case: Case) -> tuple[str, ...]:
    """What she said yes to and has not taken back."""
    said = (c.purpose for c in case.person.consents if c.withdrawn_at is None)
    return tuple(dict.fromkeys(said))


def _fits_withdraw(case: Case, command: Command[WithdrawConsent], at: datetime) -> None:
    del at
    checks.alive(case)
    if command.body.purpose not in given_purposes(case):
        raise WrongState(f"There is no consent {command.body.purpose} to withdraw")


def _withdraw(
    transition: Transition[Case], command: Command[WithdrawConsent], at: datetime
) -> None:
    withdraw(transition, at, command.body.purpose, by=command.by, user=command.user)


WITHDRAW_CONSENT = Act(
    name="withdraw_consent",
    takes=WithdrawConsent,
    permission="tasks.act",
    about="case",
    may=_may("withdraw_consent"),
    says=_says_purpose,
    fits=_fits_withdraw,
    do=_withdraw,
    samples=lambda case, _: [WithdrawConsent(purpose=word) for word in given_purposes(case)],
)


# -- flags


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFlag:
    """Note a fact; danger to life goes to the top at once (3.7)."""

    flag: str = given("word", needed=True)


def _says_flag(case: Case, command: Command[SetFlag], at: datetime) -> None:
    del at
    checks.needs(command, "flag")
    flag = command.body.flag
    if flag.startswith(CONFLICT):
        if flag.removeprefix(CONFLICT) not in case.work.offices:
            raise InvalidField("`flag` names no office of this case")
    elif flag not in FLAGS:
        raise InvalidField(f"`flag` is one of {', '.join(FLAGS)}, or conflict:OFFICE")


def _fits_flag(case: Case, command: Command[SetFlag], at: datetime) -> None:
    del at
    checks.alive(case)
    if command.body.flag in case.person.flags:
        raise WrongState(f"{command.body.flag} is flagged already")


def _flag(transition: Transition[Case], command: Command[SetFlag], at: datetime) -> None:
    flag = command.body.flag
    transition.add(e.FlagSet(at=at, flag=flag, by=command.by, user=command.user))
    if flag.startswith(CONFLICT):
        exclude(transition, flag.removeprefix(CONFLICT), at, excluded=True)
    if flag == "in_danger":
        leaving = transition.subject.work.newest("exit")
        still_there = leaving is not None and leaving.is_open
        task = leaving if still_there else transition.subject.work.newest("placement")
        raise_danger(transition, task, at)


FLAG = Act(
    name="flag",
    takes=SetFlag,
    permission="tasks.act",
    about="case",
    may=_may("flag"),
    says=_says_flag,
    fits=_fits_flag,
    do=_flag,
)


def _fits_unflag(case: Case, command: Command[SetFlag], at: datetime) -> None:
    del at
    checks.alive(case)
    if command.body.flag not in case.person.flags:
        raise WrongState(f"{command.body.flag} is not flagged")


def _unflag(transition: Transition[Case], command: Command[SetFlag], at: datetime) -> None:
    """It is no longer so."""
    flag = command.body.flag
    transition.add(e.FlagLifted(at=at, flag=flag, by=command.by, user=command.user))
    if flag.startswith(CONFLICT):
        exclude(transition, flag.removeprefix(CONFLICT), at, excluded=False)


UNFLAG = Act(
    name="unflag",
    takes=SetFlag,
    permission="tasks.act",
    about="case",
    may=_may("unflag"),
    says=_says_flag,
    fits=_fits_unflag,
    do=_unflag,
    samples=lambda case, _: [SetFlag(flag=flag) for flag in case.person.flags],
)


def exclude(transition: Transition[Case], office_id: str, at: datetime, *, excluded: bool) -> None:
    """A conflict of interest: the office sees and gets nothing of this case (4.7, P11)."""
    office = transition.subject.work.offices[office_id]
    transition.add(work_events.PostChanged(at=at, office=replace(office, excluded=excluded)))


# -- bars


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBar:
    """A legal reason to stay: shuts the gate legal, pauses nothing, has an owner and a review."""

    kind: str = given("word", needed=True)
    owner: str = given("office")
    review: date | None = given("day", needed=True)


def _says_bar(case: Case, command: Command[SetBar], at: datetime) -> None:
    checks.needs(command, "kind", "review")
    if command.body.kind not in BARS:
        raise InvalidField(f"`kind` is one of {', '.join(BARS)}")
    checks.is_office(case, command.body.owner or command.by, "owner")
    checks.coming_day(case, command.body.review, command.by, at, "review")


def _fits_bar(case: Case, command: Command[SetBar], at: datetime) -> None:
    del at
    checks.alive(case)
    if command.body.kind in case.person.bars:
        raise WrongState(f"A bar of this kind stands already: {command.body.kind}")


def _bar(transition: Transition[Case], command: Command[SetBar], at: datetime) -> None:
    body, review = command.body, checks.there(command.body.review)
    owner = body.owner or command.by
    transition.add(e.BarSet(at=at, kind=body.kind, owner=owner, review=review, **command.signed()))
    card = transition.subject.card("bar_review")
    if card is not None:
        options = TaskOptions(holder=command.by, day=review, about=body.kind)
        offer(transition, card, at, at, options)


BAR = Act(
    name="bar",
    takes=SetBar,
    permission="tasks.act",
    about="case",
    may=_may("bar"),
    says=_says_bar,
    fits=_fits_bar,
    do=_bar,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftBar:
    """Only its owner releases a bar; that ends its review."""

    kind: str = given("word", needed=True)


def _may_lift_bar(case: Case, command: Command[LiftBar], at: datetime) -> None:
    checks.moment_of(command, at)
    checks.signed(case, command)
    bar = case.person.bars.get(command.body.kind)
    if bar is not None and bar.owner != command.by:
        raise NotYours("Only the owner of a bar lifts it")


def _says_lift_bar(case: Case, command: Command[LiftBar], at: datetime) -> None:
    del case, at
    checks.needs(command, "kind")


def _fits_lift_bar(case: Case, command: Command[LiftBar], at: datetime) -> None:
    del at
    checks.alive(case)
    if command.body.kind not in case.person.bars:
        raise WrongState(f"No bar of this kind stands: {command.body.kind}")


def _lift_bar(transition: Transition[Case], command: Command[LiftBar], at: datetime) -> None:
    kind = command.body.kind
    transition.add(e.BarLifted(at=at, kind=kind, **command.signed()))
    end_review(transition, "bar_review", kind, command, at)


LIFT_BAR = Act(
    name="lift_bar",
    takes=LiftBar,
    permission="tasks.act",
    about="case",
    may=_may_lift_bar,
    says=_says_lift_bar,
    fits=_fits_lift_bar,
    do=_lift_bar,
    samples=lambda case, _: [LiftBar(kind=kind) for kind in case.person.bars],
)
