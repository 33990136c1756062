"""Offices as loaded from the rules. Who holds their posts, and when, stands in `posts.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from records.tables import offices


@dataclass(frozen=True, slots=True)
class KnownOffice:
    """An office of the register; `under` is the office E1 goes to."""

    id: str
    name: str
    role: str
    country: str = ""
    province: str = ""
    under: str = ""
    channel: str = ""
    language: str = ""
    hours: str = ""


# What a rulebook may say anew.
_FROM_THE_FILE = ("name", "role", "country", "province", "under", "channel", "language", "hours")


def load(connection: Connection, known: Iterable[KnownOffice]) -> None:
    """Write offices from the rules."""
    rows = [asdict(office) for office in known]
    if rows:
        statement = insert(offices)
        changed = {name: statement.excluded[name] for name in _FROM_THE_FILE}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows
        )


def all_of(
    connection: Connection, *, role: str | None = None, country: str | None = None
) -> list[KnownOffice]:
    """Return the offices that match, by id."""
    query = select(offices).order_by(offices.c.id)
    if role is not None:
        query = query.where(offices.c.role == role)
    if country is not None:
        query = query.where(offices.c.country == country)
    return [KnownOffice(**row) for row in connection.execute(query).mappings()]


def find(connection: Connection, office_id: str) -> KnownOffice | None:
    """Return an office by its id."""
    row = connection.execute(select(offices).where(offices.c.id == office_id)).mappings().first()
    return None if row is None else KnownOffice(**row)
