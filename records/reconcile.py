"""Compares what the ledger says with what the engine runs. Changes nothing; names differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from records.alarms import BEHIND, CONFLICT, GAP, STUCK, list_open
from records.tables import cases, events


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands: events so far, and the state people see."""

    version: int
    status: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One case on which two memories disagree, in a sentence without names."""

    case_id: str
    what: str


def kept(connection: Connection, case_id: str | None = None) -> dict[str, Standing]:
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
        row.case_id: Standing(row.seq, row.status if row.version == row.seq else "unfolded")
        for row in found
    }


def behind(connection: Connection, most: int) -> list[Difference]:
    """Name open cases whose rows do not stand where their ledger does, at most so many."""
    head = (
        select(func.max(events.c.seq)).where(events.c.case_id == cases.c.case_id).scalar_subquery()
    )
    found = connection.execute(
        select(cases.c.case_id, head.label("seq"))
        .where(cases.c.ended_at.is_(None), cases.c.version != head)
        .order_by(cases.c.case_id)
        .limit(most)
    )
    return [Difference(str(row.case_id), _UNFOLDED.format(row.seq)) for row in found]


def compare(ledger: Mapping[str, Standing], engine: Mapping[str, Standing]) -> list[Difference]:
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
_WHAT = {
    CONFLICT: "the records disagree: the ledger refused another event {}; recover settles it",
    GAP: "the records disagree: the ledger refused event {}, which does not follow; look at both",
    STUCK: "the engine tries to run it and fails each time; the worker's log says why",
    BEHIND: "the records disagree: the engine came back without event {}; recover settles it",
}


def _difference(case_id: str, kept: Standing | None, runs: Standing | None) -> Difference | None:
    what = _what_differs(kept, runs)
    return Difference(case_id, what) if what else None


def _what_differs(kept: Standing | None, runs: Standing | None) -> str:
    if kept is None:
        return "runs in the engine, but the ledger does not know it"
    if kept.status == "unfolded":
        return _UNFOLDED.format(kept.version)
    if runs is None:
        ended = kept.status in {"closed", "cancelled"}
        return "" if ended else f"is {kept.status} in the ledger, but does not run in the engine"
    if runs.version != kept.version:
        where = "behind" if runs.version < kept.version else "ahead of"
        return f"the engine is {where} the ledger: event {runs.version} instead of {kept.version}"
    if runs.status != kept.status:
        return f"is {kept.status} in the ledger, but {runs.status} in the engine"
    return ""
