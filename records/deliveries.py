"""What became of each message that left: facts, which the ledger does not hold.

The outbox is a fold and says what may leave. A row here says what was done with it, for one
recipient on one channel. Reproject and reconcile never touch it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from records.tables import deliveries

QUEUED = "queued"
SENT = "sent"
DELIVERED = "delivered"
BOUNCED = "bounced"
GIVEN_UP = "given_up"
STOPPED = "stopped"

# From which states each is reached; `delivered`, `given_up` and `stopped` are ends.
BEFORE = {
    QUEUED: (BOUNCED,),
    SENT: (QUEUED,),
    DELIVERED: (SENT,),
    BOUNCED: (SENT,),
    GIVEN_UP: (QUEUED, SENT, BOUNCED),
    STOPPED: (QUEUED, BOUNCED),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One message of a case, for one recipient (id of an office or user) on one channel."""

    subject_id: str
    message: int
    recipient: str
    channel: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a message stands, and since when."""

    address: Address
    state: str
    queued_at: datetime
    at: datetime


def queue(connection: Connection, address: Address, at: datetime) -> bool:
    """Write that it shall be sent; False, and nothing is written, where that is known already."""
    added = connection.execute(
        insert(deliveries)
        .values(**asdict(address), state=QUEUED, queued_at=at, at=at)
        .on_conflict_do_nothing()
        .returning(deliveries.c.message)
    )
    return added.first() is not None


def move(connection: Connection, address: Address, state: str, at: datetime) -> bool:
    """Write that it reached `state`; False, and nothing is written, from where that cannot be.

    The same told twice, or by two at once, is written once. Raises ValueError for another word.
    """
    if state not in BEFORE:
        raise ValueError(f"a delivery is one of {', '.join(BEFORE)}")
    here = (deliveries.c[name] == value for name, value in asdict(address).items())
    moved = connection.execute(
        update(deliveries)
        .where(*here, deliveries.c.state.in_(BEFORE[state]))
        .values(state=state, at=at)
    )
    return moved.rowcount == 1


def of_subject(connection: Connection, subject_id: str) -> list[Delivery]:
    """Return every delivery of a case, by message, recipient and channel."""
    order = (deliveries.c.message, deliveries.c.recipient, deliveries.c.channel)
    found = connection.execute(
        select(deliveries).where(deliveries.c.subject_id == subject_id).order_by(*order)
    )
    return [
        Delivery(
            Address(row.subject_id, row.message, row.recipient, row.channel),
            row.state,
            row.queued_at,
            row.at,
        )
        for row in found
    ]
