"""What is fixed when a subject begins and stands in no event: its reference and its own clock.

A reference is random. It tells no year, country, place or count, and cannot be guessed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from domain.kinds import AnyKind, kind_named
from records.tables import installation, states, subjects

# No vowels, so that no word comes of it; no 0 O 1 I L, so that it survives a telephone.
LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"
HALF = 5  # two halves of five: 48 bits


@dataclass(frozen=True, slots=True)
class Subject:
    """Its kind, its reference, and seconds that its clock is ahead of the engine's.

    `world_seen`: the number of the newest fact of the world when it was admitted.
    """

    id: str
    kind: str
    reference: str
    clock_offset: int
    world_seen: int = 0


def new_reference() -> str:
    """Make a reference such as `K7QFM-2XDRT`."""
    first, second = ("".join(secrets.choice(LETTERS) for _ in range(HALF)) for _ in range(2))
    return f"{first}-{second}"


def admit(
    connection: Connection,
    kind: str,
    subject_id: str,
    clock_offset: int = 0,
    world_seen: int = 0,
) -> str:
    """Give a subject its reference; the same subject asked again gets the same one.

    `world_seen` is the number of the newest fact of the world that it begins with (`world.py`).

    Raises sqlalchemy.exc.IntegrityError when it would live at its own date outside a rehearsal.
    """
    known = find(connection, subject_id)
    if known is not None:
        return known.reference
    connection.execute(
        insert(subjects)
        .values(
            id=subject_id,
            kind=kind,
            reference=new_reference(),
            clock_offset=clock_offset,
            world_seen=world_seen,
            rehearsal=select(installation.c.rehearsal).scalar_subquery(),
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
    admitted = find(connection, subject_id)
    if admitted is None:  # pragma: no cover - the row was written above, in this transaction
        raise LookupError(subject_id)
    return admitted.reference


def find(connection: Connection, subject_id: str) -> Subject | None:
    """Return what was fixed when this subject began."""
    return _one(connection, _FIND, subject_id)


def kind_of(connection: Connection, subject_id: str) -> AnyKind:
    """Return the kind of a subject; raises LookupError where there is no such subject."""
    known = find(connection, subject_id)
    if known is None:
        raise LookupError(subject_id)
    return kind_named(known.kind)


def kinds_of(connection: Connection, subject_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of the kinds of those of these subjects that were ever admitted."""
    asked = select(subjects.c.id, subjects.c.kind).where(subjects.c.id.in_(list(subject_ids)))
    return {row.id: row.kind for row in connection.execute(asked)}


def references(connection: Connection, subject_ids: Iterable[str]) -> dict[str, str]:
    """Return the references of those of these subjects that were ever admitted."""
    asked = select(subjects.c.id, subjects.c.reference)
    found = connection.execute(asked.where(subjects.c.id.in_(list(subject_ids))))
    return {row.id: row.reference for row in found}


def id_of(connection: Connection, reference: str) -> str | None:
    """The id of the subject with this reference, also where it has no row."""
    wanted = subjects.c.reference == as_reference(reference)
    return connection.scalar(select(subjects.c.id).where(wanted))


def named(id_or_reference: str) -> ColumnElement[bool]:
    """Whether a subject has this id or this reference (small letters and a missing dash are forgiven)."""
    try:
        return subjects.c.id == str(UUID(id_or_reference))
    except ValueError:
        return subjects.c.reference == as_reference(id_or_reference)


def as_reference(words: str) -> str:
    """A reference as it is kept, however somebody typed it."""
    letters = "".join(letter for letter in words.upper() if letter.isalnum())
    return f"{letters[:HALF]}-{letters[HALF:]}"


def open_ids(connection: Connection) -> dict[str, str]:
    """Every subject that is not ended, by its folded state, and the name of its kind."""
    query = (
        select(subjects.c.id, subjects.c.kind)
        .join_from(subjects, states, states.c.subject_id == subjects.c.id)
        .where(states.c.ended_at.is_(None))
    )
    return {row.id: row.kind for row in connection.execute(query)}


def lock(connection: Connection, subject_id: str) -> Subject | None:
    """Keep every other writer of this subject out until the transaction ends."""
    return _one(connection, _LOCK, subject_id)


def _one(connection: Connection, query: Select[Any], subject_id: str) -> Subject | None:
    row = connection.execute(query, {"subject": subject_id}).one_or_none()
    return None if row is None else Subject(*row)


_FIND = select(
    subjects.c.id,
    subjects.c.kind,
    subjects.c.reference,
    subjects.c.clock_offset,
    subjects.c.world_seen,
).where(subjects.c.id == bindparam("subject"))
_LOCK = _FIND.with_for_update()
