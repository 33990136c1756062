"""Sees to it that every fact that was written is told: while the engine was away nobody could.

It asks the database every few seconds; which case hears what is the broadcast's to say.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Services
from engine.broadcasts import start_missed, start_unfinished
from engine.errors import EngineAway

EVERY_SECONDS = 5.0
MISSED_EVERY = 3  # rounds: a case that was passed by hears of it within a quarter of a minute

log = structlog.get_logger("world")


async def tell_for_ever(services: Services) -> None:
    """Start what nobody tells, again and again; what is away is waited for."""
    rounds = 0
    while True:
        try:
            await tell(services, missed=rounds % MISSED_EVERY == 0)
        except (EngineAway, SQLAlchemyError) as away:
            log.warning("world-not-told", error=type(away).__name__)
        rounds += 1
        await asyncio.sleep(EVERY_SECONDS)


async def tell(services: Services, *, missed: bool) -> int:
    """Start telling what is not told yet; return how many facts that are."""
    queue = services.engine.task_queue
    found = await start_missed(services.temporal, queue, services.database) if missed else 0
    return found + await start_unfinished(services.temporal, queue, services.database)
