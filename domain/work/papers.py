"""How long the result of a step stands: its own date, or what its card gives (stories.md 3.5)."""

from __future__ import annotations

from datetime import date

from domain.work.calendars import calendar_of_task
from domain.work.deadlines import last_day
from domain.work.state import Task
from domain.work.subject import Subject


def valid_until(subject: Subject, task: Task) -> date | None:
    """The last day a done step stands; None: it has no end."""
    if task.valid_until is not None or task.happened_at is None:
        return task.valid_until
    card = subject.procedure.cards[task.step]
    if card.valid_for is None:
        return None
    calendar = calendar_of_task(subject, task)
    return last_day(card.valid_for, calendar.local_date(task.happened_at), calendar)


def lasts(subject: Subject, task: Task, day: date) -> bool:
    """True when the step's result still stands at the end of `day` (3.5)."""
    until = valid_until(subject, task)
    return until is None or until >= day
