"""Looks for cases that the engine tries to run and cannot, and for open cases that it does not run.

A task of the first fails over and over, by a fault in our code or a history that no longer fits
it: people see it. The others are started again from their ledger, a few at a time: many at once
mean that the engine lost its store, and that is for a person. Changes no case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError

from api.deps import Services
from engine.errors import EngineError
from engine.upkeep import failing_subjects, start_lost_subjects
from records import alarms
from records.session import system, transaction

EVERY_SECONDS = 20.0
LOST_EVERY_SECONDS = 600.0
LOST_AT_ONCE = 20  # a proposal

log = structlog.get_logger("watchdog")


async def watch(services: Services) -> None:
    """Look every twenty seconds, every ten minutes for lost cases; what is away is looked at later."""
    await asyncio.gather(
        _again_and_again(services, look, EVERY_SECONDS),
        _again_and_again(services, look_for_lost, LOST_EVERY_SECONDS, LOST_EVERY_SECONDS),
    )


async def _again_and_again(
    services: Services,
    looking: Callable[[Services], Awaitable[object]],
    seconds: float,
    first_after: float = 0.0,
) -> None:
    await asyncio.sleep(first_after)
    while True:
        try:
            await looking(services)
        except (EngineError, RPCError, RuntimeError, SQLAlchemyError) as away:
            log.warning("not-looked", error=type(away).__name__)
        await asyncio.sleep(seconds)


async def look(services: Services) -> set[str]:
    """Write down which cases fail now, and that the others do so no more; return those."""
    failing = await failing_subjects(services.temporal, services.settings.task_queue)

    def keep() -> None:
        with transaction(services.database, system("watchdog")) as connection:
            alarms.stuck(connection, failing, datetime.now(UTC).replace(microsecond=0))

    await run_in_threadpool(keep)
    if failing:
        log.error("stuck", cases=sorted(failing))
    return failing


async def look_for_lost(services: Services) -> set[str]:
    """Start open cases that have no run again; return those."""
    started, lost = await start_lost_subjects(services.engine, LOST_AT_ONCE)
    if started:
        log.error("started-again", cases=sorted(started))
    if lost > LOST_AT_ONCE:
        log.error("many-cases-without-a-run", count=lost, do="homeward recover")
    return started
