"""Which update produced which version: the long memory of idempotency keys, read off the ledger.

It needs no table: every event names the update that caused it and the digest of what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from records.tables import events


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was accepted: the subject, its version afterwards, and what had been asked."""

    subject_id: str
    version: int
    content: str | None


def look(connection: Connection, subject_id: str, update_id: str) -> tuple[int, bool]:
    """How many events a subject has in the ledger, and whether this update caused any, anywhere."""
    row = connection.execute(_LOOK, {"subject": subject_id, "key": update_id}).one()
    return row.head or 0, row.known


def act_of(connection: Connection, update_id: str) -> Act | None:
    """Return what came of an update, or None when it never changed anything."""
    row = connection.execute(
        select(events.c.subject_id, events.c.seq, events.c.content)
        .where(events.c.key == update_id)
        .order_by(events.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Act(row.subject_id, row.seq, row.content)


# Made once, and one journey to the database: it is asked before every act.
_LOOK = select(
    select(func.max(events.c.seq))
    .where(events.c.subject_id == bindparam("subject"))
    .scalar_subquery()
    .label("head"),
    select(events.c.seq).where(events.c.key == bindparam("key")).exists().label("known"),
)
