"""Gathers what many subjects want written at the same moment, so that they share one journey.

Nothing waits for company: whoever comes while a writer is free is taken at once. It knows neither
database nor subject beyond its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, Protocol, TypeVar

MOST = 32  # batches in one journey: more would keep the first waiting for the last


class OfSubject(Protocol):
    """Whatever belongs to one subject."""

    @property
    def subject_id(self) -> str:
        """Which one."""
        ...


B = TypeVar("B", bound=OfSubject)
Write = Callable[[Sequence[B]], Mapping[str, int | Exception]]


class WriteBatcher(Generic[B]):
    """Hands batches to `write`, at most one of each subject at a time, and each its own answer."""

    def __init__(self, write: Write[B], writers: int, threads: Executor | None = None) -> None:
        """`write` is called in one of `threads`, by at most so many writers at a time."""
        self._write = write
        self._free = writers
        self._threads = threads
        self._waiting: list[tuple[B, asyncio.Future[int]]] = []
        self._being_written: set[str] = set()

    async def put(self, batch: B) -> int:
        """Return the version that `write` tells for this batch's subject; raises what it tells.

        Whoever is cancelled while it is being written leaves the others undisturbed.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, answer))
        self._begin()
        return await answer

    def _begin(self) -> None:
        while self._free and (taken := self._next()):
            self._free -= 1
            loop = asyncio.get_running_loop()
            writing = loop.run_in_executor(self._threads, self._write, [b for b, _ in taken])
            writing.add_done_callback(partial(self._end, taken))

    def _next(self) -> list[tuple[B, asyncio.Future[int]]]:
        """The oldest that wait, one of each subject; those that nobody waits for any more are gone."""
        taken: list[tuple[B, asyncio.Future[int]]] = []
        rest: list[tuple[B, asyncio.Future[int]]] = []
        for batch, answer in self._waiting:
            if answer.done():
                continue
            if len(taken) == MOST or batch.subject_id in self._being_written:
                rest.append((batch, answer))
                continue
            self._being_written.add(batch.subject_id)
            taken.append((batch, answer))
        self._waiting = rest
        return taken

    def _end(
        self,
        taken: Sequence[tuple[B, asyncio.Future[int]]],
        told: asyncio.Future[Mapping[str, int | Exception]],
    ) -> None:
        self._free += 1
        failed = told.exception()
        for batch, answer in taken:
            self._being_written.discard(batch.subject_id)
            result = failed or told.result()[batch.subject_id]
            if answer.done():
                continue
            if isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)
        self._begin()
