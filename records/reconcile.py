"""Compares the ledger with the rows made of it, and with what the engine runs.

Changes nothing; names differences. A ledger that was changed by hand proves nothing: of such a subject
only that is said, and nobody is sent to make rows or runs of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import JSON, Connection, Engine, Table, TextClause, func, or_, select, text

from domain.kinds import KINDS, AnyKind, State
from records.alarms import BEHIND, BROKEN, CONFLICT, GAP, STUCK, list_open
from records.errors import UnknownProcedure
from records.ledger import events_of, head, verify
from records.loading import Folded, fold_on, folded
from records.rows import entry_between
from records.session import system, transaction
from records.state_json import state_text
from records.subjects import kind_of
from records.tables import (
    events,
    folds_of,
    states,
    subject_column,
    subjects,
)

UNKNOWN = "unknown"  # the status of a subject whose ledger was changed by hand
UNFOLDED = "unfolded"  # of one whose rows do not stand where the ledger does


@dataclass(frozen=True, slots=True)
class Position:
    """Where a subject stands by one of its memories: events so far, and the status people see.

    `ended`: nothing needs to run it.
    """

    version: int
    status: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One subject on which two memories disagree, in a sentence without names."""

    subject_id: str
    what: str


def kept(connection: Connection, subject_id: str | None = None) -> dict[str, Position]:
    """Where every subject stands by the ledger, or this one; the status is that of its folded row."""
    newest = select(events.c.subject_id, func.max(events.c.seq).label("seq"))
    if subject_id is not None:
        newest = newest.where(events.c.subject_id == subject_id)
    heads = newest.group_by(events.c.subject_id).subquery()
    found = connection.execute(
        select(
            heads.c.subject_id, heads.c.seq, states.c.version, states.c.status, states.c.ended_at
        ).outerjoin(states, states.c.subject_id == heads.c.subject_id)
    )
    return {
        row.subject_id: Position(row.seq, row.status, ended=row.ended_at is not None)
        if row.version == row.seq
        else Position(row.seq, UNFOLDED)
        for row in found
    }


@contextmanager
def as_of_one_moment(database: Engine) -> Iterator[Connection]:
    """A transaction that sees all records as of one moment, whatever is written meanwhile."""
    who = system("reconcile")
    with transaction(database, who, isolation="REPEATABLE READ") as connection:
        yield connection


def of_subject(connection: Connection, subject_id: str) -> tuple[Position | None, list[Difference]]:
    """Look at one subject: its ledger row by row, then every row of the folds, made anew.

    Returns where the case stands by its ledger, and what is wrong; None where nothing is kept of
    it. Ask as of one moment: a case goes on.
    """
    wrong = broken(connection, subject_id)
    stands = Position(head(connection, subject_id).seq, UNKNOWN)
    if wrong:
        return stands, wrong
    if not stands.version:
        return None, []
    kind = kind_of(connection, subject_id)
    try:
        anew = fold_on(connection, kind, subject_id, None, events_of(connection, subject_id))
    except UnknownProcedure:
        return stands, [Difference(subject_id, _NO_PROCEDURE)]
    stands = replace(stands, status=kind.status(anew.state), ended=anew.state.ended)
    if _row_at(connection, kind, subject_id) != stands.version:
        return stands, [Difference(subject_id, _UNFOLDED.format(stands.version))]
    differing = _differing(connection, kind, anew)
    said = _ROWS.format(", ".join(differing))
    return stands, [Difference(subject_id, said)] if differing else []


def broken(connection: Connection, subject_id: str) -> list[Difference]:
    """Name every row of a ledger that was changed, removed or moved by hand."""
    return [Difference(subject_id, one.in_words()) for one in verify(connection, subject_id)]


def behind(connection: Connection, most: int) -> list[Difference]:
    """Name subjects that are open, or have no row, and whose rows do not stand where their ledger
    does: at most so many. Of a ledger changed by hand its own findings are named instead.
    """
    found = sorted(one for kind in KINDS.values() for one in _behind(connection, kind, most))
    return [
        difference
        for subject_id, seq in found[:most]
        for difference in (
            broken(connection, subject_id) or [Difference(subject_id, _UNFOLDED.format(seq))]
        )
    ]


def _behind(connection: Connection, kind: AnyKind, most: int) -> list[tuple[str, int]]:
    newest = (
        select(func.max(events.c.seq)).where(events.c.subject_id == subjects.c.id)
    ).scalar_subquery()
    query = select(subjects.c.id, newest.label("seq"))
    for fold in _heads(kind):
        query = query.outerjoin(fold, subject_column(fold) == subjects.c.id)
    behind = or_(*(fold.c.version.is_distinct_from(newest) for fold in _heads(kind)))
    query = query.where(subjects.c.kind == kind.name, states.c.ended_at.is_(None), behind)
    rows = connection.execute(query.order_by(subjects.c.id).limit(most))
    return [(row.id, row.seq) for row in rows]


def _heads(kind: AnyKind) -> tuple[Table, ...]:
    """The folds with one row for each subject: its state, and the first of its kind's own."""
    return folds_of(kind)[:2]


def compare(ledger: Mapping[str, Position], engine: Mapping[str, Position]) -> list[Difference]:
    """Name each difference between the ledger and the open workflows, by case id."""
    found = [
        _difference(subject_id, ledger.get(subject_id), engine.get(subject_id))
        for subject_id in sorted({*ledger, *engine})
    ]
    return [difference for difference in found if difference is not None]


def alarmed(connection: Connection) -> list[Difference]:
    """Name each disagreement that was seen and that nobody has settled, by case id."""
    return [
        Difference(one.subject_id, _WHAT[one.kind].format(one.seq)) for one in list_open(connection)
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


def _difference(subject_id: str, kept: Position | None, runs: Position | None) -> Difference | None:
    what = _what_differs(kept, runs)
    return Difference(subject_id, what) if what else None


def _what_differs(kept: Position | None, runs: Position | None) -> str:
    if kept is None:
        return "runs in the engine, but the ledger does not know it"
    if kept.status == UNFOLDED:
        return _UNFOLDED.format(kept.version)
    if runs is None:
        done = kept.ended or kept.status == UNKNOWN
        return "" if done else f"is {kept.status} in the ledger, but does not run in the engine"
    if runs.version != kept.version:
        where = "behind" if runs.version < kept.version else "ahead of"
        return f"the engine is {where} the ledger: event {runs.version} instead of {kept.version}"
    if runs.status != kept.status != UNKNOWN:
        return f"is {kept.status} in the ledger, but {runs.status} in the engine"
    return ""


# -- the rows, made anew


def _row_at(connection: Connection, kind: AnyKind, subject_id: str) -> int:
    """The version up to which every row that counts events stands."""
    asked = (
        select(fold.c.version).where(subject_column(fold) == subject_id) for fold in _heads(kind)
    )
    return min(connection.scalar(one) or 0 for one in asked)


def _differing(connection: Connection, kind: AnyKind, anew: Folded) -> list[str]:
    """The tables that do not hold what would be written now."""
    entry = entry_between(kind, None, anew, state_text(kind, anew.state))
    told = {
        fold.name: f"[{b','.join(entry.rows.get(fold.name, ())).decode()}]"
        for fold in folds_of(kind)
    }
    found = set(connection.scalars(_comparison(kind), {"subject": anew.state.id, **told}))
    if _state(connection, anew.state.id) != anew.state:
        found.add(states.name)
    return [fold.name for fold in folds_of(kind) if fold.name in found]


def _state(connection: Connection, subject_id: str) -> State | None:
    """The state within its row: what it means counts, not in which words an older program put it."""
    try:
        known: State | None = folded(connection, subject_id)
    except (LookupError, TypeError, ValueError, UnknownProcedure):  # no state at all
        return None
    return known


@cache
def _comparison(kind: AnyKind) -> TextClause:
    return text(" UNION ALL ".join(_differs(fold) for fold in folds_of(kind)))


def _differs(fold: Table) -> str:
    """Ask whether a fold holds other rows of a subject than those told; as `rows.py` writes them."""
    names = ", ".join(column.name for column in fold.columns if not isinstance(column.type, JSON))
    mine = subject_column(fold).name
    kept = f"SELECT {names} FROM {fold.name} WHERE {mine} = CAST(:subject AS uuid)"  # noqa: S608 - names of our own tables
    told = (
        f"SELECT {names} FROM "  # noqa: S608 - names of our own tables
        f"json_populate_recordset(CAST(NULL AS {fold.name}), CAST(:{fold.name} AS json))"
    )
    return (
        f"SELECT '{fold.name}' WHERE EXISTS ({kept} EXCEPT {told}) OR EXISTS ({told} EXCEPT {kept})"
    )
