"""Which edition each subject is of, as its row says. Reads; never writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from records.subjects import named
from records.tables import events, states, subjects


@dataclass(frozen=True, slots=True)
class Count:
    """How many subjects are of an edition; ended ones may be reopened, and then need it."""

    edition: int
    open: int
    ended: int


@dataclass(frozen=True, slots=True)
class OfEdition:
    """A subject and the edition it is of."""

    subject_id: str
    reference: str
    edition: int
    ended: bool = False


def counts(connection: Connection, kind: str) -> list[Count]:
    """Return how many subjects of a kind are of each edition, the oldest first."""
    ended = func.count(states.c.ended_at)
    found = connection.execute(
        select(states.c.edition, func.count() - ended, ended)
        .join(subjects, subjects.c.id == states.c.subject_id)
        .where(subjects.c.kind == kind)
        .group_by(states.c.edition)
        .order_by(states.c.edition)
    )
    return [Count(*row) for row in found]


def older_than(connection: Connection, kind: str, edition: int) -> list[OfEdition]:
    """Return every open subject of a kind of an older edition, the longest open first."""
    first = (events.c.subject_id == states.c.subject_id) & (events.c.seq == 1)
    found = connection.execute(
        _asked(kind)
        .join(events, first)
        .where(states.c.ended_at.is_(None), states.c.edition < edition)
        .order_by(events.c.at, states.c.subject_id)
    )
    return [OfEdition(*row) for row in found]


def find(connection: Connection, kind: str, id_or_reference: str) -> OfEdition | None:
    """Return the subject of a kind with this id or reference."""
    row = connection.execute(_asked(kind).where(named(id_or_reference))).one_or_none()
    return None if row is None else OfEdition(*row)


def _asked(kind: str) -> Select[Any]:
    return (
        select(
            states.c.subject_id,
            subjects.c.reference,
            states.c.edition,
            states.c.ended_at.is_not(None),
        )
        .join_from(states, subjects, subjects.c.id == states.c.subject_id)
        .where(subjects.c.kind == kind)
    )
