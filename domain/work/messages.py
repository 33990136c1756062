"""Writing messages and letting them leave: at once, or at opening hour of the receiver (3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.work import events as e
from domain.work.calendars import calendar_for
from domain.work.state import Message, Task
from domain.work.subject import S, Subject, card_of
from domain.work.transition import Transition


def leaves_at(subject: Subject, office: str, at: datetime) -> datetime:
    """`at` on a working day of the receiver, else opening hour of its next working day."""
    calendar = calendar_for(subject, office)
    day = calendar.local_date(at)
    if calendar.is_working(day):
        return at
    return calendar.opening(calendar.forward(day + timedelta(days=1)))


def write(
    transition: Transition[S],
    at: datetime,
    kind: str,
    to: str,
    *,
    step: str = "",
    attempt: int = 0,
    about: str = "",
    version: int = 0,
    waits: bool = False,
) -> None:
    """Send a message to one office. `waits`: it leaves in the receiver's working time."""
    subject = transition.subject
    if not to or to not in subject.work.offices:
        return
    leave = leaves_at(subject, to, at) if waits else at
    number = subject.work.messages_made + 1
    message = Message(number, kind, step, to, (), leave, about, version, attempt)
    if leave <= at:
        _let_go(transition, message, at)
        return
    transition.add(
        e.MessageQueued(
            at=at,
            id=number,
            kind=kind,
            step=step,
            attempt=attempt,
            to=to,
            carries=(),
            leaves_at=leave,
            about=about,
            version=version,
        )
    )


def _let_go(transition: Transition[S], message: Message, at: datetime) -> None:
    """Ask again, at this moment, whether it may leave; then it leaves or never will."""
    asked = transition.hooks.may_leave(transition.subject, message, at)
    if not asked.may:
        if any(waiting.id == message.id for waiting in transition.subject.work.messages):
            transition.add(e.MessageDropped(at=at, id=message.id, why=asked.why))
        return
    transition.add(
        e.MessageReleased(
            at=at,
            id=message.id,
            kind=message.kind,
            step=message.step,
            attempt=message.attempt,
            to=message.to,
            carries=asked.carries,
            about=message.about,
            version=message.version,
        )
    )


def due_messages(subject: Subject) -> list[Message]:
    """Messages whose moment to leave has not come."""
    return sorted(subject.work.messages, key=lambda message: (message.leaves_at, message.id))


def leave(transition: Transition[S], message: Message, at: datetime) -> None:
    """The moment of a waiting message has come. One whose question was answered is dropped."""
    if _is_stale(transition.subject, message):
        transition.add(e.MessageDropped(at=at, id=message.id, why="answered"))
        return
    _let_go(transition, message, at)


def _is_stale(subject: Subject, message: Message) -> bool:
    if message.kind not in {"reminder", "rung"}:
        return False
    if subject.ended:
        return True
    attempts = subject.work.tasks.get(message.step, ())
    if not attempts:
        return True
    task = attempts[message.attempt - 1]
    return not task.is_open and not (task is attempts[-1] and _still_warns(subject, task, message))


def _still_warns(subject: Subject, task: Task, message: Message) -> bool:
    """A paper done is warned of until its end; a renewal begins the warnings anew (2.2)."""
    card = card_of(subject, task.step)
    if card is None or not card.warns or task.state != "done":
        return False
    if message.kind == "reminder":
        return task.reminders > 0
    return task.rung != "none" and task.rung >= message.about
