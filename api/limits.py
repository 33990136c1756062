"""Lets each person have few first reports under way at once, so that an import starves nobody.

Whoever sends two thousand waits for their own cases, others do not wait for them. It knows nothing of cases.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from api.errors import TooMuchAtOnce

# A proposal, measured by `python -m benchmarks herd`: two keep a worker busy, more only queue.
AT_ONCE = 2
PATIENCE = 20.0  # seconds that a report waits


class Queues:
    """One queue for each person, in one process."""

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        """Let so many go at once; whoever waited so many seconds is sent away."""
        self._at_once = at_once
        self._patience = patience
        self._queues: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, who: str) -> AsyncIterator[None]:
        """Wait in this person's queue. Raises TooMuchAtOnce; then nothing was done."""
        queue = self._queues.get(who)
        if queue is None:
            queue = self._queues[who] = asyncio.Semaphore(self._at_once)
        try:
            async with asyncio.timeout(self._patience):
                await queue.acquire()
        except TimeoutError:
            raise TooMuchAtOnce from None
        try:
            yield
        finally:
            queue.release()
