"""Writes what happened and every row that follows from it, in one transaction. Decides nothing.

A batch carries events only; the rows are folded here, so they cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from domain.events import Event
from domain.rows import EscalationRow, Marks, touches_escalations
from records import ledger, openings, plans
from records.errors import LedgerConflict, LedgerGap, RecordsError, UnknownPlan
from records.kept import Folded, fold_on, standing
from records.ledger import NewEvent
from records.rows import write_rows
from records.tables import escalations
from workflows.encoding import Json, event_from_json

__all__ = [
    "Batch",
    "LedgerConflict",
    "LedgerGap",
    "NewEvent",
    "RecordsError",
    "UnknownPlan",
    "write_batch",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """New events of one case, in order, and plans they name that may not be kept yet."""

    case_id: str
    events: tuple[NewEvent, ...]
    clock_offset: int = 0  # seconds; used only where nobody admitted the case before
    plans: Mapping[str, Json] = field(default_factory=dict)


def write_batch(connection: Connection, batch: Batch) -> int:
    """Write the events and the rows that follow; return the case's version afterwards.

    Sending a batch twice, or one that overlaps with what is there, changes nothing more. Raises
    LedgerConflict, LedgerGap or UnknownPlan; the caller's transaction must then be rolled back.
    """
    plans.keep_json(connection, batch.plans)
    if openings.lock(connection, batch.case_id) is None:
        openings.admit(connection, batch.case_id, batch.clock_offset)
        openings.lock(connection, batch.case_id)
    head, case = standing(connection, batch.case_id)
    fresh = ledger.append(connection, batch.case_id, batch.events, head)
    if not fresh:
        return head.seq
    happened = [event_from_json(event.body) for event in fresh]
    if head.seq and case is None:  # the rows lag behind the ledger, which they never should
        happened = ledger.events_of(connection, batch.case_id)
    before = Folded(case, _marks(connection, batch.case_id, happened)) if case else None
    after = fold_on(connection, batch.case_id, before, happened)
    write_rows(connection, before, after)
    return after.case.version


def _marks(connection: Connection, case_id: str, happened: Sequence[Event]) -> Marks:
    """The escalations still open, where any of the events may change one."""
    if any(touches_escalations(event) for event in happened):
        return Marks(escalations=_open_escalations(connection, case_id))
    return Marks()


def _open_escalations(connection: Connection, case_id: str) -> dict[int, EscalationRow]:
    found = connection.execute(
        select(escalations).where(escalations.c.case_id == case_id, escalations.c.state == "open")
    )
    return {
        row["number"]: EscalationRow(**{**row, "deciders": tuple(row["deciders"])})
        for row in found.mappings()
    }
