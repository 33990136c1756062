"""Acts on a task other than completing it: accept, decline, withdraw, note, promise, alarm."""

from __future__ import annotations

from datetime import datetime

from domain.case.acts import checks
from domain.case.commands import Command
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


def accept(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The holder says that it will do it."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.moment_of(command, at)
    checks.acts_for(case, card, command, _holder(case, card, command))
    task = case.work.newest(card.id)
    if task is not None and task.state == "accepted":
        checks.not_just_done(command, task.accepted_at, at)
        raise WrongState(f"{card.id} has been accepted already")
    task = checks.open_task(case, card, command, at)
    checks.alive(case)
    transition.add(
        e.TaskAccepted(at=at, step=card.id, attempt=task.attempt, by=command.by, user=command.user)
    )


def decline(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The holder cannot; the task goes back to the case manager, its clock runs on."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.acts_for(case, card, command, _holder(case, card, command))
    newest = case.work.newest(card.id)
    if newest is not None and not newest.is_open:
        checks.not_just_ended(command, newest, at)
    checks.needs(command, "reason")
    task = checks.open_task(case, card, command, at)
    back_to = case.work.office_of(f"{case.procedure.home}.case")
    if task.holder == back_to:
        raise WrongState(f"{card.id} is already with the office that offers it; reassign it")
    checks.someone_there(case, back_to)
    _move(transition, task, back_to, "declined", command, at)


def withdraw(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The sender takes the task back; its clock runs on."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.allowed(case, command, "withdraw")
    task = checks.open_task(case, card, command, at)
    back_to = case.work.office_of(f"{case.procedure.home}.case")
    if task.holder == back_to:
        raise WrongState(f"{card.id} is already with the office that offers it")
    checks.someone_there(case, back_to)
    _move(transition, task, back_to, "withdrawn", command, at)


def _move(
    transition: Transition[Case], task: Task, to: str, how: str, command: Command, at: datetime
) -> None:
    transition.add(
        e.TaskMoved(
            at=at,
            step=task.step,
            attempt=task.attempt,
            to=to,
            how=how,
            by=command.by,
            user=command.user,
            for_=command.for_,
            reason=command.reason,
        )
    )
    write(transition, at, "offer", to, step=task.step, attempt=task.attempt)


def reassign(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Another office gets the task, or a step to come; due date and ladder stay."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    holder = _holder(case, card, command)
    checks.signed(case, command)
    if not _may_reassign(case, command, holder):
        raise NotYours(f"{command.by} does not reassign {card.id}")
    task = case.work.newest(card.id)
    if task is not None and not task.is_open and task.state != "waiting":
        checks.not_just_ended(command, task, at)
    checks.needs(command, "to", "reason")
    if command.to not in case.work.offices:
        raise InvalidField(f"`to` names no office of this case: {command.to}")
    checks.alive(case)
    if task is not None and task.is_open:
        checks.someone_there(case, command.to)
        _move(transition, task, command.to, "reassign", command, at)
        return
    if task is not None and task.state != "waiting":
        raise WrongState(f"{card.id} is over")
    checks.someone_there(case, command.to)
    transition.add(
        e.TaskPreassigned(
            at=at,
            step=card.id,
            to=command.to,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )


def _may_reassign(case: Case, command: Command, holder: str) -> bool:
    if checks.roles_match(case, command.by, case.procedure.access.get("reassign", ())):
        return True
    office = case.work.offices.get(holder)
    return office is not None and focal_of(case, side_of(office.role)) == command.by


def _holder(case: Case, card: Card, command: Command) -> str:
    del command
    return checks.holder_of(case, card, owner_of(case, card))


def return_(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Back for correction: a new attempt of the same office with a full clock (4.1)."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.allowed(case, command, "return")
    checks.alive(case)
    task = case.work.newest(card.id)
    if task is None or task.state != "done":
        raise WrongState(f"{card.id} is not done")
    departure = case.procedure.departs_after_outcome
    if f"{card.id}:{task.outcome}" == departure or card.kind == "closure":
        raise WrongState("What was handed over is never undone, only followed by something new")
    options = TaskOptions(holder=task.holder, made_for=task.made_for, about="returned")
    offer(transition, card, at, at, options)


def note(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A note on a task by its holder or the case's own offices."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    holder = _holder(case, card, command)
    checks.signed(case, command)
    home = checks.roles_match(case, command.by, ("home.*",))
    if command.by != holder and not home:
        raise NotYours(f"{card.id} is held by {holder}")
    task = case.work.newest(card.id)
    if task is None:
        raise WrongState(f"{card.id} has not begun")
    transition.add(
        e.TaskNoted(
            at=at,
            step=card.id,
            attempt=task.attempt,
            note=command.note or command.reason,
            by=command.by,
            user=command.user,
        )
    )


def promise(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The holder names the day; reminders until then are quiet, lateness is not."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    holder = _holder(case, card, command)
    checks.acts_for(case, card, command, holder)
    newest = case.work.newest(card.id)
    if newest is not None and not newest.is_open:
        checks.not_just_ended(command, newest, at)
    checks.needs(command, "day")
    day = command.day
    assert day is not None  # noqa: S101 - `needs` has just seen to it
    checks.coming_day(case, day, holder, at, "date")
    task = checks.open_task(case, card, command, at)
    on = calendar_for(case, holder).local_date(day) if isinstance(day, datetime) else day
    transition.add(
        e.TaskPromised(
            at=at, step=card.id, attempt=task.attempt, on=on, by=command.by, user=command.user
        )
    )


def alarm(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Any office of the case, any task, any time. Danger to life goes to the top at once (3.7)."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.signed(case, command)
    checks.needs(command, "kind")
    if command.kind not in ALARMS:
        raise InvalidField(f"`kind` is one of {', '.join(ALARMS)}")
    checks.alive(case)
    task = case.work.newest(card.id)
    attempt = task.attempt if task is not None else 0
    transition.add(
        e.AlarmRaised(
            at=at,
            step=card.id,
            attempt=attempt,
            alarm=command.kind,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )
    if command.kind == "in_danger":
        raise_danger(transition, task, at)
        return
    for role in ("case", "province"):
        office = case.work.office_of(f"{case.procedure.home}.{role}")
        write(transition, at, "told", office, step=card.id, attempt=attempt, about=command.kind)


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
