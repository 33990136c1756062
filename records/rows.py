"""Writes events and the rows of `domain/case/projection.py`, of any number of cases, in one statement.

It decides nothing: what differs between two states of a case is told to it, and what it is told it
writes only where the ledger still stands where the teller believed it to stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Table, TextClause, text

from domain.case.projection import Marks, TaskRow, changes_between
from records.case_json import CaseJson, case_text
from records.ledger import Head
from records.loading import Folded
from records.tables import FOLDS, case_offices, cases, escalations, events, outbox, tasks
from workflows.encoding import Json

NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # sorts what has no due date behind everything else


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written of one case, each row as its JSON text.

    It holds only where the ledger ends with `head` and the rows of the case are of version
    `rows_at`; each is asked for only unless it is None.
    """

    case_id: str
    head: Head | None
    rows_at: int | None
    rows: Mapping[str, Sequence[bytes]]  # by table
    events: Sequence[bytes] = ()
    offices_gone: Sequence[str] = ()


def entry_between(
    before: Folded | None,
    after: Folded,
    state: CaseJson,
    head: Head | None = None,
    happened: Sequence[Json] = (),
) -> Entry:
    """Every row that differs between two states of a case; `before` None: all of them.

    `state` is the text of the case after; `happened`: rows of the ledger that follow its `head`.
    """
    changes = changes_between(before.case if before else None, after.case)
    earlier = before.marks if before else Marks()
    return Entry(
        after.case.id,
        head,
        before.case.version if before else None,
        {
            cases.name: [_with_state(to_json(_plain(changes.case)), state)],
            tasks.name: [to_json(_task(row)) for row in changes.tasks],
            case_offices.name: [to_json(_plain(row)) for row in changes.offices],
            escalations.name: _changed(earlier.escalations, after.marks.escalations),
            outbox.name: _changed(earlier.outbox, after.marks.outbox),
        },
        [to_json(row) for row in happened],
        changes.offices_gone,
    )


def write_rows(connection: Connection, after: Folded) -> None:
    """Write every row that the state of a case tells."""
    write(connection, [entry_between(None, after, case_text(after.case))])


def write(connection: Connection, entries: Sequence[Entry]) -> set[str]:
    """Write entries of different cases, each whole or not at all; return the cases written.

    Passed over are those whose ledger or rows stand elsewhere by now, and those that another
    writer has locked. Raises sqlalchemy.exc.IntegrityError where another wrote the same event at
    the same moment: then nothing at all is written.
    """
    # A text for each table: PostgreSQL reads each once, and a case's state is long.
    told = {
        table.name: _list(row for entry in entries for row in entry.rows.get(table.name, ()))
        for table in FOLDS
    }
    told["stands"] = _list(to_json(_stands(entry)) for entry in entries)
    told[events.name] = _list(row for entry in entries for row in entry.events)
    told["gone"] = _list(
        to_json({"case_id": entry.case_id, "office": office})
        for entry in entries
        for office in entry.offices_gone
    )
    return {str(case_id) for case_id in connection.scalars(_WRITE, told)}


def _stands(entry: Entry) -> Json:
    return {
        "case_id": entry.case_id,
        "seq": entry.head and entry.head.seq,
        "chain": entry.head and entry.head.chain,
        "rows_at": entry.rows_at,
    }


def _list(rows: Iterable[bytes]) -> str:
    return f"[{b','.join(rows).decode()}]"


def _with_state(row: bytes, state: CaseJson) -> bytes:
    return row.removesuffix(b"}") + b',"state":' + state.text() + b"}"


def _changed(before: Mapping[int, Any], after: Mapping[int, Any]) -> list[bytes]:
    return [to_json(_plain(row)) for number, row in after.items() if before.get(number) != row]


def _plain(row: Any) -> Json:
    return {column.name: getattr(row, column.name) for column in fields(row)}


def _task(row: TaskRow) -> Json:
    return _plain(row) | {"due_or_never": row.due_at or NEVER}


# The lock keeps other writers out, and a case that somebody else has locked is left to the way
# that waits. Whoever wrote between our look and our lock is found by the ledger's primary key.
_STANDS = """
stands AS MATERIALIZED (
    SELECT openings.case_id
    FROM json_to_recordset(CAST(:stands AS json))
        AS told(case_id uuid, seq integer, chain text, rows_at integer)
    JOIN openings USING (case_id)
    LEFT JOIN events ON events.case_id = told.case_id AND events.seq = greatest(told.seq, 1)
    LEFT JOIN cases ON cases.case_id = told.case_id
    WHERE (told.seq IS NULL OR events.chain = told.chain OR told.seq = 0 AND events.seq IS NULL)
        AND (told.rows_at IS NULL OR cases.version = told.rows_at)
    ORDER BY openings.case_id
    FOR NO KEY UPDATE OF openings SKIP LOCKED
)"""

_GONE = """
gone AS (
    DELETE FROM case_offices
    USING json_to_recordset(CAST(:gone AS json)) AS told(case_id uuid, office text), stands
    WHERE case_offices.case_id = stands.case_id
        AND case_offices.case_id = told.case_id AND case_offices.office = told.office
)"""


def _insert(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return (
        f"{table.name}_written AS (INSERT INTO {table.name} ({names}) SELECT {names} FROM "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {table.name}), CAST(:{table.name} AS json)) "
        f"WHERE case_id IN (SELECT case_id FROM stands)"
    )


def _upsert(table: Table) -> str:
    key = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if column.name not in key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    # A case never goes back to an earlier version, whatever comes late.
    guard = " WHERE excluded.version > cases.version" if table is cases else ""
    return f"{_insert(table)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{guard})"


def _written() -> TextClause:
    """One journey to the database for all of it: the way there costs more than the writing."""
    folds = ", ".join(_upsert(table) for table in FOLDS)
    return text(
        f"WITH {_STANDS}, {_insert(events)}), {_GONE}, {folds} SELECT case_id FROM stands"  # noqa: S608 - names of our own tables
    )


_WRITE = _written()
