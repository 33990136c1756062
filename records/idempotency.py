"""Which update produced which version: the long memory of idempotency keys, read off the ledger.

It needs no table: every event names the update that caused it and the digest of what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from records.tables import events


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was accepted: the case, its version afterwards, and what had been asked."""

    case_id: str
    version: int
    content: str | None


def act_of(connection: Connection, update_id: str) -> Act | None:
    """Return what came of an update, or None when it never changed anything."""
    row = connection.execute(
        select(events.c.case_id, events.c.seq, events.c.content)
        .where(events.c.key == update_id)
        .order_by(events.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Act(row.case_id, row.seq, row.content)
