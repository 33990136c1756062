"""Writes what happened and every row that follows from it, at once or not at all. Decides nothing.

A batch carries events only; the rows are folded here, so they cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from domain.kinds import AnyKind, kind_named
from domain.work.rows import EscalationRow, Marks
from records import ledger, procedures, subjects
from records.errors import LedgerConflict
from records.ledger import NOTHING_YET
from records.loading import Folded, LedgerPosition, fold_on, position
from records.rows import Entry, entry_between, write
from records.state_json import state_text
from records.tables import escalations
from workflows.encoding import PROCEDURE_DIGEST, event_from_json
from workflows.messages import NewEvent
from workflows.ports import EventBatch


def write_one(connection: Connection, batch: EventBatch) -> LedgerPosition:
    """Write the events and the rows that follow; return where the subject stands afterwards.

    Sending a batch twice, or one that overlaps with what is there, changes nothing more. Raises
    LedgerConflict, LedgerGap or UnknownProcedure; the caller's transaction must then be rolled back.
    """
    procedures.keep_json(connection, batch.procedures)
    if subjects.lock(connection, batch.subject_id) is None:
        subjects.admit(connection, batch.kind, batch.subject_id, batch.clock_offset)
        subjects.lock(connection, batch.subject_id)
    kind = kind_named(batch.kind)
    stands = position(connection, kind, batch.subject_id)
    fresh = ledger.not_yet_there(connection, batch.subject_id, batch.events, stands.head)
    if not fresh:
        return stands
    procedures.check_kept(
        connection, [e.body[PROCEDURE_DIGEST] for e in fresh if PROCEDURE_DIGEST in e.body]
    )
    entry, after = _follows(connection, kind, batch.subject_id, stands, fresh)
    if not write(connection, [entry]):  # pragma: no cover - it was read under the lock
        raise LedgerConflict(batch.subject_id, fresh[0].seq)
    return after


def write_together(
    connection: Connection, known: Mapping[str, LedgerPosition], batches: Sequence[EventBatch]
) -> dict[str, LedgerPosition]:
    """Write batches of different subjects in one statement; return where those written stand now.

    `known` is where each subject stood when it was last written: nothing is read but what a card or
    an escalation needs. A subject that begins needs no memory. Left out, and written not at all, is
    every one that stands elsewhere, is locked, is not known, brings plans, loses a row, or does not
    simply follow: `write_one` takes those. Raises sqlalchemy.exc.SQLAlchemyError; then nothing was
    written.
    """
    entries: list[Entry] = []
    after: dict[str, LedgerPosition] = {}
    for batch in batches:
        begins = batch.events[0].seq == 1
        stands = LedgerPosition(NOTHING_YET, None) if begins else known.get(batch.subject_id)
        if stands is None or batch.procedures:
            continue
        try:
            kind = kind_named(batch.kind)
            entry, then = _follows(connection, kind, batch.subject_id, stands, batch.events)
        except SQLAlchemyError:
            raise
        except Exception:  # noqa: BLE001, S112 - `write_one` says what is wrong with this one alone
            continue
        if entry.gone:
            # A row that `reproject` makes anew meanwhile is not seen, and would not be deleted.
            continue
        entries.append(entry)
        after[batch.subject_id] = then
    done = write(connection, entries) if entries else set()
    return {subject_id: stands for subject_id, stands in after.items() if subject_id in done}


def _follows(
    connection: Connection,
    kind: AnyKind,
    subject_id: str,
    stands: LedgerPosition,
    fresh: Sequence[NewEvent],
) -> tuple[Entry, LedgerPosition]:
    """What these events add to a subject, and where it stands then."""
    rows, head = ledger.rows_after(stands.head, subject_id, fresh)
    happened = [event_from_json(event.body) for event in fresh]
    state = stands.state
    if stands.head.seq and state is None:  # the rows lag behind the ledger, which they never should
        happened = [*ledger.events_of(connection, subject_id), *happened]
    before = Folded(state, _marks(connection, kind, subject_id, happened)) if state else None
    after = fold_on(connection, kind, subject_id, before, happened)
    text = state_text(kind, after.state, stands.text)
    entry = entry_between(kind, before, after, text, stands.head, rows)
    return entry, LedgerPosition(head, after.state, text)


def _marks(
    connection: Connection, kind: AnyKind, subject_id: str, happened: Sequence[Any]
) -> Marks:
    """The escalations still open, where any of the events may change one."""
    if any(kind.touches_escalations(event) for event in happened):
        return Marks(escalations=_open_escalations(connection, subject_id))
    return Marks()


def _open_escalations(connection: Connection, subject_id: str) -> dict[int, EscalationRow]:
    found = connection.execute(
        select(escalations).where(
            escalations.c.subject_id == subject_id, escalations.c.state == "open"
        )
    )
    return {
        row["number"]: EscalationRow(**{**row, "deciders": tuple(row["deciders"])})
        for row in found.mappings()
    }
