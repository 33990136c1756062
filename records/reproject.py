"""Makes every fold of the ledger anew from the ledger alone. Asks neither engine nor clock."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete

from records import ledger, openings
from records.kept import fold_on
from records.rows import write_rows
from records.tables import FOLDS


def reproject(connection: Connection, case_ids: Iterable[str] | None = None) -> int:
    """Rewrite every row of these cases (default: all) and return how many cases there were.

    One transaction, case by case under its lock: a writer waits, and finds rows that stand where
    the ledger does. What is written is the same, letter for letter, as what was written at first.
    """
    told = ledger.case_ids(connection) if case_ids is None else list(case_ids)
    for case_id in told:
        openings.lock(connection, case_id)
        for table in FOLDS:
            connection.execute(delete(table).where(table.c.case_id == case_id))
        happened = ledger.events_of(connection, case_id)
        write_rows(connection, None, fold_on(connection, case_id, None, happened))
    return len(told)
