"""Ending an escalation by a recorded decision (stories.md 3.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.case.acts import checks
from domain.case.acts.steering import leave_out
from domain.case.commands import Command
from domain.case.state import Case
from domain.errors import InvalidField, NotWaivable, NotYours, OwnRequest, WrongState
from domain.work import events as e
from domain.work.clocks import set_due
from domain.work.ladder import fire, next_rung
from domain.work.messages import write
from domain.work.offices import person_of
from domain.work.procedure import Card
from domain.work.state import Task
from domain.work.transition import Transition

DECISIONS = ("extend", "reassign", "waive", "refer_up", "cancel")


def decide(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Extend, reassign, waive where the card allows it, refer up, or cancel the step."""
    case = transition.subject
    card = checks.card_of(case, command, at, watches=True)
    checks.moment_of(command, at)
    checks.signed(case, command)
    task = _in_question(case, card)
    if task is None or not _was_asked(task, command.by):
        raise NotYours(f"No escalation of {card.id} has reached {command.by}")
    if task.escalation != "open":
        checks.not_just_done(command, task.decided_at, at)
        checks.not_just_ended(command, task, at)
    _check_fields(case, command, task, at)
    if command.user == person_of(case, task.holder):
        raise OwnRequest
    if command.decision == "waive" and not checks.roles_match(case, command.by, card.waivable_by):
        raise NotWaivable
    checks.alive(case)
    if task.escalation != "open":
        raise WrongState(f"No escalation of {card.id} is open")
    if command.decision == "refer_up" and not next_rung(case, task):
        raise WrongState("There is nobody above")
    if command.decision == "reassign":
        checks.someone_there(case, command.to)
    _decide(transition, card, task, command, at)


def _was_asked(task: Task, office: str) -> bool:
    """Whom the deciding rungs reached; those an upward referral left behind are out (3.8)."""
    if office in task.deciders:
        return True
    return task.escalation != "open" and office in task.asked_before


def _in_question(case: Case, card: Card) -> Task | None:
    """The attempt whose escalation is open, else the newest."""
    attempts = case.work.tasks.get(card.id, ())
    return next((t for t in attempts if t.escalation == "open"), attempts[-1] if attempts else None)


def _check_fields(case: Case, command: Command, task: Task | None, at: datetime) -> None:
    checks.needs(command, "decision", "reason")
    if command.decision not in DECISIONS:
        raise InvalidField(f"`decision` is one of {', '.join(DECISIONS)}")
    if command.decision == "extend":
        checks.needs(command, "due")
        assert command.due is not None  # noqa: S101 - `needs` has just seen to it
        office = task.made_for if task is not None else command.by
        checks.coming_day(case, command.due, office, at, "due")
    if command.decision == "reassign":
        checks.needs(command, "to")
        if command.to not in case.work.offices:
            raise InvalidField(f"`to` names no office of this case: {command.to}")


def _decide(
    transition: Transition[Case], card: Card, task: Task, command: Command, at: datetime
) -> None:
    transition.add(
        e.EscalationDecided(
            at=at,
            step=card.id,
            attempt=task.attempt,
            decision=command.decision,
            by=command.by,
            user=command.user,
            for_=command.for_,
            reason=command.reason,
        )
    )
    holder = task.holder
    current = transition.subject.work.tasks[card.id][task.attempt - 1]
    if current.is_open or command.decision == "refer_up":
        _CARRY_OUT[command.decision](transition, current, command, at)
    now_with = transition.subject.work.tasks[card.id][task.attempt - 1].holder
    told = dict.fromkeys(
        (
            holder,
            now_with,
            transition.subject.work.office_of(f"{transition.subject.procedure.home}.case"),
        )
    )
    for office in told:
        write(
            transition,
            at,
            "decision",
            office,
            step=card.id,
            attempt=task.attempt,
            about=command.decision,
        )


def _extend(transition: Transition[Case], task: Task, command: Command, at: datetime) -> None:
    assert command.due is not None  # noqa: S101 - the decision's fields were checked before
    set_due(transition, task, command.due, at, command.signed())


def _reassign(transition: Transition[Case], task: Task, command: Command, at: datetime) -> None:
    transition.add(
        e.TaskMoved(
            at=at,
            step=task.step,
            attempt=task.attempt,
            to=command.to,
            how="reassign",
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )
    write(transition, at, "offer", command.to, step=task.step, attempt=task.attempt)


def _refer_up(transition: Transition[Case], task: Task, command: Command, at: datetime) -> None:
    del command
    fire(transition, task, next_rung(transition.subject, task), at)


def _waive(transition: Transition[Case], task: Task, command: Command, at: datetime) -> None:
    leave_out(transition, task, "waived", command, at)


def _cancel(transition: Transition[Case], task: Task, command: Command, at: datetime) -> None:
    leave_out(transition, task, "cancelled", command, at)


_CARRY_OUT: dict[str, Callable[[Transition[Case], Task, Command, datetime], None]] = {
    "extend": _extend,
    "reassign": _reassign,
    "waive": _waive,
    "refer_up": _refer_up,
    "cancel": _cancel,
}
