"""Who opened what about a person, when, and why. Written in the transaction of the reading itself.

PostgreSQL refuses to change or delete a row. What was read stands in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from records.tables import access_log


@dataclass(frozen=True, slots=True)
class Access:
    """One reading: `what` are words of the release list or kinds of record, never their values."""

    at: datetime
    user_id: str
    office: str
    case_id: str
    what: tuple[str, ...]
    purpose: str


def write(connection: Connection, access: Access) -> None:
    """Add one reading; it is there exactly when the transaction that reads comes to its end."""
    connection.execute(
        insert(access_log).values(
            at=access.at,
            user_id=access.user_id,
            office=access.office,
            case_id=access.case_id,
            what=list(access.what),
            purpose=access.purpose,
        )
    )


def of_case(connection: Connection, case_id: str) -> Sequence[Access]:
    """Return every reading of a case, in the order they were written."""
    found = connection.execute(
        select(*(access_log.c[name] for name in Access.__dataclass_fields__))
        .where(access_log.c.case_id == case_id)
        .order_by(access_log.c.id)
    )
    return [Access(**{**row, "what": tuple(row["what"])}) for row in found.mappings()]
