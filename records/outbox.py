"""What left, what waits to leave and what never will, of a case or to an office."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from domain.work.rows import OutboxRow
from records.tables import outbox


def of_case(connection: Connection, case_id: str) -> list[OutboxRow]:
    """Return every message of a case, in the order they were written."""
    found = connection.execute(
        select(outbox).where(outbox.c.subject_id == case_id).order_by(outbox.c.message)
    )
    return [_row_of(row) for row in found.mappings()]


def _row_of(row: Any) -> OutboxRow:
    return OutboxRow(**{**row, "carries": tuple(row["carries"])})
