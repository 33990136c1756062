"""Writes events and the rows that a kind of subject shows, of any number of subjects, in one statement.

It decides nothing: what differs between two states of a subject is told to it, and what it is told it
writes only where the ledger still stands where the teller believed it to stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Table, TextClause, text

from domain.kinds import AnyKind, State
from domain.work.rows import Marks
from records.ledger import Head
from records.loading import Folded
from records.state_json import StateJson, state_text
from records.tables import (
    escalations,
    events,
    folds_of,
    outbox,
    states,
    subject_column,
    tasks,
)
from workflows.encoding import Json

NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # sorts what has no due date behind everything else


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written of one subject, each row as its JSON text.

    It holds only where the ledger ends with `head` and the rows of the subject are of version
    `rows_at`; each is asked for only unless it is None.
    """

    kind: AnyKind
    subject_id: str
    head: Head | None
    rows_at: int | None
    rows: Mapping[str, Sequence[bytes]]  # by table
    events: Sequence[bytes] = ()
    gone: Mapping[str, Sequence[bytes]] = field(default_factory=dict)  # primary keys, by table


def entry_between(
    kind: AnyKind,
    before: Folded | None,
    after: Folded,
    text: StateJson,
    head: Head | None = None,
    happened: Sequence[Json] = (),
) -> Entry:
    """Every row that differs between two states of a subject; `before` None: all of them.

    `text` is that of the state after; `happened`: rows of the ledger that follow its `head`.
    """
    changes = kind.rows(before.state if before else None, after.state)
    earlier = before.marks if before else Marks()
    written = {name: [_row(name, row) for row in rows] for name, rows in changes.written.items()}
    return Entry(
        kind,
        after.state.id,
        head,
        before.state.version if before else None,
        {
            states.name: [_with_text(to_json(_state_row(kind, after.state)), text)],
            escalations.name: _changed(earlier.escalations, after.marks.escalations),
            outbox.name: _changed(earlier.outbox, after.marks.outbox),
            **written,
        },
        [to_json(row) for row in happened],
        {name: [to_json(key) for key in keys] for name, keys in changes.gone.items() if keys},
    )


def write_rows(connection: Connection, kind: AnyKind, after: Folded) -> None:
    """Write every row that the state of a subject tells."""
    write(connection, [entry_between(kind, None, after, state_text(kind, after.state))])


def write(connection: Connection, entries: Sequence[Entry]) -> set[str]:
    """Write entries of different subjects, each whole or not at all; return the subjects written.

    Passed over are those whose ledger or rows stand elsewhere by now, and those that another
    writer has locked. Raises sqlalchemy.exc.IntegrityError where another wrote the same event at
    the same moment: then nothing at all is written.
    """
    kinds = tuple({entry.kind.name: entry.kind for entry in entries}.values())
    folds = tuple({fold.name: fold for kind in kinds for fold in folds_of(kind)}.values())
    lessened = tuple(fold for fold in folds if any(entry.gone.get(fold.name) for entry in entries))
    # A text for each table: PostgreSQL reads each once, and a case's state is long.
    told = {
        fold.name: _list(row for entry in entries for row in entry.rows.get(fold.name, ()))
        for fold in folds
    }
    told |= {
        f"{fold.name}_gone": _list(
            key for entry in entries for key in entry.gone.get(fold.name, ())
        )
        for fold in lessened
    }
    told["stands"] = _list(to_json(_stands(entry)) for entry in entries)
    told[events.name] = _list(row for entry in entries for row in entry.events)
    return {str(one) for one in connection.scalars(_written(folds, lessened), told)}


def _stands(entry: Entry) -> Json:
    return {
        "subject_id": entry.subject_id,
        "seq": entry.head and entry.head.seq,
        "chain": entry.head and entry.head.chain,
        "rows_at": entry.rows_at,
    }


def _state_row(kind: AnyKind, state: State) -> Json:
    return {
        "subject_id": state.id,
        "version": state.version,
        "edition": state.edition,
        "status": kind.status(state),
        "ended_at": state.now if state.ended else None,
        "procedure_digests": tuple(state.procedures),
    }


def _list(rows: Iterable[bytes]) -> str:
    return f"[{b','.join(rows).decode()}]"


def _with_text(row: bytes, text: StateJson) -> bytes:
    return row.removesuffix(b"}") + b',"state":' + text.text() + b"}"


def _changed(before: Mapping[int, Any], after: Mapping[int, Any]) -> list[bytes]:
    return [to_json(_plain(row)) for number, row in after.items() if before.get(number) != row]


def _plain(row: Any) -> Json:
    return {column.name: getattr(row, column.name) for column in fields(row)}


def _row(table: str, row: Any) -> bytes:
    more = {"due_or_never": row.due_at or NEVER} if table == tasks.name else {}
    return to_json(_plain(row) | more)


# The lock keeps other writers out, and a subject that somebody else has locked is left to the way
# that waits. Whoever wrote between our look and our lock is found by the ledger's primary key.
_STANDS = """
stands AS MATERIALIZED (
    SELECT subjects.id AS subject_id
    FROM json_to_recordset(CAST(:stands AS json))
        AS told(subject_id uuid, seq integer, chain text, rows_at integer)
    JOIN subjects ON subjects.id = told.subject_id
    LEFT JOIN events ON events.subject_id = told.subject_id AND events.seq = greatest(told.seq, 1)
    LEFT JOIN states ON states.subject_id = told.subject_id
    WHERE (told.seq IS NULL OR events.chain = told.chain OR told.seq = 0 AND events.seq IS NULL)
        AND (told.rows_at IS NULL OR states.version = told.rows_at)
    ORDER BY subjects.id
    FOR NO KEY UPDATE OF subjects SKIP LOCKED
)"""


def _insert(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return (
        f"{table.name}_written AS (INSERT INTO {table.name} ({names}) SELECT {names} FROM "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {table.name}), CAST(:{table.name} AS json)) "
        f"WHERE {subject_column(table).name} IN (SELECT subject_id FROM stands)"
    )


def _upsert(table: Table) -> str:
    key = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if column.name not in key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    # A subject never goes back to an earlier version, whatever comes late.
    is_whole = len(key) == 1 and "version" in rest
    guard = f" WHERE excluded.version > {table.name}.version" if is_whole else ""
    return f"{_insert(table)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{guard})"


def _delete(table: Table) -> str:
    mine = subject_column(table).name
    same = " AND ".join(f"{table.name}.{key.name} = told.{key.name}" for key in table.primary_key)
    return (
        f"{table.name}_gone AS (DELETE FROM {table.name} USING "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {table.name}), CAST(:{table.name}_gone AS json)) "
        f"AS told, stands WHERE {table.name}.{mine} = stands.subject_id AND {same})"
    )


@cache
def _written(folds: tuple[Table, ...], lessened: tuple[Table, ...]) -> TextClause:
    """One journey to the database for all of it: the way there costs more than the writing."""
    parts = [
        _STANDS,
        f"{_insert(events)})",
        *(_delete(fold) for fold in lessened),
        *(_upsert(fold) for fold in folds),
    ]
    return text(f"WITH {', '.join(parts)} SELECT subject_id FROM stands")  # noqa: S608 - names of our own tables
