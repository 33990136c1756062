"""Who a case is about. Read alone, for one case, by those who may; no list ever joins this table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from records.tables import people


@dataclass(frozen=True, slots=True)
class Person:
    """Name and contact of a person. Never printed by accident: `repr` shows neither."""

    name: str = field(repr=False)
    contact: str | None = field(repr=False)
    born: date | None = field(repr=False)
    sex: str | None = field(repr=False)
    written_at: datetime


def keep(connection: Connection, case_id: str, person: Person) -> None:
    """Write who the case is about, over what was known before."""
    statement = insert(people).values(case_id=case_id, **asdict(person))
    changed = {name: statement.excluded[name] for name in asdict(person)}
    connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=changed))


def read(connection: Connection, case_id: str) -> Person | None:
    """Return who the case is about."""
    row = connection.execute(select(people).where(people.c.case_id == case_id)).one_or_none()
    return None if row is None else Person(row.name, row.contact, row.born, row.sex, row.written_at)
