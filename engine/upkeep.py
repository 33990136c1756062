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

from domain.kinds import CASE, KINDS
from engine.connection import connect
from engine.errors import EngineError, NoSuchSubject
from engine.runs import LEFT_ALONE, Recovery
from engine.subjects import SubjectEngine
from records import alarms, ledger, subjects
from records.reconcile import (
    Difference,
    Position,
    alarmed,
    as_of_one_moment,
    compare,
    kept,
    of_subject,
)
from records.session import system, transaction
from settings import Settings
from workflows.messages import subject_of

AT_ONCE = 16  # questions to the engine at the same time
LOOK_AGAIN_SECONDS = 1.0  # an act on its way to the ledger is no difference

log = logging.getLogger(__name__)


async def compare_with_engine(database: Engine, settings: Settings) -> list[Difference]:
    """Name every subject whose ledger was changed by hand, or whose rows are not those it makes.

    And those on which ledger and engine disagree, twice in a row. One by one: it takes its time,
    and holds nothing up. Raises RuntimeError when the engine cannot be reached; a subject that gives
    no answer is a difference.
    """
    engine = await _engine(database, settings)
    stands, wrong = await asyncio.to_thread(_look_at_all, database)
    open_here = {subject_id for subject_id, at in stands.items() if not at.ended}
    running = await running_subjects(engine)
    kinds = running | await asyncio.to_thread(_kinds, database, open_here)
    found = await _differences(engine, stands, kinds)
    if found:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        again = {one.subject_id: kinds[one.subject_id] for one in found}
        stands, _ = await asyncio.to_thread(_look_at, database, sorted(again))
        found = await _differences(engine, stands, again)
    with transaction(database, system("upkeep")) as connection:
        return sorted([*wrong, *found, *alarmed(connection)], key=lambda one: one.subject_id)


def _look_at_all(database: Engine) -> tuple[dict[str, Position], list[Difference]]:
    with transaction(database, system("upkeep")) as connection:
        subject_ids = ledger.verified_ids(connection)
    return _look_at(database, subject_ids)


def _look_at(
    database: Engine, subject_ids: Iterable[str]
) -> tuple[dict[str, Position], list[Difference]]:
    stands: dict[str, Position] = {}
    wrong: list[Difference] = []
    for subject_id in subject_ids:
        with as_of_one_moment(database) as connection:
            at, found = of_subject(connection, subject_id)
        if at is not None:
            stands[subject_id] = at
        wrong += found
    return stands, wrong


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done, subject by subject; those that were well are not named."""

    done: Mapping[str, Recovery]
    silent: tuple[str, ...]  # these gave no answer: no worker, or no engine

    def count(self, *kinds: Recovery) -> int:
        """How many subjects became one of these."""
        return sum(became in kinds for became in self.done.values())


async def recover_subjects(
    database: Engine, settings: Settings, *, discard: bool = False
) -> Recovered:
    """Let every open subject go on as its ledger says, and settle the alarms of those that do.

    `discard` also gives up what a run knows and the ledger does not. Raises RuntimeError when the
    engine cannot be reached. Safe to repeat.
    """
    engine = await _engine(database, settings)
    kinds = await running_subjects(engine) | _to_recover(database)
    done: dict[str, Recovery] = {}
    silent: list[str] = []
    # One after the other: a herd of starts would keep living subjects waiting.
    for subject_id, kind in sorted(kinds.items()):
        try:
            became = await engine.of(kind).go_on_from_ledger(subject_id, discard=discard)
        except NoSuchSubject:  # runs, and is not in this ledger: nothing to go on from
            continue
        except EngineError:
            silent.append(subject_id)
            continue
        if became is not Recovery.NOTHING:
            done[subject_id] = became
        if became not in LEFT_ALONE:
            with transaction(database, system("upkeep")) as connection:
                alarms.settle(connection, subject_id, datetime.now(UTC))
    return Recovered(done, tuple(silent))


async def start_lost_subjects(engine: SubjectEngine, most: int) -> tuple[set[str], int]:
    """Start open subjects that have no run, at most so many; return those, and how many had none.

    A subject without a run waits for nothing and reminds nobody, and no page can tell. One whose
    ledger was changed by hand is left alone, and is not among them. Raises EngineError, RPCError,
    RuntimeError or sqlalchemy.exc.SQLAlchemyError.
    """
    open_here = await asyncio.to_thread(_open_ids, engine.database)
    lost = sorted(open_here.keys() - (await running_subjects(engine)).keys())
    became: dict[str, Recovery] = {}
    broken: list[str] = []
    for subject_id in lost:
        if len(became) == most:
            break
        found = await engine.of(open_here[subject_id]).start_if_lost(subject_id)
        if found is Recovery.BROKEN:  # it takes nobody's place
            broken.append(subject_id)
        else:
            became[subject_id] = found
    if broken:
        log.error("left alone, for their ledgers were changed by hand: %s", ", ".join(broken))
    started = {subject_id for subject_id, found in became.items() if found is Recovery.STARTED}
    return started, len(lost) - len(broken)


def _open_ids(database: Engine) -> dict[str, str]:
    with transaction(database, system("upkeep")) as connection:
        return subjects.open_ids(connection)


def _kinds(database: Engine, subject_ids: Iterable[str]) -> dict[str, str]:
    with transaction(database, system("upkeep")) as connection:
        return subjects.kinds_of(connection, subject_ids)


async def _engine(database: Engine, settings: Settings) -> SubjectEngine:
    return SubjectEngine(await connect(settings), database, CASE, task_queue=settings.task_queue)


def _to_recover(database: Engine) -> dict[str, str]:
    """What is open, has lost its ledger, or has an open alarm; with the names of their kinds."""
    with transaction(database, system("upkeep")) as connection:
        stands = kept(connection)
        wanted = {subject_id for subject_id, at in stands.items() if not at.ended}
        wanted |= set(ledger.verified_ids(connection)) - stands.keys()
        wanted |= set(alarms.subjects_open(connection))
        return subjects.kinds_of(connection, wanted)


async def failing_subjects(client: Client, task_queue: str) -> set[str]:
    """Every subject whose newest tasks all failed, five or more, as the engine lists them.

    Raises RPCError; RuntimeError while the engine cannot be reached.
    """
    wanted = f"{_running(task_queue)} AND TemporalReportedProblems IS NOT NULL"
    return set(await _listed(client, wanted))


async def running_subjects(engine: SubjectEngine) -> dict[str, str]:
    """Every subject with a run, and its kind, as the engine lists them (a moment late).

    Raises RPCError.
    """
    return await _listed(engine.client, _running(engine.task_queue))


def _running(task_queue: str) -> str:
    kinds = ", ".join(f"'{name}'" for name in KINDS)
    return (
        f"WorkflowType IN ({kinds}) AND ExecutionStatus = 'Running' AND TaskQueue = '{task_queue}'"
    )


async def _listed(client: Client, wanted: str) -> dict[str, str]:
    named = [subject_of(run.id) async for run in client.list_workflows(wanted)]
    return {subject_id: kind for kind, subject_id in named if kind in KINDS}


async def _differences(
    engine: SubjectEngine, stands: Mapping[str, Position], kinds: Mapping[str, str]
) -> list[Difference]:
    asked = sorted(kinds)
    gate = asyncio.Semaphore(AT_ONCE)
    told = await asyncio.gather(
        *(_position(engine.of(kinds[subject_id]), subject_id, gate) for subject_id in asked)
    )
    answers = dict(zip(asked, told, strict=True))
    silent = [subject_id for subject_id, at in answers.items() if at == "silent"]
    runs = {subject_id: at for subject_id, at in answers.items() if isinstance(at, Position)}
    known = {subject_id: stands[subject_id] for subject_id in asked if subject_id in stands}
    return [
        *(
            Difference(subject_id, "the engine gives no answer; is a worker running?")
            for subject_id in silent
        ),
        *(one for one in compare(known, runs) if one.subject_id not in silent),
    ]


async def _position(
    engine: SubjectEngine, subject_id: str, gate: asyncio.Semaphore
) -> Position | str | None:
    async with gate:
        try:
            progress = await engine.progress(subject_id)
        except NoSuchSubject:
            return None
        except EngineError:
            return "silent"
    return Position(progress.version, progress.state)
