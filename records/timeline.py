"""What happened in a subject, in order, for showing. Words and names stay where they are kept."""

from __future__ import annotations

from sqlalchemy import Connection

from records import ledger
from records.ledger import LedgerRow
from records.paging import bounded


def page(
    connection: Connection, subject_id: str, *, after_seq: int = 0, limit: int
) -> tuple[list[LedgerRow], int | None]:
    """Return events after `after_seq`, oldest first, and the number to go on from, if any."""
    rows = ledger.read(connection, subject_id, after_seq, bounded(limit) + 1)
    shown = rows[: bounded(limit)]
    return shown, shown[-1].seq if len(rows) > len(shown) else None
