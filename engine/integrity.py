"""Looks whether ledger, rows and engine agree: over an installation, or into one case.

It changes nothing, names no person, and is quick enough for a page: `upkeep.py` asks every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection
from temporalio.service import RPCError

from engine.cases import CaseEngine
from engine.errors import EngineError, NoSuchCase
from engine.upkeep import running_cases
from records import cases, reconcile
from records.reconcile import Difference, LedgerPosition

MOST = 100  # differences told; more of them are one thing, and a person needs no more to begin
ENGINE_SECONDS = 8.0
NO_RUN = "is open in the ledger, but does not run in the engine; recover starts it"
NO_ANSWER = "the engine gives no answer; is a worker running?"


@dataclass(frozen=True, slots=True)
class SeenCase:
    """What was found. `engine`: whether it answered; else nothing is known of runs."""

    cases: int
    engine: bool
    differences: tuple[Difference, ...]


async def look_over(engine: CaseEngine) -> SeenCase:
    """Look at all open cases: alarms, rows behind their ledger, cases that nothing runs.

    Ledgers are not verified row by row, but for those of the cases named. Raises
    sqlalchemy.exc.SQLAlchemyError.
    """
    open_here, found = await engine.in_database(_in_records)
    try:
        async with asyncio.timeout(ENGINE_SECONDS):
            unlisted = sorted(open_here - await running_cases(engine))[:MOST]
            # The engine lists a moment late: each is asked for by name.
            lost = [case_id for case_id in unlisted if not await engine.lives(case_id)]
    except (EngineError, RPCError, RuntimeError, TimeoutError):
        return SeenCase(len(open_here), False, tuple(found[:MOST]))
    found += [one for one in await engine.in_database(lambda c: _lost(c, lost)) if one not in found]
    return SeenCase(len(open_here), True, tuple(found[:MOST]))


def _in_records(connection: Connection) -> tuple[set[str], list[Difference]]:
    found = [*reconcile.alarmed(connection), *reconcile.behind(connection, MOST)]
    return cases.open_ids(connection), found


def _lost(connection: Connection, case_ids: Iterable[str]) -> list[Difference]:
    return [
        difference
        for case_id in case_ids
        for difference in reconcile.broken(connection, case_id) or [Difference(case_id, NO_RUN)]
    ]


async def look_into(engine: CaseEngine, case_id: str) -> SeenCase:
    """Look at one case: every row of its ledger, its rows made anew, its run.

    Raises sqlalchemy.exc.SQLAlchemyError; NoSuchCase where nothing is kept of it.
    """
    stands, found = await asyncio.to_thread(_in_records_of, engine, case_id)
    runs: dict[str, LedgerPosition] = {}
    answered = True
    try:
        progress = await engine.progress(case_id)
        runs[case_id] = LedgerPosition(progress.version, progress.state)
    except NoSuchCase:
        pass
    except EngineError:
        answered = False
        found.append(Difference(case_id, NO_ANSWER))
    if answered:
        found += reconcile.compare({case_id: stands}, runs)
    return SeenCase(1, answered, tuple(found))


def _in_records_of(engine: CaseEngine, case_id: str) -> tuple[LedgerPosition, list[Difference]]:
    with reconcile.as_of_one_moment(engine.database) as connection:
        stands, found = reconcile.of_case(connection, case_id)
        if stands is None:
            raise NoSuchCase(case_id)
        found += [one for one in reconcile.alarmed(connection) if one.case_id == case_id]
        return stands, found
