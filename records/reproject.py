"""Makes every fold of the ledger anew from the ledger alone. Asks neither engine nor clock."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, delete

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
        write_rows(connection, fold_on(connection, case_id, None, happened))
    return len(told)


def reproject_all(database: Engine) -> int:
    """Rewrite the rows of every case, a transaction for each, and return how many there were.

    People go on working meanwhile: one case at a time is locked, and each is seen whole, before
    or after. Stopped half-way it may simply be started again.
    """
    with database.begin() as connection:
        case_ids = ledger.case_ids(connection)
    for case_id in case_ids:
        with database.begin() as connection:
            reproject(connection, [case_id])
    return len(case_ids)
