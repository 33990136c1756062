"""Makes every fold of the ledger anew from the ledger alone. Asks neither engine nor clock.

Rows are also evidence: where a ledger was changed by hand, they tell what it no longer does. Such a
case is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete

from records import ledger, openings
from records.ledger import Finding
from records.loading import fold_on
from records.rows import write_rows
from records.session import system, transaction
from records.tables import FOLDS


@dataclass(frozen=True, slots=True)
class Reprojected:
    """How many cases were made anew, and what is wrong with the ledgers of those left alone."""

    cases: int
    wrong: tuple[Finding, ...]


def reproject(connection: Connection, case_ids: Iterable[str] | None = None) -> int:
    """Rewrite every row of these cases (default: all) and return how many were rewritten.

    One transaction, case by case under its lock: a writer waits, and finds rows that stand where
    the ledger does. What is written is the same, letter for letter, as what was written at first.
    A case whose ledger was changed by hand is passed over.
    """
    told = ledger.verified_ids(connection) if case_ids is None else list(case_ids)
    return sum(not _made_anew(connection, case_id) for case_id in told)


def reproject_all(database: Engine) -> Reprojected:
    """Rewrite the rows of every case whose ledger is whole, a transaction for each.

    People go on working meanwhile: one case at a time is locked, and each is seen whole, before
    or after. Stopped half-way it may simply be started again.
    """
    with transaction(database, system("reproject")) as connection:
        case_ids = ledger.verified_ids(connection)
    done, wrong = 0, list[Finding]()
    for case_id in case_ids:
        with transaction(database, system("reproject")) as connection:
            found = _made_anew(connection, case_id)
        done += not found
        wrong += found
    return Reprojected(done, tuple(wrong))


def _made_anew(connection: Connection, case_id: str) -> list[Finding]:
    """Rewrite the rows of a case, or return what is wrong with its ledger and write nothing."""
    openings.lock(connection, case_id)
    wrong = ledger.verify(connection, case_id)
    if wrong:
        return wrong
    for table in FOLDS:
        connection.execute(delete(table).where(table.c.case_id == case_id))
    happened = ledger.events_of(connection, case_id)
    write_rows(connection, fold_on(connection, case_id, None, happened))
    return []
