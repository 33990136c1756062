"""Looks whether ledger, rows and engine agree: over an installation, or into one case.

It changes nothing, names no person, and is quick enough for a page: `upkeep.py` asks every run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields

from sqlalchemy import Connection
from temporalio.service import RPCError

from activities.cases import CaseEngine
from activities.errors import EngineError, NoSuchCase
from activities.upkeep import running_cases
from domain.rows import rows_of
from records import cases, kept, ledger, reconcile
from records.reconcile import Difference, Standing

MOST = 100  # differences told; more of them are one thing, and a person needs no more to begin
ENGINE_SECONDS = 8.0
NO_RUN = "is open in the ledger, but does not run in the engine; recover starts it"
NO_ANSWER = "the engine gives no answer; is a worker running?"
ROWS_DIFFER = "the rows do not say what the ledger says; reproject makes them anew"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found. `engine`: whether it answered; else nothing is known of runs."""

    cases: int
    engine: bool
    differences: tuple[Difference, ...]


async def look_over(engine: CaseEngine) -> Looked:
    """Look at all open cases: alarms, rows behind their ledger, cases that nothing runs.

    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    open_here, found = await asyncio.to_thread(_in_records, engine)
    try:
        async with asyncio.timeout(ENGINE_SECONDS):
            unlisted = sorted(open_here - await running_cases(engine))[:MOST]
            # The engine lists a moment late: each is asked for by name.
            lost = [case_id for case_id in unlisted if not await engine.lives(case_id)]
    except (EngineError, RPCError, RuntimeError, TimeoutError):
        return Looked(len(open_here), False, tuple(found[:MOST]))
    found += [Difference(case_id, NO_RUN) for case_id in lost]
    return Looked(len(open_here), True, tuple(found[:MOST]))


def _in_records(engine: CaseEngine) -> tuple[set[str], list[Difference]]:
    with engine.database.begin() as connection:
        found = [*reconcile.alarmed(connection), *reconcile.behind(connection, MOST)]
        return cases.open_ids(connection), found


async def look_into(engine: CaseEngine, case_id: str) -> Looked:
    """Look at one case: every row of its ledger, its rows made anew, its run.

    Raises sqlalchemy.exc.SQLAlchemyError; NoSuchCase where there is no ledger.
    """
    standing, found = await asyncio.to_thread(_in_records_of, engine, case_id)
    runs: dict[str, Standing] = {}
    answered = True
    try:
        progress = await engine.progress(case_id)
        runs[case_id] = Standing(progress.version, progress.state)
    except NoSuchCase:
        pass
    except EngineError:
        answered = False
        found.append(Difference(case_id, NO_ANSWER))
    if answered:
        found += reconcile.compare({case_id: standing}, runs)
    return Looked(1, answered, tuple(found))


def _in_records_of(engine: CaseEngine, case_id: str) -> tuple[Standing, list[Difference]]:
    with engine.database.begin() as connection:
        standing = reconcile.kept(connection, case_id).get(case_id)
        if standing is None:
            raise NoSuchCase(case_id)
        found = [
            Difference(case_id, f"row {one.seq} of the ledger was {one.what}")
            for one in ledger.verify(connection, case_id)
        ]
        if not found and standing.status != "unfolded" and not _rows_agree(connection, case_id):
            found.append(Difference(case_id, ROWS_DIFFER))
        found += [one for one in reconcile.alarmed(connection) if one.case_id == case_id]
        return standing, found


def _rows_agree(connection: Connection, case_id: str) -> bool:
    """Whether the kept case is what its ledger folds to, and its own row what that tells."""
    there = kept.folded(connection, case_id)
    anew = kept.fold_on(connection, case_id, None, ledger.events_of(connection, case_id)).case
    row = cases.find(connection, case_id)
    if there != anew or row is None:
        return False
    told = rows_of(anew).case
    shown = {item.name for item in fields(row)} & {item.name for item in fields(told)}
    return all(getattr(row, name) == getattr(told, name) for name in shown)
