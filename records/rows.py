"""Writes the rows of `domain/rows.py`: whatever differs between two states, in one statement."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Table, TextClause, delete, text

from domain.rows import Marks, TaskRow, changes_between
from records.kept import Folded
from records.tables import FOLDS, case_offices, cases, escalations, outbox, tasks
from workflows.encoding import case_to_json

NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # sorts what has no due date behind everything else


def write_rows(connection: Connection, before: Folded | None, after: Folded) -> None:
    """Write every row that differs between two states of a case; `before` None: all of them."""
    changes = changes_between(before.case if before else None, after.case)
    earlier = before.marks if before else Marks()
    if changes.offices_gone:
        _forget_offices(connection, after.case.id, changes.offices_gone)
    _write(
        connection,
        {
            cases.name: [_plain(changes.case) | {"state": case_to_json(after.case)}],
            tasks.name: [_task(row) for row in changes.tasks],
            case_offices.name: [_plain(row) for row in changes.offices],
            escalations.name: [
                _plain(row)
                for number, row in after.marks.escalations.items()
                if earlier.escalations.get(number) != row
            ],
            outbox.name: [
                _plain(row)
                for number, row in after.marks.outbox.items()
                if earlier.outbox.get(number) != row
            ],
        },
    )


def _forget_offices(connection: Connection, case_id: str, gone: tuple[str, ...]) -> None:
    theirs = (case_offices.c.case_id == case_id) & case_offices.c.office.in_(gone)
    connection.execute(delete(case_offices).where(theirs))


def _plain(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in fields(row)}


def _task(row: TaskRow) -> dict[str, Any]:
    return _plain(row) | {"due_or_never": row.due_at or NEVER}


def _write(connection: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    # A text for each table: PostgreSQL reads each once, and a case's state is long.
    told = {table: to_json(some).decode() for table, some in rows.items()}
    connection.execute(_UPSERTS, told)


def _upsert(table: Table) -> str:
    key = [column.name for column in table.primary_key]
    rest = [column.name for column in table.columns if column.name not in key]
    names = ", ".join([*key, *rest])
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    # A case never goes back to an earlier version, whatever comes late.
    guard = "WHERE excluded.version > cases.version" if table is cases else ""
    return (
        f"{table.name}_written AS (INSERT INTO {table.name} ({names}) SELECT {names} FROM "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {table.name}), "
        f"CAST(:{table.name} AS json)) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed} {guard})"
    )


def _all_upserts() -> TextClause:
    """One journey to the database for all tables: the way there costs more than the writing."""
    return text(f"WITH {', '.join(_upsert(table) for table in FOLDS)} SELECT 1")


_UPSERTS = _all_upserts()
