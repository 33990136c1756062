"""A case that stands still: on what, whose turn, for how long.

It never says about whom, nor what the records disagree on.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.json.schemas.cases import CaseItem, case_item
from domain.case import reading
from records.cases import CaseView
from records.stalled import late_days
from records.tasks import TaskView

DISAGREE = "the records disagree"


STUCK = "the engine cannot run this case"


class StalledItem(CaseItem):
    """A case that stands still. Step, holder, turn and rungs are those of what blocks it."""

    blocker: str = Field(
        description="What has been due longest; empty when nothing is asked; "
        "`the records disagree` when the engine and the ledger contradict each other, "
        "`the engine cannot run this case` when every try fails."
    )
    age_days: int = Field(description="Days since the case began.")
    late_days: int = Field(description="Days since it began to stand still.")


def stalled_item(
    row: CaseView, blocker: TaskView | None, as_of: datetime, own_now: datetime
) -> StalledItem:
    """Return a row of the stalled list."""
    shown = case_item(row).model_dump()
    if blocker is not None:
        shown |= {
            "step": blocker.step,
            "holder": blocker.holder,
            "turn": reading.turn_of_role(blocker.role),
            "since": blocker.started_at,
            "due_at": blocker.due_at,
            "rung": blocker.rung,
            "next_rung": blocker.next_rung,
            "next_rung_at": blocker.next_rung_at,
        }
    return StalledItem(
        **shown,
        blocker=_alarm(row) or (blocker.title if blocker is not None else ""),
        age_days=max(0, (own_now - row.opened_at).days),
        late_days=late_days(row, as_of),
    )


def _alarm(row: CaseView) -> str:
    if row.disagrees:
        return DISAGREE
    return STUCK if row.stuck else ""
