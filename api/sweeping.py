"""Sweeps up what was kept for acts and first reports that never happened, every hour. Changes no case.

It looks at the texts of the last week only, so that it costs the same however many there are;
`homeward sweep` looks at all of them.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Services
from engine.sweeping import Swept, sweep_texts

EVERY_SECONDS = 3600.0
LOOK_BACK = timedelta(days=7)

log = structlog.get_logger("sweeping")


async def sweep_for_ever(services: Services) -> None:
    """Sweep once an hour; what is away is swept later."""
    while True:
        try:
            await sweep(services)
        except (RuntimeError, SQLAlchemyError) as away:
            log.warning("not-swept", error=type(away).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def sweep(services: Services) -> Swept:
    """Remove what has been named by nothing for as long as the settings say."""
    before = services.instant() - timedelta(hours=services.settings.sweep_after_hours)
    swept = await sweep_texts(services.database, services.engine, before, since=before - LOOK_BACK)
    if swept != Swept(0, 0):
        log.info("swept", gone=swept.gone, left=swept.left, reports=swept.reports)
    return swept
