"""Puts lives made by `tests.builders` into a database, the way the projector does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from domain.kinds import CASE
from records import procedures, subjects
from records.projection import write_one
from records.tables import folds_of
from tests.builders import Life
from workflows.encoding import event_to_json
from workflows.messages import NewEvent
from workflows.ports import EventBatch


def batches(life: Life) -> Iterator[EventBatch]:
    """One batch for each move; every act has a key, time alone has none."""
    seq = 0
    for number, group in enumerate(life.groups):
        told = []
        for event in group:
            seq += 1
            key = f"{life.opening.case_id}/{number}"
            told.append(NewEvent(seq, event_to_json(event), key, f"content-{number}"))
        if told:
            yield EventBatch("case", life.opening.case_id, tuple(told))


def admit(connection: Connection, life: Life) -> str:
    """What the API does before a case begins."""
    procedures.keep(connection, life.opening.procedure, life.opening.procedure_digest)
    return subjects.admit(connection, "case", life.opening.case_id)


def write(connection: Connection, *lives: Life) -> None:
    """Write whole lives and commit."""
    for life in lives:
        admit(connection, life)
        for batch in batches(life):
            write_one(connection, batch)
    connection.commit()


def every_row(connection: Connection) -> dict[str, list[Any]]:
    """All rows of every fold, as text, so that a comparison is letter for letter."""
    told: dict[str, list[Any]] = {}
    for table in folds_of(CASE):
        rows = connection.execute(select(table).order_by(*table.primary_key.columns))
        told[table.name] = [repr(tuple(row)) for row in rows]
    return told
