"""Compares the ledger with the rows made of it, and with what the engine runs.

Changes nothing; names differences. A ledger that was changed by hand proves nothing: of such a case
only that is said, and nobody is sent to make rows or runs of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import JSON, Connection, Engine, Table, func, select, text

from domain.case.reading import shown_state
from domain.case.state import Case
from records.alarms import BEHIND, BROKEN, CONFLICT, GAP, STUCK, list_open
from records.case_json import case_text
from records.cases import as_reference
from records.errors import UnknownProcedure
from records.ledger import events_of, head, verify
from records.loading import Folded, fold_on, folded
from records.rows import entry_between
from records.session import system, transaction
from records.tables import FOLDS, cases, events, openings

UNKNOWN = "unknown"  # the status of a case whose ledger was changed by hand


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """Where a case stands: events so far, and the state people see."""

    version: int
    status: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One case on which two memories disagree, in a sentence without names."""

    case_id: str
    what: str


def kept(connection: Connection, case_id: str | None = None) -> dict[str, LedgerPosition]:
    """Where every case stands by the ledger, or this one; the status is that of its folded row."""
    newest = select(events.c.case_id, func.max(events.c.seq).label("seq")).group_by(
        events.c.case_id
    )
    if case_id is not None:
        newest = newest.where(events.c.case_id == case_id)
    heads = newest.subquery()
    found = connection.execute(
        select(heads.c.case_id, heads.c.seq, cases.c.version, cases.c.status).outerjoin(
            cases, cases.c.case_id == heads.c.case_id
        )
    )
    return {
        row.case_id: LedgerPosition(row.seq, row.status if row.version == row.seq else "unfolded")
        for row in found
    }


@contextmanager
def as_of_one_moment(database: Engine) -> Iterator[Connection]:
    """A transaction that sees all records as of one moment, whatever is written meanwhile."""
    who = system("reconcile")
    with transaction(database, who, isolation="REPEATABLE READ") as connection:
        yield connection


def of_case(connection: Connection, case_id: str) -> tuple[LedgerPosition | None, list[Difference]]:
    """Look at one case: its ledger row by row, then every row of the folds, made anew.

    Returns where the case stands by its ledger, and what is wrong; None where nothing is kept of
    it. Ask as of one moment: a case goes on.
    """
    wrong = broken(connection, case_id)
    stands = LedgerPosition(head(connection, case_id).seq, UNKNOWN)
    if wrong:
        return stands, wrong
    if not stands.version:
        return None, []
    try:
        anew = fold_on(connection, case_id, None, events_of(connection, case_id))
    except UnknownProcedure:
        return stands, [Difference(case_id, _NO_PROCEDURE)]
    stands = replace(stands, status=shown_state(anew.case))
    if _row_at(connection, case_id) != stands.version:
        return stands, [Difference(case_id, _UNFOLDED.format(stands.version))]
    differing = _differing(connection, anew)
    said = _ROWS.format(", ".join(differing))
    return stands, [Difference(case_id, said)] if differing else []


def broken(connection: Connection, case_id: str) -> list[Difference]:
    """Name every row of a ledger that was changed, removed or moved by hand."""
    return [Difference(case_id, one.in_words()) for one in verify(connection, case_id)]


def behind(connection: Connection, most: int) -> list[Difference]:
    """Name cases that are open, or have no row, and whose row does not stand where their ledger
    does: at most so many. Of a ledger changed by hand its own findings are named instead.
    """
    newest = (
        select(func.max(events.c.seq)).where(events.c.case_id == openings.c.case_id)
    ).scalar_subquery()
    found = connection.execute(
        select(openings.c.case_id, newest.label("seq"))
        .outerjoin(cases, cases.c.case_id == openings.c.case_id)
        .where(cases.c.ended_at.is_(None), cases.c.version.is_distinct_from(newest))
        .order_by(openings.c.case_id)
        .limit(most)
    )
    return [
        difference
        for case_id, seq in found.all()
        for difference in (
            broken(connection, case_id) or [Difference(case_id, _UNFOLDED.format(seq))]
        )
    ]


def case_named(connection: Connection, reference: str) -> str | None:
    """The id of the case with this reference, also where it has no row."""
    wanted = openings.c.reference == as_reference(reference)
    return connection.scalar(select(openings.c.case_id).where(wanted))


def compare(
    ledger: Mapping[str, LedgerPosition], engine: Mapping[str, LedgerPosition]
) -> list[Difference]:
    """Name each difference between the ledger and the open workflows, by case id."""
    found = [
        _difference(case_id, ledger.get(case_id), engine.get(case_id))
        for case_id in sorted({*ledger, *engine})
    ]
    return [difference for difference in found if difference is not None]


def alarmed(connection: Connection) -> list[Difference]:
    """Name each disagreement that was seen and that nobody has settled, by case id."""
    return [
        Difference(one.case_id, _WHAT[one.kind].format(one.seq)) for one in list_open(connection)
    ]


_UNFOLDED = "the rows do not stand at event {} of the ledger; reproject makes them"
_ROWS = "the rows of {} do not say what the ledger says; reproject makes them anew"
_NO_PROCEDURE = "the ledger names a plan that is not kept"
_WHAT = {
    CONFLICT: "the records disagree: the ledger refused another event {}; recover settles it",
    GAP: "the records disagree: the ledger refused event {}, which does not follow; look at both",
    BROKEN: (
        "the records disagree: event {} of the ledger was not as it was written;"
        " audit verify settles it once it is again"
    ),
    STUCK: "the engine tries to run it and fails each time; the worker's log says why",
    BEHIND: "the records disagree: the engine came back without event {}; recover settles it",
}


def _difference(
    case_id: str, kept: LedgerPosition | None, runs: LedgerPosition | None
) -> Difference | None:
    what = _what_differs(kept, runs)
    return Difference(case_id, what) if what else None


def _what_differs(kept: LedgerPosition | None, runs: LedgerPosition | None) -> str:
    if kept is None:
        return "runs in the engine, but the ledger does not know it"
    if kept.status == "unfolded":
        return _UNFOLDED.format(kept.version)
    if runs is None:
        ended = kept.status in {"closed", "cancelled", UNKNOWN}
        return "" if ended else f"is {kept.status} in the ledger, but does not run in the engine"
    if runs.version != kept.version:
        where = "behind" if runs.version < kept.version else "ahead of"
        return f"the engine is {where} the ledger: event {runs.version} instead of {kept.version}"
    if runs.status != kept.status != UNKNOWN:
        return f"is {kept.status} in the ledger, but {runs.status} in the engine"
    return ""


# -- the rows, made anew


def _row_at(connection: Connection, case_id: str) -> int:
    return connection.scalar(select(cases.c.version).where(cases.c.case_id == case_id)) or 0


def _differing(connection: Connection, anew: Folded) -> list[str]:
    """The tables that do not hold what would be written now."""
    told = {
        table: f"[{b','.join(rows).decode()}]"
        for table, rows in entry_between(None, anew, case_text(anew.case)).rows.items()
    }
    found = set(connection.scalars(_DIFFERING, {"case": anew.case.id, **told}))
    if _state(connection, anew.case.id) != anew.case:
        found.add(cases.name)
    return [table.name for table in reversed(FOLDS) if table.name in found]


def _state(connection: Connection, case_id: str) -> Case | None:
    """The case within its row: what it means counts, not in which words an older program put it."""
    try:
        return folded(connection, case_id)
    except (LookupError, TypeError, ValueError, UnknownProcedure):  # no case at all
        return None


def _differs(table: Table) -> str:
    """Ask whether a table holds other rows of a case than those told; as `rows.py` writes them."""
    names = ", ".join(column.name for column in table.columns if not isinstance(column.type, JSON))
    kept = f"SELECT {names} FROM {table.name} WHERE case_id = CAST(:case AS uuid)"  # noqa: S608 - names of our own tables
    told = (
        f"SELECT {names} FROM "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {table.name}), CAST(:{table.name} AS json))"
    )
    return (
        f"SELECT '{table.name}' WHERE EXISTS ({kept} EXCEPT {told})"
        f" OR EXISTS ({told} EXCEPT {kept})"
    )


_DIFFERING = text(" UNION ALL ".join(_differs(table) for table in FOLDS))
