"""One card of the plan as it stands in a case: its state, its clock, its rungs.

It never holds what somebody wrote about the step.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.json.schemas.base import Shape
from domain.case import reading
from domain.case.state import Case
from domain.work.procedure import Card

NO_RUNG = "none"


class StepShape(Shape):
    """One step of the plan of a case, or a watch."""

    step: str
    title: str
    track: str
    state: str = Field(
        description="waiting, offered, accepted, done, held, skipped or not_applicable",
        examples=["offered"],
    )
    watch: bool
    role: str
    holder: str
    attempt: int
    due_at: datetime | None
    late_days: int
    reminders: int
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    escalation: str
    deciders: list[str]
    promised_on: date | None
    outcome: str
    happened_at: datetime | None
    valid_until: date | None
    unknown: bool = Field(description="Past due with no answer: how the person is, is not known.")
    outcomes: list[str]


def step_shape(case: Case, card: Card, at: datetime) -> StepShape:
    """Return one card of the plan as it stands in this case."""
    task = reading.shown_task(case, card.id)
    coming = reading.next_rung(task) if task is not None and task.is_open else None
    return StepShape(
        step=card.id,
        title=card.title,
        track=card.track,
        state=reading.step_state(case, card.id, at),
        watch=card.watch,
        role=card.owner,
        holder=task.holder if task is not None else "",
        attempt=task.attempt if task is not None else 0,
        due_at=task.due_at if task is not None else None,
        late_days=reading.late_days(case, task, at) if task is not None else 0,
        reminders=task.reminders if task is not None else 0,
        rung=task.rung if task is not None else NO_RUNG,
        next_rung=coming[0] if coming is not None else "",
        next_rung_at=coming[1] if coming is not None else None,
        escalation=task.escalation if task is not None else NO_RUNG,
        deciders=list(task.deciders) if task is not None else [],
        promised_on=task.promised_on if task is not None else None,
        outcome=task.outcome if task is not None else "",
        happened_at=task.happened_at if task is not None else None,
        valid_until=task.valid_until if task is not None else None,
        unknown=task is not None and reading.is_unknown(case, task, at),
        outcomes=list(card.outcomes),
    )
