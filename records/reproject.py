"""Makes every fold of the ledger anew from the ledger alone. Asks neither engine nor clock.

Rows are also evidence: where a ledger was changed by hand, they tell what it no longer does. Such a
subject is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete

from domain.kinds import kind_named
from records import ledger, subjects
from records.ledger import Finding
from records.loading import fold_on
from records.rows import write_rows
from records.session import system, transaction
from records.tables import folds_of, subject_column


@dataclass(frozen=True, slots=True)
class Reprojected:
    """How many subjects were made anew, and what is wrong with the ledgers of those left alone."""

    subjects: int
    wrong: tuple[Finding, ...]


def reproject(connection: Connection, subject_ids: Iterable[str] | None = None) -> int:
    """Rewrite every row of these subjects (default: all) and return how many were rewritten.

    One transaction, subject by subject under its lock: a writer waits, and finds rows that stand
    where the ledger does. What is written is the same, letter for letter, as what was written at
    first. A subject whose ledger was changed by hand is passed over.
    """
    told = ledger.verified_ids(connection) if subject_ids is None else list(subject_ids)
    return sum(not _made_anew(connection, subject_id) for subject_id in told)


def reproject_all(database: Engine) -> Reprojected:
    """Rewrite the rows of every subject whose ledger is whole, a transaction for each.

    People go on working meanwhile: one subject at a time is locked, and each is seen whole, before
    or after. Stopped half-way it may simply be started again.
    """
    with transaction(database, system("reproject")) as connection:
        subject_ids = ledger.verified_ids(connection)
    done, wrong = 0, list[Finding]()
    for subject_id in subject_ids:
        with transaction(database, system("reproject")) as connection:
            found = _made_anew(connection, subject_id)
        done += not found
        wrong += found
    return Reprojected(done, tuple(wrong))


def _made_anew(connection: Connection, subject_id: str) -> list[Finding]:
    """Rewrite the rows of a subject, or return what is wrong with its ledger and write nothing."""
    subject = subjects.lock(connection, subject_id)
    if subject is None:
        raise LookupError(subject_id)
    wrong = ledger.verify(connection, subject_id)
    if wrong:
        return wrong
    kind = kind_named(subject.kind)
    for fold in folds_of(kind):
        connection.execute(delete(fold).where(subject_column(fold) == subject_id))
    happened = ledger.events_of(connection, subject_id)
    write_rows(connection, kind, fold_on(connection, kind, subject_id, None, happened))
    return []
