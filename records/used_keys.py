"""The memory of idempotency keys for changes that leave no event; acts have the ledger's instead.

It keeps keyed digests and never what was asked, so no name and no secret is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from records.tables import used_keys


@dataclass(frozen=True, slots=True)
class Change:
    """What was done under a key: the digest of what was asked, and the id of what it made."""

    content: str
    made: str | None


def claim(connection: Connection, key: str, content: str, at: datetime) -> Change | None:
    """Take a key for the change of this transaction; None when it is the first to do so.

    Whoever comes second with the key waits until the first is through, and is told what came of
    it. Rolled back, the key is free again. Raises sqlalchemy.exc.OperationalError when the first
    one takes longer than a statement may.
    """
    taken = connection.execute(
        insert(used_keys)
        .values(key=key, content=content, at=at)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(used_keys.c.key)
    )
    if taken.one_or_none() is not None:
        return None
    row = connection.execute(select(used_keys).where(used_keys.c.key == key)).one()
    return Change(row.content, row.made)


def note_made(connection: Connection, key: str, made: str) -> None:
    """Write down the id of what the change made, in the transaction that claimed the key."""
    connection.execute(update(used_keys).where(used_keys.c.key == key).values(made=made))
