"""Looks for cases that the engine tries to run and cannot, and lets people see them.

A task of such a case fails over and over, by a fault in our code or a history that no longer fits
it: nothing it waits for will happen. Changes no case.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError

from activities.upkeep import failing_cases
from api.deps import House
from records import alarms

EVERY_SECONDS = 20.0

log = structlog.get_logger("watchdog")


async def watch(house: House) -> None:
    """Look every twenty seconds, for ever; what is away is looked at later."""
    while True:
        try:
            await look(house)
        except (RPCError, RuntimeError, SQLAlchemyError) as away:
            log.warning("not-looked", error=type(away).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def look(house: House) -> set[str]:
    """Write down which cases fail now, and that the others do so no more; return those."""
    failing = await failing_cases(house.temporal, house.settings.task_queue)

    def keep() -> None:
        with house.database.begin() as connection:
            alarms.stuck(connection, failing, datetime.now(UTC).replace(microsecond=0))

    await run_in_threadpool(keep)
    if failing:
        log.error("stuck", cases=sorted(failing))
    return failing
