"""An open question to offices, or how it ended; never the reason in words."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.json.schemas.base import Shape
from records.escalations import EscalationView


class EscalationItem(Shape):
    """An open question to offices, or how it ended."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str = Field(examples=["open"])
    rung: str = Field(examples=["E2"])
    deciders: list[str]
    holder: str
    due_at: datetime | None
    opened_at: datetime
    ended_at: datetime | None
    decision: str
    decided_by: str


def escalation_item(row: EscalationView) -> EscalationItem:
    """Return a row of the list of escalations."""
    return EscalationItem(
        case=row.subject_id,
        **{
            name: getattr(row, name)
            for name in EscalationItem.model_fields
            if name not in {"case", "deciders"}
        },
        deciders=list(row.deciders),
    )
