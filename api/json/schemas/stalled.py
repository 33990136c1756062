"""A case that stands still: on what, whose turn, for how long.

It never says about whom, nor what the records disagree on.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from pydantic import Field

from api.json.schemas.cases import CaseItem, case_item
from api.standstill import standstill_of
from records.cases import CaseView
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
    stands = standstill_of(row, blocker, as_of, own_now)
    shown = case_item(row).model_dump() | asdict(stands)
    return StalledItem(**shown | {"blocker": _alarm(row) or stands.blocker})


def _alarm(row: CaseView) -> str:
    if row.disagrees:
        return DISAGREE
    return STUCK if row.stuck else ""
