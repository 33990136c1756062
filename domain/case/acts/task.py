"""Acts on a task other than completing it: accept, decline, withdraw, note, promise, alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.act import Act, Command, given
from domain.case.acts import checks
from domain.case.state import Case
from domain.errors import InvalidField, NotYours, WrongState
from domain.work import events as e
from domain.work.calendars import calendar_for
from domain.work.ladder import raise_to_top
from domain.work.messages import write
from domain.work.offices import focal_of
from domain.work.procedure import Card, side_of
from domain.work.state import Task
from domain.work.subject import open_tasks
from domain.work.tasks import TaskOptions, offer, owner_of
from domain.work.transition import Transition

ALARMS = ("in_danger", "gone", "refuses")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStep:
    """An act on a step that needs nothing more."""

    step: str = given("step", needed=True)


def for_step(case: Case, step: str) -> Iterator[OnStep]:
    """What to try to see whether an act on a step is open."""
    del case
    yield OnStep(step=step)


def _holder(case: Case, card: Card) -> str:
    return checks.holder_of(case, card, owner_of(case, card))


def _held_by_actor(case: Case, command: Command[Any], at: datetime) -> Card:
    """The card, where the office that acts holds the step or may record for the one that does."""
    card = checks.card_of(case, command, at)
    checks.acts_for(case, card, command, _holder(case, card))
    return card


def _not_just_ended(case: Case, card: Card, command: Command[Any], at: datetime) -> None:
    newest = case.work.newest(card.id)
    if newest is not None and not newest.is_open:
        checks.not_just_ended(command, newest, at)


# -- accept


def _may_accept(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.moment_of(command, at)
    checks.acts_for(case, card, command, _holder(case, card))
    task = case.work.newest(card.id)
    if task is not None and task.state == "accepted":
        checks.not_just_done(command, task.accepted_at, at)


def _fits_accept(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    task = case.work.newest(card.id)
    if task is not None and task.state == "accepted":
        raise WrongState(f"{card.id} has been accepted already")
    checks.open_task(case, card, command, at)
    checks.alive(case)


def _accept(transition: Transition[Case], command: Command[OnStep], at: datetime) -> None:
    task = _newest(transition.subject, command)
    transition.add(
        e.TaskAccepted(
            at=at, step=task.step, attempt=task.attempt, by=command.by, user=command.user
        )
    )


def _newest(case: Case, command: Command[Any]) -> Task:
    return case.work.tasks[command.body.step][-1]


ACCEPT = Act(
    name="accept",
    takes=OnStep,
    permission="tasks.act",
    about="task",
    may=_may_accept,
    fits=_fits_accept,
    do=_accept,
    samples=for_step,
)


# -- decline and withdraw


def _may_decline(case: Case, command: Command[OnStep], at: datetime) -> None:
    _not_just_ended(case, _held_by_actor(case, command, at), command, at)


def _gives_reason(case: Case, command: Command[Any], at: datetime) -> None:
    del case, at
    checks.needs(command, "reason")


def _fits_decline(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    task = checks.open_task(case, card, command, at)
    if task.holder == checks.case_office(case):
        raise WrongState(f"{card.id} is already with the office that offers it; reassign it")
    checks.someone_there(case, checks.case_office(case))


def _decline(transition: Transition[Case], command: Command[OnStep], at: datetime) -> None:
    """The holder cannot; the task goes back to the case manager, its clock runs on."""
    case = transition.subject
    move(transition, _newest(case, command), checks.case_office(case), "declined", command, at)


DECLINE = Act(
    name="decline",
    takes=OnStep,
    permission="tasks.act",
    about="task",
    needs=("reason",),
    may=_may_decline,
    says=_gives_reason,
    fits=_fits_decline,
    do=_decline,
    samples=for_step,
)


def _may_withdraw(case: Case, command: Command[OnStep], at: datetime) -> None:
    checks.card_of(case, command, at)
    checks.allowed(case, command, "withdraw")


def _fits_withdraw(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    task = checks.open_task(case, card, command, at)
    if task.holder == checks.case_office(case):
        raise WrongState(f"{card.id} is already with the office that offers it")
    checks.someone_there(case, checks.case_office(case))


def _withdraw(transition: Transition[Case], command: Command[OnStep], at: datetime) -> None:
    """The sender takes the task back; its clock runs on."""
    case = transition.subject
    move(transition, _newest(case, command), checks.case_office(case), "withdrawn", command, at)


WITHDRAW = Act(
    name="withdraw",
    takes=OnStep,
    permission="cases.steer",
    about="step",
    may=_may_withdraw,
    fits=_fits_withdraw,
    do=_withdraw,
    samples=for_step,
)


def move(
    transition: Transition[Case],
    task: Task,
    to: str,
    how: str,
    command: Command[Any],
    at: datetime,
) -> None:
    """Another office holds the task from now on, and is offered it."""
    transition.add(
        e.TaskMoved(
            at=at,
            step=task.step,
            attempt=task.attempt,
            to=to,
            how=how,
            for_=command.for_,
            **command.signed(),
        )
    )
    write(transition, at, "offer", to, step=task.step, attempt=task.attempt)


# -- reassign


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassign:
    """Another office gets the task, or a step to come; due date and ladder stay."""

    step: str = given("step", needed=True)
    to: str = given("office", needed=True)


def _may_reassign(case: Case, command: Command[Reassign], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.signed(case, command)
    if not _steers_or_is_its_focal(case, command, _holder(case, card)):
        raise NotYours(f"{command.by} does not reassign {card.id}")
    task = case.work.newest(card.id)
    if task is not None and not task.is_open and task.state != "waiting":
        checks.not_just_ended(command, task, at)


def _steers_or_is_its_focal(case: Case, command: Command[Any], holder: str) -> bool:
    if checks.roles_match(case, command.by, case.procedure.access.get("reassign", ())):
        return True
    office = case.work.offices.get(holder)
    return office is not None and focal_of(case, side_of(office.role)) == command.by


def _says_reassign(case: Case, command: Command[Reassign], at: datetime) -> None:
    del at
    checks.needs(command, "to", "reason")
    checks.is_office(case, command.body.to, "to")


def _fits_reassign(case: Case, command: Command[Reassign], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.alive(case)
    task = case.work.newest(card.id)
    over = task is not None and not task.is_open and task.state != "waiting"
    if over:
        raise WrongState(f"{card.id} is over")
    if command.body.to:
        checks.someone_there(case, command.body.to)


def _reassign(transition: Transition[Case], command: Command[Reassign], at: datetime) -> None:
    step, to = command.body.step, command.body.to
    task = transition.subject.work.newest(step)
    if task is not None and task.is_open:
        move(transition, task, to, "reassign", command, at)
        return
    transition.add(e.TaskPreassigned(at=at, step=step, to=to, **command.signed()))


REASSIGN = Act(
    name="reassign",
    takes=Reassign,
    permission="cases.steer",
    about="step",
    needs=("reason",),
    may=_may_reassign,
    says=_says_reassign,
    fits=_fits_reassign,
    do=_reassign,
    samples=lambda _, step: [Reassign(step=step)],
)


# -- return for correction


def _may_return(case: Case, command: Command[OnStep], at: datetime) -> None:
    checks.card_of(case, command, at)
    checks.allowed(case, command, "return")


def _fits_return(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.alive(case)
    task = case.work.newest(card.id)
    if task is None or task.state != "done":
        raise WrongState(f"{card.id} is not done")
    departure = case.procedure.departs_after_outcome
    if f"{card.id}:{task.outcome}" == departure or card.kind == "closure":
        raise WrongState("What was handed over is never undone, only followed by something new")


def _return(transition: Transition[Case], command: Command[OnStep], at: datetime) -> None:
    """Back for correction: a new attempt of the same office with a full clock (4.1)."""
    task = _newest(transition.subject, command)
    card = transition.subject.procedure.cards[task.step]
    options = TaskOptions(holder=task.holder, made_for=task.made_for, about="returned")
    offer(transition, card, at, at, options)


RETURN = Act(
    name="return",
    takes=OnStep,
    permission="cases.steer",
    about="task",
    may=_may_return,
    fits=_fits_return,
    do=_return,
    samples=for_step,
)


# -- note


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note on a task by its holder or the case's own offices."""

    step: str = given("step", needed=True)
    note: str = given("text", needed=True)


def _may_note(case: Case, command: Command[Note], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.signed(case, command)
    home = checks.roles_match(case, command.by, ("home.*",))
    if command.by != _holder(case, card) and not home:
        raise NotYours(f"{card.id} is held by {_holder(case, card)}")


def _fits_note(case: Case, command: Command[Note], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    if case.work.newest(card.id) is None:
        raise WrongState(f"{card.id} has not begun")


def note(transition: Transition[Case], command: Command[Note], at: datetime) -> None:
    """Keep the name of what somebody wrote."""
    task = _newest(transition.subject, command)
    transition.add(
        e.TaskNoted(
            at=at,
            step=task.step,
            attempt=task.attempt,
            note=command.body.note or command.reason,
            by=command.by,
            user=command.user,
        )
    )


NOTE = Act(
    name="note",
    takes=Note,
    permission="tasks.act",
    about="task",
    may=_may_note,
    fits=_fits_note,
    do=note,
    samples=lambda _, step: [Note(step=step)],
)


# -- promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The day by which it will be done; reminders until then are quiet, lateness is not."""

    step: str = given("step", needed=True)
    day: date | datetime | None = given("day_or_moment", needed=True, key="date")


def _says_promise(case: Case, command: Command[Promise], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.needs(command, "day")
    checks.coming_day(case, command.body.day, _holder(case, card), at, "date")


def _fits_open(case: Case, command: Command[Any], at: datetime) -> None:
    checks.open_task(case, checks.card_of(case, command, at), command, at)


def _promise(transition: Transition[Case], command: Command[Promise], at: datetime) -> None:
    case = transition.subject
    task, day = _newest(case, command), checks.there(command.body.day)
    holder = _holder(case, case.procedure.cards[task.step])
    on = calendar_for(case, holder).local_date(day) if isinstance(day, datetime) else day
    transition.add(
        e.TaskPromised(
            at=at, step=task.step, attempt=task.attempt, on=on, by=command.by, user=command.user
        )
    )


PROMISE = Act(
    name="promise",
    takes=Promise,
    permission="tasks.act",
    about="task",
    may=_may_decline,
    says=_says_promise,
    fits=_fits_open,
    do=_promise,
    samples=lambda _, step: [Promise(step=step)],
)


# -- alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something is wrong with the person: any office of the case, any task, any time."""

    step: str = given("step", needed=True)
    kind: str = given("word", needed=True)


def _may_alarm(case: Case, command: Command[Alarm], at: datetime) -> None:
    checks.card_of(case, command, at)
    checks.signed(case, command)


def _says_alarm(case: Case, command: Command[Alarm], at: datetime) -> None:
    del case, at
    checks.needs(command, "kind")
    if command.body.kind not in ALARMS:
        raise InvalidField(f"`kind` is one of {', '.join(ALARMS)}")


def _fits_alive(case: Case, command: Command[Any], at: datetime) -> None:
    del command, at
    checks.alive(case)


def _alarm(transition: Transition[Case], command: Command[Alarm], at: datetime) -> None:
    """Danger to life goes to the top at once (3.7)."""
    case, step, kind = transition.subject, command.body.step, command.body.kind
    task = case.work.newest(step)
    attempt = task.attempt if task is not None else 0
    transition.add(e.AlarmRaised(at=at, step=step, attempt=attempt, alarm=kind, **command.signed()))
    if kind == "in_danger":
        raise_danger(transition, task, at)
        return
    for role in ("case", "province"):
        office = case.work.office_of(case.procedure.home_role(role))
        write(transition, at, "told", office, step=step, attempt=attempt, about=kind)


def raise_danger(transition: Transition[Case], task: Task | None, at: datetime) -> None:
    """The top rung of this task, also when it is done; where there is none, of the one due first."""
    if task is None or task.state in {"waiting", "skipped"}:
        open_ones = sorted(
            open_tasks(transition.subject),
            key=lambda t: (t.due_at is None, t.due_at or t.offered_at),
        )
        task = open_ones[0] if open_ones else None
    if task is not None and not task.danger:
        raise_to_top(transition, task, at)


ALARM = Act(
    name="alarm",
    takes=Alarm,
    permission="tasks.act",
    about="task",
    may=_may_alarm,
    says=_says_alarm,
    fits=_fits_alive,
    do=_alarm,
    samples=lambda _, step: [Alarm(step=step)],
)
