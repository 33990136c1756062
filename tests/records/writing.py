"""Puts lives made by `tests.builders` into a database, the way the projector does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from records import openings, procedures
from records.projection import Batch, NewEvent, write_one
from records.tables import FOLDS
from tests.builders import Life
from workflows.encoding import event_to_json


def batches(life: Life) -> Iterator[Batch]:
    """One batch for each move; every act has a key, time alone has none."""
    seq = 0
    for number, group in enumerate(life.groups):
        told = []
        for event in group:
            seq += 1
            key = f"{life.opening.case_id}/{number}"
            told.append(NewEvent(seq, event_to_json(event), key, f"content-{number}"))
        if told:
            yield Batch(life.opening.case_id, tuple(told))


def admit(connection: Connection, life: Life) -> str:
    """What the API does before a case begins."""
    procedures.keep(connection, life.opening.procedure, life.opening.procedure_digest)
    return openings.admit(connection, life.opening.case_id)


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
    for table in FOLDS:
        rows = connection.execute(select(table).order_by(*table.primary_key.columns))
        told[table.name] = [repr(tuple(row)) for row in rows]
    return told
