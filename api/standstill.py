"""What a case that stands still waits for: the step that blocks it, else what its row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.case import reading
from records.cases import CaseView
from records.stalled import late_days
from records.tasks import TaskView


@dataclass(frozen=True, slots=True)
class Standstill:
    """On what a case stands still, whose turn it is, for how long, and what comes next.

    `blocker` is the title of the step that has been due longest, empty when nothing is asked.
    """

    step: str
    holder: str
    turn: str
    since: datetime | None
    due_at: datetime | None
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    blocker: str
    age_days: int
    late_days: int


def standstill_of(
    row: CaseView, blocker: TaskView | None, as_of: datetime, own_now: datetime
) -> Standstill:
    """Return where the case stands: `as_of` of the list, `own_now` of the case's own clock."""
    return Standstill(
        step=blocker.step if blocker is not None else row.waits_step,
        holder=blocker.holder if blocker is not None else row.waits_holder,
        turn=reading.turn_of_role(blocker.role) if blocker is not None else row.turn,
        since=blocker.started_at if blocker is not None else row.since,
        due_at=blocker.due_at if blocker is not None else row.due_at,
        rung=blocker.rung if blocker is not None else row.rung,
        next_rung=blocker.next_rung if blocker is not None else row.next_rung,
        next_rung_at=blocker.next_rung_at if blocker is not None else row.next_rung_at,
        blocker=blocker.title if blocker is not None else "",
        age_days=max(0, (own_now - row.opened_at).days),
        late_days=late_days(row, as_of),
    )
