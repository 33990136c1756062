"""Moves open cases to a newer edition of the core, as a fact that is told to each of them.

It decides nothing about a case: the core says whether it may move, and what it does from then on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy import Engine

from domain.behaviour import behaviour_of
from domain.kinds import CASE
from engine.broadcasts import start_broadcast
from engine.connection import connect
from engine.errors import EngineAway
from records import broadcasts, editions, loading, world
from records.editions import OfEdition
from records.session import system, transaction
from records.world import NewFact
from settings import Settings


class Became(Enum):
    """What became of a case that was to move."""

    MOVED = "moved"
    WOULD_MOVE = "would move"  # a dry run
    THERE = "is there already"
    NEWER = "is of a newer edition, and never goes back"
    ENDED = "is ended, and was left"
    FAILED = "was not moved"


WHY = "An operator moves cases to a newer edition."
SILENT = "it was not asked yet; the broadcast goes on by itself once a worker runs"
SILENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
PASSED_OVER = frozenset({Became.THERE, Became.ENDED})
WRONG = frozenset({Became.NEWER, Became.FAILED})  # a person must look


@dataclass(frozen=True, slots=True)
class Move:
    """One case: its reference, the edition it was of, what became of it, and why if it failed.

    `next_before` and `next_after`: what it does next by itself, where a dry run looked at that.
    """

    reference: str
    was: int
    became: Became
    why: str = ""
    next_before: datetime | None = None
    next_after: datetime | None = None

    def in_words(self, edition: int) -> str:
        """One line for the operator who asked for this edition."""
        line = f"{self.reference} {self.became.value}"
        if self.became is Became.FAILED:
            return f"{line}: {self.why}"
        if self.became not in {Became.MOVED, Became.WOULD_MOVE}:
            return f"{line} (edition {self.was})"
        line = f"{line} from edition {self.was} to {edition}"
        if self.next_before == self.next_after:
            return line
        before, after = _in_words(self.next_before), _in_words(self.next_after)
        return f"{line}; what happens next by itself: {after} instead of {before}"


def _in_words(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "nothing"


async def moves(
    database: Engine,
    settings: Settings,
    edition: int,
    references: Sequence[str] = (),
    *,
    dry_run: bool = False,
) -> AsyncIterator[Move]:
    """Move every open case of an older edition, or only those named; tell of each as it is done.

    The broadcast of a fact does it, one after the other, so that people who act meanwhile do not
    wait: it goes on when whoever asked is gone. Safe to repeat and to stop. Raises ValueError for
    an edition that this program does not know, EngineAway while the engine cannot be reached. A dry
    run changes nothing.
    """
    behaviour_of(edition)
    asked = await asyncio.to_thread(_asked, database, edition, references)
    older = [one for one in asked if isinstance(one, OfEdition)]
    started = None
    if older and not dry_run:
        started = await _started(database, settings, edition, older)
    for one in asked:
        if isinstance(one, Move):
            yield one
        elif started is None:
            yield await asyncio.to_thread(_would_move, database, one, edition)
        else:
            yield await _moved(database, started, one)


async def _started(
    database: Engine, settings: Settings, edition: int, older: Sequence[OfEdition]
) -> str:
    """Write down which cases are to move, and start; return the fact's id."""
    try:
        client = await connect(settings)
    except RuntimeError:
        raise EngineAway from None
    named = [one.subject_id for one in older]
    new = NewFact(
        world.EDITION, str(edition), {"cases": named}, "admin", "", WHY, "homeward edition move"
    )

    def write() -> str:
        with transaction(database, system("editions")) as connection:
            return world.write(connection, new, datetime.now(UTC)).id

    fact_id = await asyncio.to_thread(write)
    await start_broadcast(client, settings.task_queue, fact_id)
    return fact_id


def _asked(database: Engine, edition: int, references: Sequence[str]) -> Sequence[OfEdition | Move]:
    with transaction(database, system("editions")) as connection:
        if not references:
            return editions.older_than(connection, CASE.name, edition)
        named = dict.fromkeys(references)
        return [_named(editions.find(connection, CASE.name, name), name, edition) for name in named]


def _named(found: OfEdition | None, name: str, edition: int) -> OfEdition | Move:
    if found is None:
        return Move(name, 0, Became.FAILED, "there is no such case")
    if found.edition > edition:
        return Move(found.reference, found.edition, Became.NEWER)
    if found.edition == edition:
        return Move(found.reference, found.edition, Became.THERE)
    if found.ended:
        return Move(found.reference, found.edition, Became.ENDED)
    return found


def _would_move(database: Engine, one: OfEdition, edition: int) -> Move:
    with transaction(database, system("editions")) as connection:
        case = loading.folded(connection, one.subject_id)
    if case is None:  # pragma: no cover - its row was read just before, and rows never go
        return Move(one.reference, one.edition, Became.FAILED, "there is no such case")
    try:
        before, after = CASE.next_wake(case), CASE.next_wake(replace(case, edition=edition))
    except ValueError as unknown:
        return Move(one.reference, one.edition, Became.FAILED, str(unknown))
    return Move(one.reference, one.edition, Became.WOULD_MOVE, "", before, after)


async def _moved(database: Engine, fact_id: str, one: OfEdition) -> Move:
    """Wait until the broadcast came by this case."""

    def look() -> tuple[str, str] | None:
        with transaction(database, system("editions")) as connection:
            return broadcasts.outcome_of(connection, fact_id, one.subject_id)

    until = time.monotonic() + SILENCE_SECONDS
    while time.monotonic() < until:
        became = await asyncio.to_thread(look)
        if became is not None:
            return _as_move(one, *became)
        await asyncio.sleep(LOOK_SECONDS)
    return Move(one.reference, one.edition, Became.FAILED, SILENT)


def _as_move(one: OfEdition, outcome: str, why: str) -> Move:
    if outcome == broadcasts.DONE:
        return Move(one.reference, one.edition, Became.MOVED)
    if outcome == broadcasts.ENDED:
        return Move(one.reference, one.edition, Became.ENDED)
    return Move(one.reference, one.edition, Became.FAILED, why)
