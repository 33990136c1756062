"""Looks after an installation: compares ledger, rows and engine, starts again what the engine lost.

It repairs nothing by itself but the one thing that is safe: a run from the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from temporalio.client import Client

from engine.cases import CaseEngine
from engine.connection import connect
from engine.errors import EngineError, NoSuchCase
from engine.runs import LEFT_ALONE, Recovery
from records import alarms, cases, ledger
from records.reconcile import (
    Difference,
    LedgerPosition,
    alarmed,
    as_of_one_moment,
    compare,
    kept,
    of_case,
)
from records.session import system, transaction
from settings import Settings
from workflows.messages import CASE_WORKFLOW, workflow_id

AT_ONCE = 16  # questions to the engine at the same time
LOOK_AGAIN_SECONDS = 1.0  # an act on its way to the ledger is no difference
ENDED = frozenset({"closed", "cancelled"})
_PREFIX = workflow_id("")

log = logging.getLogger(__name__)


async def compare_with_engine(database: Engine, settings: Settings) -> list[Difference]:
    """Name every case whose ledger was changed by hand, or whose rows are not those it makes.

    And those on which ledger and engine disagree, twice in a row. Case by case: it takes its time,
    and holds nothing up. Raises RuntimeError when the engine cannot be reached; a case that gives
    no answer is a difference.
    """
    engine = await _engine(database, settings)
    stands, wrong = await asyncio.to_thread(_look_at_all, database)
    open_here = {case_id for case_id, at in stands.items() if at.status not in ENDED}
    found = await _differences(engine, stands, open_here | await running_cases(engine))
    if found:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        again = {one.case_id for one in found}
        stands, _ = await asyncio.to_thread(_look_at, database, sorted(again))
        found = await _differences(engine, stands, again)
    with transaction(database, system("upkeep")) as connection:
        return sorted([*wrong, *found, *alarmed(connection)], key=lambda one: one.case_id)


def _look_at_all(database: Engine) -> tuple[dict[str, LedgerPosition], list[Difference]]:
    with transaction(database, system("upkeep")) as connection:
        case_ids = ledger.verified_ids(connection)
    return _look_at(database, case_ids)


def _look_at(
    database: Engine, case_ids: Iterable[str]
) -> tuple[dict[str, LedgerPosition], list[Difference]]:
    stands: dict[str, LedgerPosition] = {}
    wrong: list[Difference] = []
    for case_id in case_ids:
        with as_of_one_moment(database) as connection:
            at, found = of_case(connection, case_id)
        if at is not None:
            stands[case_id] = at
        wrong += found
    return stands, wrong


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done, case by case; cases that were well are not named."""

    done: Mapping[str, Recovery]
    silent: tuple[str, ...]  # these gave no answer: no worker, or no engine

    def count(self, *kinds: Recovery) -> int:
        """How many cases became one of these."""
        return sum(became in kinds for became in self.done.values())


async def recover_cases(
    database: Engine, settings: Settings, *, discard: bool = False
) -> Recovered:
    """Let every open case go on as its ledger says, and settle the alarms of those that do.

    `discard` also gives up what a run knows and the ledger does not. Raises RuntimeError when the
    engine cannot be reached. Safe to repeat.
    """
    engine = await _engine(database, settings)
    open_here = _open_or_without_ledger(database)
    done: dict[str, Recovery] = {}
    silent: list[str] = []
    # One after the other: a herd of starts would keep living cases waiting.
    for case_id in sorted(open_here | await running_cases(engine) | _alarmed(database)):
        try:
            became = await engine.go_on_from_ledger(case_id, discard=discard)
        except NoSuchCase:  # runs, and is not in this ledger: nothing to go on from
            continue
        except EngineError:
            silent.append(case_id)
            continue
        if became is not Recovery.NOTHING:
            done[case_id] = became
        if became not in LEFT_ALONE:
            with transaction(database, system("upkeep")) as connection:
                alarms.settle(connection, case_id, datetime.now(UTC))
    return Recovered(done, tuple(silent))


async def start_lost_cases(engine: CaseEngine, most: int) -> tuple[set[str], int]:
    """Start open cases that have no run, at most so many; return those, and how many had none.

    A case without a run waits for nothing and reminds nobody, and no page can tell. One whose
    ledger was changed by hand is left alone, and is not among them. Raises EngineError, RPCError,
    RuntimeError or sqlalchemy.exc.SQLAlchemyError.
    """
    open_here = await asyncio.to_thread(_open_ids, engine.database)
    lost = sorted(open_here - await running_cases(engine))
    became: dict[str, Recovery] = {}
    broken: list[str] = []
    for case_id in lost:
        if len(became) == most:
            break
        found = await engine.start_if_lost(case_id)
        if found is Recovery.BROKEN:  # it takes nobody's place
            broken.append(case_id)
        else:
            became[case_id] = found
    if broken:
        log.error("left alone, for their ledgers were changed by hand: %s", ", ".join(broken))
    started = {case_id for case_id, found in became.items() if found is Recovery.STARTED}
    return started, len(lost) - len(broken)


def _open_ids(database: Engine) -> set[str]:
    with transaction(database, system("upkeep")) as connection:
        return cases.open_ids(connection)


def _alarmed(database: Engine) -> set[str]:
    with transaction(database, system("upkeep")) as connection:
        return set(alarms.cases_open(connection))


async def _engine(database: Engine, settings: Settings) -> CaseEngine:
    return CaseEngine(await connect(settings), database, task_queue=settings.task_queue)


def _open_or_without_ledger(database: Engine) -> set[str]:
    with transaction(database, system("upkeep")) as connection:
        stands = kept(connection)
        open_here = {case_id for case_id, at in stands.items() if at.status not in ENDED}
        return open_here | (set(ledger.verified_ids(connection)) - stands.keys())


async def failing_cases(client: Client, task_queue: str) -> set[str]:
    """Every case whose newest tasks all failed, five or more, as the engine lists them.

    Raises RPCError; RuntimeError while the engine cannot be reached.
    """
    wanted = (
        f"WorkflowType = '{CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"
        f" AND TaskQueue = '{task_queue}' AND TemporalReportedProblems IS NOT NULL"
    )
    return {run.id.removeprefix(_PREFIX) async for run in client.list_workflows(wanted)}


async def running_cases(engine: CaseEngine) -> set[str]:
    """Every case with a run, as the engine lists them (a moment late). Raises RPCError."""
    wanted = (
        f"WorkflowType = '{CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"
        f" AND TaskQueue = '{engine.task_queue}'"
    )
    return {
        run.id.removeprefix(_PREFIX)
        async for run in engine.client.list_workflows(wanted)
        if run.id.startswith(_PREFIX)
    }


async def _differences(
    engine: CaseEngine, stands: dict[str, LedgerPosition], case_ids: Iterable[str]
) -> list[Difference]:
    asked = sorted(case_ids)
    gate = asyncio.Semaphore(AT_ONCE)
    told = await asyncio.gather(*(_standing(engine, case_id, gate) for case_id in asked))
    silent = [case_id for case_id, at in zip(asked, told, strict=True) if at == "silent"]
    runs = {
        case_id: at
        for case_id, at in zip(asked, told, strict=True)
        if isinstance(at, LedgerPosition)
    }
    known = {case_id: stands[case_id] for case_id in asked if case_id in stands}
    return [
        *(
            Difference(case_id, "the engine gives no answer; is a worker running?")
            for case_id in silent
        ),
        *(one for one in compare(known, runs) if one.case_id not in silent),
    ]


async def _standing(
    engine: CaseEngine, case_id: str, gate: asyncio.Semaphore
) -> LedgerPosition | str | None:
    async with gate:
        try:
            progress = await engine.progress(case_id)
        except NoSuchCase:
            return None
        except EngineError:
            return "silent"
    return LedgerPosition(progress.version, progress.state)
