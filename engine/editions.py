"""Moves open cases to a newer edition of the core: one act for each, in its ledger like any other.

It decides nothing about a case: the core says whether it may move, and what it does from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from sqlalchemy import Engine

from domain.behaviour import behaviour_of
from domain.kinds import CASE
from engine.connection import connect
from engine.errors import ActRefused, EngineAway, EngineError
from engine.subjects import SubjectEngine
from records import editions, loading
from records.editions import OfEdition
from records.session import system, transaction
from settings import Settings
from workflows.encoding import digest


class Became(Enum):
    """What became of a case that was to move."""

    MOVED = "moved"
    WOULD_MOVE = "would move"  # a dry run
    THERE = "is there already"
    NEWER = "is of a newer edition, and never goes back"
    ENDED = "is ended, and was left"
    FAILED = "was not moved"


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

    One after the other, so that people who act meanwhile do not wait. Safe to repeat and to stop:
    each case has one key for each edition. Raises ValueError for an edition that this program does
    not know, EngineAway while the engine cannot be reached. A dry run changes nothing.
    """
    behaviour_of(edition)
    asked = await asyncio.to_thread(_asked, database, edition, references)
    engine: SubjectEngine | None = None
    for one in asked:
        if isinstance(one, Move):
            yield one
        elif dry_run:
            yield await asyncio.to_thread(_would_move, database, one, edition)
        else:
            engine = engine or await _engine(database, settings)
            yield await _moved(engine, one, edition)


async def _engine(database: Engine, settings: Settings) -> SubjectEngine:
    try:
        client = await connect(settings)
    except RuntimeError:
        raise EngineAway from None
    return SubjectEngine(client, database, CASE, task_queue=settings.task_queue)


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


async def _moved(engine: SubjectEngine, one: OfEdition, edition: int) -> Move:
    command = engine.kind.to_edition(edition)
    try:
        await engine.act(one.subject_id, command, key=key_of(one.subject_id, edition))
    except ActRefused as refused:
        why = f"{refused.title}: {refused.detail}"
        return Move(one.reference, one.edition, Became.FAILED, why)
    except EngineError as wrong:
        return Move(one.reference, one.edition, Became.FAILED, str(wrong))
    return Move(one.reference, one.edition, Became.MOVED)


def key_of(subject_id: str, edition: int) -> str:
    """The one key of a case's move to an edition: asked again, it is answered as before."""
    return digest(["edition", subject_id, edition])
