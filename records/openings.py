"""What is fixed when a case begins and stands in no event: its reference and its own clock.

A reference is random. It tells no year, country, place or count, and cannot be guessed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from records.tables import installation, openings

# No vowels, so that no word comes of it; no 0 O 1 I L, so that it survives a telephone.
LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"
HALF = 5  # two halves of five: 48 bits


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Reference, and seconds that the case's clock is ahead of the engine's."""

    case_id: str
    reference: str
    clock_offset: int


def new_reference() -> str:
    """Make a reference such as `K7QFM-2XDRT`."""
    first, second = ("".join(secrets.choice(LETTERS) for _ in range(HALF)) for _ in range(2))
    return f"{first}-{second}"


def admit(connection: Connection, case_id: str, clock_offset: int = 0) -> str:
    """Give a case its reference; the same case asked again gets the same one.

    Raises sqlalchemy.exc.IntegrityError when the case would live at its own date outside a
    rehearsal.
    """
    known = of_case(connection, case_id)
    if known is not None:
        return known.reference
    connection.execute(
        insert(openings)
        .values(
            case_id=case_id,
            reference=new_reference(),
            clock_offset=clock_offset,
            rehearsal=select(installation.c.rehearsal).scalar_subquery(),
        )
        .on_conflict_do_nothing(index_elements=["case_id"])
    )
    admitted = of_case(connection, case_id)
    if admitted is None:  # pragma: no cover - the row was written above, in this transaction
        raise LookupError(case_id)
    return admitted.reference


def of_case(connection: Connection, case_id: str) -> OpenCase | None:
    """Return what was fixed when this case began."""
    return _one(connection, _OF_CASE, case_id)


def references(connection: Connection, case_ids: Iterable[str]) -> dict[str, str]:
    """Return the references of those of these cases that were ever admitted."""
    found = connection.execute(
        select(openings.c.case_id, openings.c.reference).where(
            openings.c.case_id.in_(list(case_ids))
        )
    )
    return {row.case_id: row.reference for row in found}


def lock(connection: Connection, case_id: str) -> OpenCase | None:
    """Keep every other writer of this case out until the transaction ends."""
    return _one(connection, _LOCK, case_id)


def _one(connection: Connection, query: Select[Any], case_id: str) -> OpenCase | None:
    row = connection.execute(query, {"case": case_id}).one_or_none()
    return None if row is None else OpenCase(row.case_id, row.reference, row.clock_offset)


_OF_CASE = select(openings.c.case_id, openings.c.reference, openings.c.clock_offset).where(
    openings.c.case_id == bindparam("case")
)
_LOCK = _OF_CASE.with_for_update()
