"""Facts of the world on their way to cases: who is next, the act itself, and what became of it.

A fact is written by somebody (`records/world.py`); here it is only carried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from temporalio import activity

from activities.bulk import Became, LaterError, send_page
from domain import errors as core
from domain.act import AnyCommand
from domain.case.core import command_of
from domain.work.state import Office
from engine.broadcasts import content_of, key_of
from engine.errors import ActRefused, NoSuchSubject, OutcomeUnknown
from engine.subjects import SubjectEngine
from records import broadcasts, cases, posts, procedures, world
from records.world import Fact
from workflows.bulk import (
    BEGIN,
    FINISH,
    TELL_PAGE,
    Page,
    PageTold,
    Readiness,
)
from workflows.messages import BEHIND, BUSY, INTERNAL
from workflows.ports import LEDGER_TROUBLE

BEHIND_ANOTHER_SECONDS = 1.0
BEAT_SECONDS = 2.0
# A case that answers so cannot be asked now; nothing is wrong with the fact.
NOT_NOW = frozenset({LEDGER_TROUBLE, BEHIND, BUSY, INTERNAL})


@dataclass(frozen=True)
class FactErrand:
    """One fact, carried to cases."""

    fact: Fact
    command: AnyCommand
    engine: SubjectEngine

    async def next(self, after: str, limit: int) -> Sequence[str]:
        """Open cases that the fact concerns and that have not been told."""
        found = await self.engine.in_database(
            lambda c: broadcasts.left(c, self.fact, after=after, limit=limit)
        )
        return [one.case_id for one in found]

    async def send(self, subject: str) -> Became:
        """Tell one case."""
        if await self.engine.in_database(lambda c: _has_ended(c, subject)):
            return Became(broadcasts.ENDED)
        try:
            await self.engine.act(
                subject,
                self.command,
                key=key_of(self.fact.id, subject),
                content=content_of(self.fact.id),
            )
        except ActRefused as refused:
            return _refused(refused)
        except (OutcomeUnknown, NoSuchSubject) as silent:
            raise LaterError("no-answer") from silent
        return Became(broadcasts.DONE)

    async def note(self, subject: str, became: Became) -> None:
        """Write down what became of it."""
        at = datetime.now(UTC)
        await self.engine.in_database(
            lambda c: broadcasts.note(c, self.fact.id, subject, became.outcome, at, became.why)
        )


def _refused(refused: ActRefused) -> Became:
    if refused.slug in NOT_NOW:
        raise LaterError(refused.slug)
    if refused.slug == core.WrongState.slug:  # it has ended since we looked
        return Became(broadcasts.ENDED)
    return Became(broadcasts.REFUSED, refused.slug)


def _has_ended(connection: Connection, case_id: str) -> bool:
    row = cases.find(connection, case_id)
    return row is not None and row.ended_at is not None


def command_for(connection: Connection, fact: Fact, at: datetime) -> AnyCommand:
    """What a fact asks of each case. Of a post it says who holds it at that moment."""
    body = _body(connection, fact, at)
    return command_of(f"world_{fact.kind}", by=fact.by, user=fact.user, **body)


def _body(connection: Connection, fact: Fact, at: datetime) -> dict[str, Any]:
    if fact.kind == world.CROSSING:
        return {"crossing": fact.subject, "status": str(fact.body["status"])}
    if fact.kind == world.CALENDAR:
        return {"calendar": world.calendar_of(fact)}
    if fact.kind == world.POST:
        return {"office": people_of(connection, fact.subject, at)}
    if fact.kind == world.RULES:
        known = str(fact.body["digest"])
        return {
            "procedure": procedures.of(connection, [known])[known],
            "procedure_digest": known,
        }
    return {"number": int(fact.subject)}


def people_of(connection: Connection, office_id: str, at: datetime) -> Office:
    """An office as an act names it that speaks of its people only: it has no role."""
    known = posts.holders(connection, at, [office_id]).get(office_id, posts.Holders())
    return Office(
        id=office_id,
        role="",
        country="",
        head=known.head or f"head.{office_id}",
        deputy=known.deputy,
        vacant=known.vacant,
    )


@dataclass(frozen=True)
class Broadcaster:
    """The activities of a broadcast."""

    engine: SubjectEngine

    @activity.defn(name=BEGIN)
    async def begin_broadcast(self, fact_id: str) -> Readiness:
        """Let a fact take effect when its moment has come, after those before it."""
        return await self.engine.in_database(lambda c: _begin(c, fact_id, datetime.now(UTC)))

    @activity.defn(name=TELL_PAGE)
    async def tell_page(self, page: Page) -> PageTold:
        """Tell the next cases, a few a second."""
        errand = await self.engine.in_database(lambda c: self._errand(c, page.fact_id))
        async with _beating():
            return await send_page(errand, page.after, beat=_still_at_work)

    @activity.defn(name=FINISH)
    async def finish_broadcast(self, fact_id: str) -> None:
        """Note that every case was asked."""
        await self.engine.in_database(lambda c: world.finish(c, fact_id, datetime.now(UTC)))

    def _errand(self, connection: Connection, fact_id: str) -> FactErrand:
        fact = world.find(connection, fact_id)
        if fact is None:  # pragma: no cover - `begin_broadcast` found it, and facts never go
            raise LookupError(fact_id)
        return FactErrand(fact, command_for(connection, fact, datetime.now(UTC)), self.engine)


def _begin(connection: Connection, fact_id: str, at: datetime) -> Readiness:
    fact = world.take_effect(connection, fact_id, at)
    if fact is None:
        raise LookupError(fact_id)
    if fact.number is None:
        return Readiness(max((fact.effective_at - at).total_seconds(), 0.05))
    if world.must_wait(connection, fact):
        return Readiness(BEHIND_ANOTHER_SECONDS)
    return Readiness()


def _still_at_work() -> None:
    """Leave the rest to another worker when this one stops: its cases answer nobody any more."""
    if activity.is_worker_shutdown():
        raise RuntimeError("this worker stops; another one goes on")


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Tell the engine every other second that this worker lives, however long one case takes."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
