"""The answer to a change: what the case waits for afterwards. The same act, the same answer.

It never holds who the case is about, nor what somebody wrote.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pydantic import ConfigDict

from api.json.schemas.base import Shape


class Waits(Protocol):
    """What case rows and folded cases have in common."""

    @property
    def case_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def turn(self) -> str: ...
    @property
    def waits_for(self) -> str: ...
    @property
    def waits_step(self) -> str: ...
    @property
    def waits_holder(self) -> str: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def next_rung(self) -> str: ...
    @property
    def next_rung_at(self) -> datetime | None: ...
    @property
    def now_at(self) -> datetime: ...


class Done(Shape):
    """A change was made. `version` goes into `at_least` of reads and `version` of later acts.

    What the case waits for is told to those who see the whole case; to others these fields are empty.
    """

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {
                "case": "018f6b1e-7a1c-7c00-8000-3f1d2c9a4b5e",
                "reference": "K7QFM-2XDRT",
                "version": 14,
                "status": "open",
                "turn": "host",
                "waits_for": "Waits for Family found and assessed (tracing): turn of "
                "la-vientiane-province (origin.tracing), since 2026-02-24, due 2026-04-10, "
                "next E0 2026-03-19.",
                "step": "tracing",
                "holder": "la-vientiane-province",
                "due_at": "2026-04-10T09:30:00Z",
                "next_rung": "E0",
                "next_rung_at": "2026-03-19T01:30:00Z",
                "recorded_at": "2026-02-24T03:00:00Z",
            }
        },
    )

    case: str
    reference: str
    version: int
    status: str
    turn: str
    waits_for: str
    step: str
    holder: str
    due_at: datetime | None
    next_rung: str
    next_rung_at: datetime | None
    recorded_at: datetime

    def of_a_task(self) -> Done:
        """The same for somebody who sees tasks only: that it is done, and nothing of the case."""
        nothing = dict.fromkeys(("status", "turn", "waits_for", "step", "holder", "next_rung"), "")
        return self.model_copy(update={**nothing, "due_at": None, "next_rung_at": None})


def done_of(row: Waits, reference: str) -> Done:
    """Return the answer to a change, from the case as it was after it."""
    return Done(
        case=row.case_id,
        reference=reference,
        version=row.version,
        status=row.status,
        turn=row.turn,
        waits_for=row.waits_for,
        step=row.waits_step,
        holder=row.waits_holder,
        due_at=row.due_at,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        recorded_at=row.now_at,
    )
