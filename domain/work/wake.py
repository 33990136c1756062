"""Time alone: every reminder, rung, expiry and waiting message due, in order, each exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from domain.work import conditions
from domain.work import events as e
from domain.work.calendars import calendar_here
from domain.work.consequences import settle
from domain.work.deadlines import Clock, due
from domain.work.hooks import Coming, Hooks
from domain.work.ladder import REMINDER, fire, rank, remind
from domain.work.messages import due_messages, leave
from domain.work.state import Message, Pending, Task
from domain.work.subject import S, Subject
from domain.work.tasks import offered_from
from domain.work.transition import Transition


def next_wake(subject: Subject, hooks: Hooks) -> datetime | None:
    """The earliest moment at which something happens by itself; None once it is ended."""
    if subject.ended or subject.opened_at is None:
        return None
    return min((item.at for item in _coming(subject, hooks)), default=None)


def wake(transition: Transition[S], until: datetime, *, inclusive: bool) -> None:
    """Let everything due up to `until` happen, each recorded at its own nominal moment."""
    while not transition.subject.ended:
        first = min(
            _coming(transition.subject, transition.hooks),
            key=lambda c: (c.at, c.order, c.name),
            default=None,
        )
        if first is None or first.at > until or (first.at == until and not inclusive):
            return
        at = transition.moment(first.at)
        before = len(transition.events)
        first.happen(transition, at)
        settle(transition, at)
        if len(transition.events) == before:
            return  # nothing moved: better to stop here than to turn for ever


def _coming(subject: Subject, hooks: Hooks) -> Iterator[Coming]:
    for task in subject.work.running():
        for item in task.pending:
            yield Coming(item.at, rank(item.rung), task.key, partial(_rung, task=task, item=item))
        for item in task.reports:
            yield Coming(item.at, 6, task.key, partial(_report, task=task, item=item))
    for task in subject.work.warned():
        for item in task.pending:
            yield Coming(
                item.at, rank(item.rung), task.key, partial(_warning, task=task, item=item)
            )
    for message in due_messages(subject):
        yield Coming(message.leaves_at, 7, f"{message.id:06}", partial(_leave, message=message))
    yield from hooks.coming(subject)
    yield from _of_appointment(subject, hooks)
    idle = idle_at(subject)
    if idle is not None:
        yield Coming(idle, 9, "idle", _idle)


def _current(transition: Transition[S], task: Task) -> Task:
    return transition.subject.work.tasks[task.step][task.attempt - 1]


def _rung(transition: Transition[S], at: datetime, *, task: Task, item: Pending) -> None:
    if item.rung == REMINDER:
        remind(transition, _current(transition, task), at)
    else:
        fire(transition, _current(transition, task), item.rung, at)


def _warning(transition: Transition[S], at: datetime, *, task: Task, item: Pending) -> None:
    """Before a paper ends: the top rung reaches its receivers at any hour (3.7)."""
    current = _current(transition, task)
    if item.rung == REMINDER:
        remind(transition, current, at)
    else:
        fire(transition, current, item.rung, at, top=item == task.pending[-1])


def _report(transition: Transition[S], at: datetime, *, task: Task, item: Pending) -> None:
    transition.add(e.Recorded(at=at, what=item.rung, step=task.step, attempt=task.attempt))


def _leave(transition: Transition[S], at: datetime, *, message: Message) -> None:
    leave(transition, message, at)


# -- the appointment: steps offered so long before it


def _of_appointment(subject: Subject, hooks: Hooks) -> Iterator[Coming]:
    handover = subject.appointment
    if handover is None or subject.appointment_over:  # nothing is made for a journey that is over
        return
    for card in subject.procedure.cards.values():
        opens_at = offered_from(subject, card) if card.dated else None
        newest = subject.work.newest(card.id)
        made = newest is not None and newest.handover_no == handover.number
        if opens_at is not None and not made and conditions.applies(hooks, subject, card, opens_at):
            yield Coming(opens_at, -1, card.id, _nothing)


def _nothing(transition: Transition[S], at: datetime) -> None:
    """Only the moment matters; `settle` makes the step."""


# -- a subject of which nothing is asked of anybody


def idle_at(subject: Subject) -> datetime | None:
    """When a subject without any open task counts as stalled (stories.md 4.9)."""
    work = subject.work
    if work.idle_since is None or work.idle_reported:
        return None
    if work.on_hold:
        return None
    length = subject.procedure.idle_after
    never_rolls = Clock(length.amount, length.unit, legal=True)
    return due(never_rolls, work.idle_since, calendar_here(subject)).at


def _idle(transition: Transition[S], at: datetime) -> None:
    transition.add(e.IdleFound(at=at, since=transition.subject.work.idle_since or at))
