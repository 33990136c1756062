"""Looks whether ledger, rows and engine agree: over an installation, or into one subject.

It changes nothing, names no person, and is quick enough for a page: `upkeep.py` asks every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection
from temporalio.service import RPCError

from engine.errors import EngineError, NoSuchSubject
from engine.subjects import SubjectEngine
from engine.upkeep import running_subjects
from records import reconcile, subjects
from records.reconcile import Difference, Position

MOST = 100  # differences told; more of them are one thing, and a person needs no more to begin
ENGINE_SECONDS = 8.0
NO_RUN = "is open in the ledger, but does not run in the engine; recover starts it"
NO_ANSWER = "the engine gives no answer; is a worker running?"


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What was found. `engine`: whether it answered; else nothing is known of runs."""

    subjects: int
    engine: bool
    differences: tuple[Difference, ...]


async def look_over(engine: SubjectEngine) -> IntegrityReport:
    """Look at all open subjects: alarms, rows behind their ledger, subjects that nothing runs.

    Ledgers are not verified row by row, but for those of the subjects named. Raises
    sqlalchemy.exc.SQLAlchemyError.
    """
    open_here, found = await engine.in_database(_in_records)
    try:
        async with asyncio.timeout(ENGINE_SECONDS):
            unlisted = sorted(open_here.keys() - (await running_subjects(engine)).keys())[:MOST]
            # The engine lists a moment late: each is asked for by name.
            lost = [one for one in unlisted if not await engine.of(open_here[one]).lives(one)]
    except (EngineError, RPCError, RuntimeError, TimeoutError):
        return IntegrityReport(len(open_here), False, tuple(found[:MOST]))
    found += [one for one in await engine.in_database(lambda c: _lost(c, lost)) if one not in found]
    return IntegrityReport(len(open_here), True, tuple(found[:MOST]))


def _in_records(connection: Connection) -> tuple[dict[str, str], list[Difference]]:
    found = [*reconcile.alarmed(connection), *reconcile.behind(connection, MOST)]
    return subjects.open_ids(connection), found


def _lost(connection: Connection, subject_ids: Iterable[str]) -> list[Difference]:
    return [
        difference
        for subject_id in subject_ids
        for difference in reconcile.broken(connection, subject_id)
        or [Difference(subject_id, NO_RUN)]
    ]


async def look_into(engine: SubjectEngine, subject_id: str) -> IntegrityReport:
    """Look at one subject: every row of its ledger, its rows made anew, its run.

    Raises sqlalchemy.exc.SQLAlchemyError; NoSuchSubject where nothing is kept of it.
    """
    kind, stands, found = await asyncio.to_thread(_in_records_of, engine, subject_id)
    runs: dict[str, Position] = {}
    answered = True
    try:
        progress = await engine.of(kind).progress(subject_id)
        runs[subject_id] = Position(progress.version, progress.state)
    except NoSuchSubject:
        pass
    except EngineError:
        answered = False
        found.append(Difference(subject_id, NO_ANSWER))
    if answered:
        found += reconcile.compare({subject_id: stands}, runs)
    return IntegrityReport(1, answered, tuple(found))


def _in_records_of(
    engine: SubjectEngine, subject_id: str
) -> tuple[str, Position, list[Difference]]:
    with reconcile.as_of_one_moment(engine.database) as connection:
        known = subjects.find(connection, subject_id)
        stands, found = reconcile.of_subject(connection, subject_id)
        if known is None or stands is None:
            raise NoSuchSubject(subject_id)
        found += [one for one in reconcile.alarmed(connection) if one.subject_id == subject_id]
        return known.kind, stands, found
