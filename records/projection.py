"""Writes what happened and every row that follows from it, at once or not at all. Decides nothing.

A batch carries events only; the rows are folded here, so they cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from domain.case.projection import EscalationRow, Marks, touches_escalations
from domain.event import Event
from records import ledger, openings, procedures
from records.case_json import case_text
from records.errors import LedgerConflict
from records.ledger import NOTHING_YET, NewEvent
from records.loading import Folded, LedgerPosition, fold_on, position
from records.rows import Entry, entry_between, write
from records.tables import escalations
from workflows.encoding import PROCEDURE_DIGEST, Json, event_from_json

__all__ = ["Batch", "NewEvent", "write_one", "write_together"]


@dataclass(frozen=True, slots=True)
class Batch:
    """New events of one case, in order, and plans they name that may not be kept yet."""

    case_id: str
    events: tuple[NewEvent, ...]
    clock_offset: int = 0  # seconds; used only where nobody admitted the case before
    procedures: Mapping[str, Json] = field(default_factory=dict)


def write_one(connection: Connection, batch: Batch) -> LedgerPosition:
    """Write the events and the rows that follow; return where the case stands afterwards.

    Sending a batch twice, or one that overlaps with what is there, changes nothing more. Raises
    LedgerConflict, LedgerGap or UnknownProcedure; the caller's transaction must then be rolled back.
    """
    procedures.keep_json(connection, batch.procedures)
    if openings.lock(connection, batch.case_id) is None:
        openings.admit(connection, batch.case_id, batch.clock_offset)
        openings.lock(connection, batch.case_id)
    stands = position(connection, batch.case_id)
    fresh = ledger.not_yet_there(connection, batch.case_id, batch.events, stands.head)
    if not fresh:
        return stands
    procedures.check_kept(
        connection, [e.body[PROCEDURE_DIGEST] for e in fresh if PROCEDURE_DIGEST in e.body]
    )
    entry, after = _follows(connection, batch.case_id, stands, fresh)
    if not write(connection, [entry]):  # pragma: no cover - it was read under the lock
        raise LedgerConflict(batch.case_id, fresh[0].seq)
    return after


def write_together(
    connection: Connection, known: Mapping[str, LedgerPosition], batches: Sequence[Batch]
) -> dict[str, LedgerPosition]:
    """Write batches of different cases in one statement; return where those written stand now.

    `known` is where each case stood when it was last written: nothing is read but what a card or
    an escalation needs. A case that begins needs no memory. Left out, and written not at all, is
    every case that stands elsewhere, is locked, is not known, brings plans, loses an office, or
    does not simply follow: `write_one` takes those. Raises sqlalchemy.exc.SQLAlchemyError; then
    nothing was written.
    """
    entries: list[Entry] = []
    after: dict[str, LedgerPosition] = {}
    for batch in batches:
        begins = batch.events[0].seq == 1
        stands = LedgerPosition(NOTHING_YET, None) if begins else known.get(batch.case_id)
        if stands is None or batch.procedures:
            continue
        try:
            entry, then = _follows(connection, batch.case_id, stands, batch.events)
        except SQLAlchemyError:
            raise
        except Exception:  # noqa: BLE001, S112 - `write_one` says what is wrong with this one alone
            continue
        if entry.offices_gone:
            # A row that `reproject` makes anew meanwhile is not seen, and would not be deleted.
            continue
        entries.append(entry)
        after[batch.case_id] = then
    done = write(connection, entries) if entries else set()
    return {case_id: stands for case_id, stands in after.items() if case_id in done}


def _follows(
    connection: Connection, case_id: str, stands: LedgerPosition, fresh: Sequence[NewEvent]
) -> tuple[Entry, LedgerPosition]:
    """What these events add to a case, and where it stands then."""
    rows, head = ledger.rows_after(stands.head, case_id, fresh)
    happened = [event_from_json(event.body) for event in fresh]
    case = stands.case
    if stands.head.seq and case is None:  # the rows lag behind the ledger, which they never should
        happened = [*ledger.events_of(connection, case_id), *happened]
    before = Folded(case, _marks(connection, case_id, happened)) if case else None
    after = fold_on(connection, case_id, before, happened)
    state = case_text(after.case, stands.text)
    entry = entry_between(before, after, state, stands.head, rows)
    return entry, LedgerPosition(head, after.case, state)


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
