"""Facts of the world, written once. Which cases they concern, and who was told: `broadcasts.py`.

A fact takes effect under a lock that every opening of a case shares (`take_effect`, `seen_now`), so
that a case either begins with the fact or is counted among those that must be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert

from domain.work.calendar import Calendar
from records.paging import Keyset, Page
from records.tables import world_facts
from workflows.encoding import calendar_from_json

# Any number that nothing else in the database uses.
LOCK = 7_046_913

CROSSING = "crossing"
CALENDAR = "calendar"
POST = "post"
RULES = "rules"
EDITION = "edition"

WAITING = "waiting"  # it takes effect later
TELLING = "telling"
FINISHED = "done"

BY_WRITING = Keyset((world_facts.c.at, world_facts.c.id), (datetime, UUID), newest_first=True)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something said once that concerns many cases. `number` is None until it takes effect.

    `subject` is what it is about: a crossing, country, office, corridor or edition. `reason` and
    `source` are people's words; they are sent to no case.
    """

    id: str
    number: int | None
    kind: str
    subject: str
    body: Mapping[str, Any]
    at: datetime
    effective_at: datetime
    by: str
    user: str
    reason: str
    source: str
    state: str
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewFact:
    """What is to be written. Without `effective_at` it takes effect at once."""

    kind: str
    subject: str
    body: Mapping[str, Any]
    by: str
    user: str
    reason: str
    source: str
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The world as a case that opens now begins with it."""

    number: int = 0
    crossings: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


# -- writing


def lock(connection: Connection) -> None:
    """Let no case open and no other fact take effect until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def write(connection: Connection, new: NewFact, at: datetime) -> Fact:
    """Write a fact down; one that takes effect now has done so when the transaction ends."""
    effective_at = max(new.effective_at or at, at)
    lock(connection)
    number = _next_number(connection) if effective_at <= at else None
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "number": number,
        "kind": new.kind,
        "subject": new.subject,
        "body": dict(new.body),
        "at": at,
        "effective_at": effective_at,
        "by": new.by,
        "user": new.user,
        "reason": new.reason,
        "source": new.source,
        "state": WAITING if number is None else TELLING,
    }
    connection.execute(insert(world_facts).values(**values))
    return Fact(**values)


def take_effect(connection: Connection, fact_id: str, at: datetime) -> Fact | None:
    """Return a fact, in effect if its moment has come by `at`; None for one that is not there."""
    lock(connection)
    fact = find(connection, fact_id)
    if fact is None or fact.number is not None or fact.effective_at > at:
        return fact
    connection.execute(
        update(world_facts)
        .where(world_facts.c.id == fact_id)
        .values(number=_next_number(connection), state=TELLING)
    )
    return find(connection, fact_id)


def _next_number(connection: Connection) -> int:
    """Under the lock, so that numbers follow the order in which facts become visible."""
    return int(connection.scalar(select(func.coalesce(func.max(world_facts.c.number), 0) + 1)) or 1)


def tell_again(connection: Connection, fact_id: str) -> None:
    """Let a fact that was told be told once more, to cases that have not heard of it."""
    connection.execute(
        update(world_facts)
        .where(world_facts.c.id == fact_id, world_facts.c.state == FINISHED)
        .values(state=TELLING)
    )


def finish(connection: Connection, fact_id: str, at: datetime) -> None:
    """Note that every case concerned was asked."""
    connection.execute(
        update(world_facts)
        .where(world_facts.c.id == fact_id)
        .values(state=FINISHED, finished_at=at)
    )


# -- reading


def find(connection: Connection, fact_id: str) -> Fact | None:
    """Return a fact by its id."""
    row = connection.execute(select(world_facts).where(world_facts.c.id == fact_id)).mappings()
    found = row.one_or_none()
    return None if found is None else Fact(**found)


def newest(connection: Connection, kind: str, subject: str) -> Fact | None:
    """Return the fact about this subject that took effect last."""
    row = connection.execute(
        select(world_facts)
        .where(
            world_facts.c.kind == kind,
            world_facts.c.subject == subject,
            world_facts.c.number.is_not(None),
        )
        .order_by(world_facts.c.number.desc())
        .limit(1)
    ).mappings()
    found = row.one_or_none()
    return None if found is None else Fact(**found)


def newest_of(connection: Connection, *kinds: str, upto: int | None = None) -> list[Fact]:
    """Return, for each subject of these kinds, the fact that took effect last (up to a number)."""
    query = (
        select(world_facts)
        .ext(distinct_on(world_facts.c.kind, world_facts.c.subject))
        .where(world_facts.c.number.is_not(None), world_facts.c.kind.in_(kinds))
        .order_by(world_facts.c.kind, world_facts.c.subject, world_facts.c.number.desc())
    )
    if upto is not None:
        query = query.where(world_facts.c.number <= upto)
    return [Fact(**row) for row in connection.execute(query).mappings()]


def page(connection: Connection, limit: int, cursor: str | None = None) -> Page[Fact]:
    """Return facts as they were written, the newest first."""
    rows = connection.execute(BY_WRITING.page(select(world_facts), cursor, limit)).all()
    return BY_WRITING.cut(rows, limit, lambda row: Fact(**row._mapping))  # noqa: SLF001 - its name


def seen_now(connection: Connection) -> Seen:
    """Return the world for a case that is admitted in this transaction.

    No fact takes effect before the transaction ends.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": LOCK})
    return seen_at(connection, connection.scalar(select(func.max(world_facts.c.number))) or 0)


def seen_at(connection: Connection, number: int) -> Seen:
    """Return the world as it was when this fact was the newest.

    A report that is sent again opens its case as it was admitted: what came later is told to it.
    """
    facts = newest_of(connection, CROSSING, CALENDAR, upto=number)
    return Seen(
        number=number,
        crossings={f.subject: f.body["status"] for f in facts if f.kind == CROSSING},
        calendars={f.subject: calendar_of(f) for f in facts if f.kind == CALENDAR},
    )


def calendar_of(fact: Fact) -> Calendar:
    """The list of days that a fact about a calendar declares."""
    return calendar_from_json(fact.body["calendar"])


# -- what nobody tells at the moment


def unfinished(connection: Connection) -> list[str]:
    """Return every fact that is still to be told, in the order in which they were written."""
    found = connection.scalars(
        select(world_facts.c.id)
        .where(world_facts.c.state != FINISHED)
        .order_by(world_facts.c.at, world_facts.c.id)
    )
    return list(found)


def must_wait(connection: Connection, fact: Fact) -> bool:
    """Whether an earlier fact about the same subject is still being told: cases hear in order."""
    earlier: Sequence[Any] = connection.execute(
        select(world_facts.c.id)
        .where(
            world_facts.c.kind == fact.kind,
            world_facts.c.subject == fact.subject,
            world_facts.c.state != FINISHED,
            world_facts.c.number < (fact.number or 0),
        )
        .limit(1)
    ).all()
    return bool(earlier)
