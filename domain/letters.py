"""Writing messages and letting them leave: at once, or at opening hour of the receiver (3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain import events as e
from domain.case import Case, Letter, Task
from domain.draft import Draft
from domain.release import may_cross


def leaves_at(case: Case, office: str, at: datetime) -> datetime:
    """`at` on a working day of the receiver, else opening hour of its next working day."""
    calendar = case.calendar_for(office)
    day = calendar.local_date(at)
    if calendar.is_working(day):
        return at
    return calendar.opening(calendar.forward(day + timedelta(days=1)))


def write(
    draft: Draft,
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
    case = draft.case
    if not to or to not in case.offices:
        return
    leave = leaves_at(case, to, at) if waits else at
    number = case.letters_made + 1
    letter = Letter(number, kind, step, to, (), leave, about, version, attempt)
    if leave <= at:
        _let_go(draft, letter, at)
        return
    draft.add(
        e.LetterWritten(
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


def _let_go(draft: Draft, letter: Letter, at: datetime) -> None:
    """Ask again, at this moment, whether it may leave; then it leaves or never will."""
    asked = may_cross(draft.case, letter, at)
    if not asked.may:
        if any(waiting.id == letter.id for waiting in draft.case.letters):
            draft.add(e.LetterDropped(at=at, id=letter.id, why=asked.why))
        return
    draft.add(
        e.LetterLeft(
            at=at,
            id=letter.id,
            kind=letter.kind,
            step=letter.step,
            attempt=letter.attempt,
            to=letter.to,
            carries=asked.carries,
            about=letter.about,
            version=letter.version,
        )
    )


def due_letters(case: Case) -> list[Letter]:
    """Messages whose moment to leave has not come."""
    return sorted(case.letters, key=lambda letter: (letter.leaves_at, letter.id))


def leave(draft: Draft, letter: Letter, at: datetime) -> None:
    """The moment of a waiting message has come. One whose question was answered is dropped."""
    if _is_stale(draft.case, letter):
        draft.add(e.LetterDropped(at=at, id=letter.id, why="answered"))
        return
    _let_go(draft, letter, at)


def _is_stale(case: Case, letter: Letter) -> bool:
    if letter.kind not in {"reminder", "rung"}:
        return False
    if case.ended:
        return True
    attempts = case.tasks.get(letter.step, ())
    if not attempts:
        return True
    task = attempts[letter.attempt - 1]
    return not task.is_open and not (task is attempts[-1] and _still_warns(case, task, letter))


def _still_warns(case: Case, task: Task, letter: Letter) -> bool:
    """A paper done is warned of until its end; a renewal begins the warnings anew (2.2)."""
    card = case.card(task.step)
    if card is None or not card.warns or task.state != "done":
        return False
    if letter.kind == "reminder":
        return task.reminders > 0
    return task.rung != "none" and task.rung >= letter.about
