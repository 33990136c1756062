"""A task in an office's list, and one task with what its holder needs to do it.

Only `about` of one task tells of the person, as the release list allows; a list never does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import Field

from api.json.schemas.base import Shape
from api.json.schemas.can import CanShape
from api.json.schemas.outcomes import OutcomeShape, outcomes_of
from domain.case import reading
from domain.case.state import Case
from domain.work.procedure import Card
from domain.work.state import Task
from records.tasks import TaskView


class TaskItem(Shape):
    """A task in the hands of an office. Nothing about the person."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str = Field(examples=["offered"])
    holder: str
    offered_at: datetime
    due_at: datetime | None
    late_days: int
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    promised_on: date | None
    on_hold: bool
    version: int


def task_item(row: TaskView, own_now: datetime) -> TaskItem:
    """Return a row of an office's list; days late are whole days here, the law's stand in it."""
    late = 0 if row.due_at is None else max(0, (own_now - row.due_at).days)
    return TaskItem(
        case=row.subject_id,
        reference=row.reference,
        corridor=row.corridor,
        step=row.step,
        attempt=row.attempt,
        title=row.title,
        state=row.state,
        holder=row.holder,
        offered_at=row.offered_at,
        due_at=row.due_at,
        late_days=late,
        rung=row.rung,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        promised_on=row.promised_on,
        on_hold=row.on_hold,
        version=row.case_version,
    )


class TaskShape(Shape):
    """One task with what its holder needs to do it, and nothing more."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str
    holder: str
    offered_at: datetime
    due_at: datetime | None
    late_days: int
    rung: str
    promised_on: date | None
    on_hold: bool
    version: int
    outcomes: list[OutcomeShape]
    can: dict[str, CanShape] = Field(description="The acts on this step, for you, now.")
    carries: list[str] = Field(description="Which data about the person this task may see.")
    about: dict[str, str] = Field(
        description="What is known of that data. Only the office that holds the task reads it.",
        examples=[{"names": "Noi S.", "sex": "female"}],
    )


def task_shape(
    case: Case,
    task: Task,
    card: Card,
    reference: str,
    at: datetime,
    carries: Iterable[str],
    about: dict[str, str],
    can: dict[str, CanShape],
) -> TaskShape:
    """Return one task as its holder, or somebody who sees the whole case, reads it."""
    return TaskShape(
        case=case.id,
        reference=reference,
        corridor=case.procedure.corridor,
        step=task.step,
        attempt=task.attempt,
        title=card.title,
        state=reading.step_state(case, task.step, at),
        holder=task.holder,
        offered_at=task.offered_at,
        due_at=task.due_at,
        late_days=reading.late_days(case, task, at),
        rung=task.rung,
        promised_on=task.promised_on,
        on_hold=case.work.on_hold,
        version=case.version,
        outcomes=outcomes_of(card),
        can=can,
        carries=sorted(carries),
        about=about,
    )
