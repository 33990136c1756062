"""Writing messages and letting them leave: at once, or at opening hour of the receiver (3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case import events as e
from domain.case.release import may_leave
from domain.case.state import Case, Message, Task
from domain.work.transition import Transition


def leaves_at(case: Case, office: str, at: datetime) -> datetime:
    """`at` on a working day of the receiver, else opening hour of its next working day."""
    calendar = case.calendar_for(office)
    day = calendar.local_date(at)
    if calendar.is_working(day):
        return at
    return calendar.opening(calendar.forward(day + timedelta(days=1)))


def write(
    transition: Transition,
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
    case = transition.case
    if not to or to not in case.offices:
        return
    leave = leaves_at(case, to, at) if waits else at
    number = case.messages_made + 1
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


def _let_go(transition: Transition, message: Message, at: datetime) -> None:
    """Ask again, at this moment, whether it may leave; then it leaves or never will."""
    asked = may_leave(transition.case, message, at)
    if not asked.may:
        if any(waiting.id == message.id for waiting in transition.case.messages):
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


def due_messages(case: Case) -> list[Message]:
    """Messages whose moment to leave has not come."""
    return sorted(case.messages, key=lambda message: (message.leaves_at, message.id))


def leave(transition: Transition, message: Message, at: datetime) -> None:
    """The moment of a waiting message has come. One whose question was answered is dropped."""
    if _is_stale(transition.case, message):
        transition.add(e.MessageDropped(at=at, id=message.id, why="answered"))
        return
    _let_go(transition, message, at)


def _is_stale(case: Case, message: Message) -> bool:
    if message.kind not in {"reminder", "rung"}:
        return False
    if case.ended:
        return True
    attempts = case.tasks.get(message.step, ())
    if not attempts:
        return True
    task = attempts[message.attempt - 1]
    return not task.is_open and not (task is attempts[-1] and _still_warns(case, task, message))


def _still_warns(case: Case, task: Task, message: Message) -> bool:
    """A paper done is warned of until its end; a renewal begins the warnings anew (2.2)."""
    card = case.card(task.step)
    if card is None or not card.warns or task.state != "done":
        return False
    if message.kind == "reminder":
        return task.reminders > 0
    return task.rung != "none" and task.rung >= message.about
