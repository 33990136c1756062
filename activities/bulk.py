"""The loop under all work on many subjects: one act for each, a few a second, one after the other.

It knows neither facts nor cases. An errand says who comes next, sends one act, and notes what became
of it; whatever is killed in between is asked again under the same key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from workflows.bulk import Counts, PageTold

PAGE = 50
PER_SECOND = 20.0  # people who act meanwhile hardly notice
TRIES = 3
AGAIN_SECONDS = 1.0


class LaterError(Exception):
    """A subject gave no answer now; it is asked again, and after some tries it is left for later."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of one subject: done, refused, ended or failed, and the word for why."""

    outcome: str
    why: str = ""


class Errand(Protocol):
    """What is carried to many subjects: a fact to cases, a move to cases, a row to a new case."""

    async def next(self, after: str, limit: int) -> Sequence[str]:
        """Return the ids of the next subjects that still need it, in order."""
        ...

    async def send(self, subject: str) -> Became:
        """Send the act to one subject, under a key of its own. Raises LaterError, EngineAway."""
        ...

    async def note(self, subject: str, became: Became) -> None:
        """Write down what became of it, so that it is not sent for nothing."""
        ...


async def send_page(
    errand: Errand,
    after: str,
    *,
    beat: Callable[[], None] = lambda: None,
    per_second: float = PER_SECOND,
) -> PageTold:
    """Carry an errand to the next subjects; `beat` is called before each try, and may raise.

    Raises what `next`, `note` and `beat` raise, and EngineAway: then nobody can be asked now.
    """
    counts, last = Counts(), ""
    for subject in await errand.next(after, PAGE):
        began = time.monotonic()
        became = await _sent(errand, subject, beat)
        await errand.note(subject, became)
        counts = _counted(counts, became.outcome)
        last = subject
        await asyncio.sleep(max(0.0, 1 / per_second - (time.monotonic() - began)))
    return PageTold(last, counts)


async def _sent(errand: Errand, subject: str, beat: Callable[[], None]) -> Became:
    why = ""
    for attempt in range(TRIES):
        beat()
        try:
            return await errand.send(subject)
        except LaterError as later:
            why = str(later)
            await asyncio.sleep(AGAIN_SECONDS * attempt)
    return Became("failed", why)


def _counted(counts: Counts, outcome: str) -> Counts:
    return replace(counts, **{outcome: getattr(counts, outcome) + 1})
