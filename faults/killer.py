"""Kills and freezes at random, brings back, and measures how long until an act is answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faults.installation import Installation

# What is done, and how often beside the others. `+` kills two at once.
WAYS = {
    "kill worker": 4,
    "kill api": 4,
    "kill temporal": 5,
    "kill postgres": 5,
    "freeze postgres": 3,
    "freeze worker": 2,
    "freeze temporal": 1,
    "kill worker+api": 3,
    "kill temporal+worker": 3,
    "kill postgres+worker": 3,
    "kill postgres+temporal": 2,
    "kill worker+api+temporal+postgres": 6,
}
SHORT = (0.0, 2.0)  # seconds down
FROZEN = (0.5, 7.0)  # longer than any single patience: a local activity, a statement
A_MINUTE = 60.0
BETWEEN = (0.05, 0.8)


@dataclass(frozen=True)
class Blow:
    """One thing that was done: how, how many died, how long it was away and took to recover."""

    way: str
    killed: int
    down: float
    recovery: float  # from the moment all was started again to the first answered act


async def strike(
    installation: Installation, way: str, down: float, answered: Callable[[], Awaitable[object]]
) -> Blow:
    """Do one thing and wait until the system answers again."""
    how, _, names = way.partition(" ")
    victims = names.split("+")
    if how == "freeze":
        thaw = await asyncio.to_thread(installation.freeze, victims[0])
        try:
            await asyncio.sleep(down)
        finally:
            await asyncio.to_thread(thaw)
        began = time.monotonic()
    else:
        for name in victims:
            await asyncio.to_thread(installation.kill, name)
        await asyncio.sleep(down)
        began = time.monotonic()
        for name in reversed(victims):  # the servers first
            await asyncio.to_thread(installation.bring_back, name)
    await answered()
    killed = len(victims) if how == "kill" else 0
    return Blow(way, killed, down, time.monotonic() - began)


def next_blow(chance: random.Random) -> tuple[str, float]:
    """What comes next: a way and the seconds it lasts."""
    way = chance.choices(list(WAYS), list(WAYS.values()))[0]
    return way, chance.uniform(*(FROZEN if way.startswith("freeze") else SHORT))
