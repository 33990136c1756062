"""Who a case is about. Read alone, for one case, by those who may; no list ever joins this table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from records import subjects
from records.tables import alarms, events, people, states


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


def ask_again(connection: Connection, case_id: str, person: Person) -> None:
    """The first report came once more: the record is wanted, as it is or, if it is gone, anew."""
    subjects.lock(connection, case_id)
    wanted = update(people).where(people.c.case_id == case_id)
    if not connection.execute(wanted.values(written_at=person.written_at)).rowcount:
        keep(connection, case_id, person)


def unopened(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Cases of records written before that moment of which nothing else is known, oldest first."""
    query = select(people.c.case_id).where(people.c.written_at < before, _nothing_happened())
    return [str(c) for c in connection.scalars(query.order_by(people.c.written_at).limit(limit))]


def forget(connection: Connection, case_id: str, before: datetime) -> bool:
    """Delete the record of a first report that never became a case; whether it was deleted.

    Not one that was asked for again since that moment.
    """
    subjects.lock(connection, case_id)
    mine = delete(people).where(people.c.case_id == case_id, people.c.written_at < before)
    return bool(connection.execute(mine.where(_nothing_happened())).rowcount)


def _nothing_happened() -> ColumnElement[bool]:
    """No event, no row and no alarm: a case whose ledger was lost or damaged has one of them."""
    known = (exists().where(t.c.subject_id == people.c.case_id) for t in (events, states, alarms))
    return ~or_(*known)
