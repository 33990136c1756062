"""Removes the words of acts that never happened, and who first reports were about that became no case.

Never a text that an act may still come to name.

A text is written before its act is sent. The act may be on its way, or have happened in the engine
while the ledger was away: so a case is asked first, and where anything is unclear its texts stay.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from domain.kinds import CASE
from engine.connection import connect
from engine.errors import EngineError, NoSuchSubject
from engine.subjects import SubjectEngine
from records import people, private_texts, reconcile, subjects
from records.private_texts import Nameless, Place
from records.reconcile import Position, compare
from records.session import system, transaction
from settings import Settings

REPORTS_AT_A_TIME = 200  # the rest waits for the next sweep


@dataclass(frozen=True, slots=True)
class Swept:
    """How many texts were removed, and how many stay because their case is not level.

    `reports`: how many first reports that never became a case are forgotten.
    """

    gone: int
    left: int
    reports: int = 0


async def sweep_texts_of(database: Engine, settings: Settings, before: datetime) -> Swept:
    """Sweep every text written before that moment, as the command does.

    Raises RuntimeError when the engine cannot be reached.
    """
    engine = SubjectEngine(await connect(settings), database, CASE, task_queue=settings.task_queue)
    return await sweep_texts(database, engine, before)


async def sweep_texts(
    database: Engine, engine: SubjectEngine, before: datetime, since: datetime | None = None
) -> Swept:
    """Remove what nothing names of the texts written before that moment (and from `since` on).

    `before` lies hours back: what is younger may be asked for again, or be on its way. Safe at any
    time, in several processes at once. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    place: Place | None = None if since is None else (since, "")
    gone = left = 0
    while True:
        page = await asyncio.to_thread(_look, database, before, place)
        for subject_id, names in page.of_subject.items():
            if await _is_level(database, engine, subject_id):
                gone += await asyncio.to_thread(_remove, database, before, names)
            else:
                left += len(names)
        if page.next is None:
            return Swept(gone, left, await _forget_unopened(database, engine, before))
        place = page.next


async def _forget_unopened(database: Engine, engine: SubjectEngine, before: datetime) -> int:
    """Forget who first reports were about that reached neither the engine nor the ledger."""
    forgotten = 0
    for subject_id in await asyncio.to_thread(_unopened, database, before):
        try:
            lives = await engine.lives(subject_id)
        except EngineError:
            continue  # it may live: next time
        if not lives:
            forgotten += await asyncio.to_thread(_forget, database, before, subject_id)
    return forgotten


def _unopened(database: Engine, before: datetime) -> list[str]:
    with transaction(database, system("sweeping")) as connection:
        return people.unopened(connection, before, REPORTS_AT_A_TIME)


def _forget(database: Engine, before: datetime, subject_id: str) -> bool:
    with transaction(database, system("sweeping")) as connection:
        return people.forget(connection, subject_id, before)


async def _is_level(database: Engine, engine: SubjectEngine, subject_id: str) -> bool:
    """True when the ledger holds all that the subject's run knows, so that no event is on its way."""
    kind = await asyncio.to_thread(_kind, database, subject_id)
    try:
        run = await engine.of(kind).progress(subject_id)
        runs = {subject_id: Position(run.version, run.state)}
    except NoSuchSubject:
        runs = {}  # level only when it has ended
    except EngineError:
        return False
    kept = await asyncio.to_thread(_kept, database, subject_id)
    return kept is not None and not compare({subject_id: kept}, runs)


def _kind(database: Engine, subject_id: str) -> str:
    with transaction(database, system("sweeping")) as connection:
        return subjects.kind_of(connection, subject_id).name


def _kept(database: Engine, subject_id: str) -> Position | None:
    with transaction(database, system("sweeping")) as connection:
        known = reconcile.kept(connection, subject_id).get(subject_id)
    return None if known is None or known.status == reconcile.UNFOLDED else known


def _look(database: Engine, before: datetime, place: Place | None) -> Nameless:
    with transaction(database, system("sweeping")) as connection:
        return private_texts.nameless(connection, before, place)


def _remove(database: Engine, before: datetime, names: tuple[str, ...]) -> int:
    with transaction(database, system("sweeping")) as connection:
        return private_texts.sweep(connection, before, names)
