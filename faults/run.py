"""One run: cases are opened, people work, the world changes, things are killed; then all is checked."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.rules.book import procedure_for
from faults import checks
from faults.installation import Installation
from faults.killer import A_MINUTE, BETWEEN, Blow, next_blow, strike
from faults.people import CORRIDOR, NeverAnswered, People
from faults.world import World
from rulefiles import read_rules

AT_ONCE = 10  # people who work at the same time
MOST_REPEATS = 200


@dataclass
class Outcome:
    """What a run did and found."""

    seed: int
    blows: list[Blow] = field(default_factory=list)
    answered: int = 0
    repeated: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    events: int = 0
    seconds: float = 0.0
    facts: int = 0  # of the world, said meanwhile
    found: list[str] = field(default_factory=list)


async def run(
    installation: Installation,
    *,
    seed: int,
    kills: int,
    cases: int,
    minute: bool = False,
    minutes: float | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Kill at least `kills` processes while people work on `cases` cases; then check everything.

    `minute`: once, PostgreSQL is away for a minute. `minutes`: no new blow after so long. The seed chooses what is done, not the order
    in which machines get to it.
    """
    began = time.monotonic()
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    procedure = procedure_for(read_rules(), CORRIDOR)
    people = People(installation.url, installation.tokens, procedure, random.Random(seed + 1))  # noqa: S311
    outcome = Outcome(seed)
    stop = asyncio.Event()
    workers: list[asyncio.Task[None]] = []
    watch = asyncio.create_task(_watch(installation, outcome, stop))
    try:
        probe = await people.open()
        workers += [
            asyncio.create_task(_works(people, cases // AT_ONCE + (n < cases % AT_ONCE), stop))
            for n in range(min(AT_ONCE, cases))
        ]

        world = World(installation, people)
        changing = asyncio.create_task(world.change())

        async def answered() -> object:
            return await people.note(probe)

        if minute:
            outcome.blows.append(await strike(installation, "kill postgres", A_MINUTE, answered))
        until = began + minutes * 60 if minutes is not None else math.inf
        while sum(b.killed for b in outcome.blows) < kills and time.monotonic() < until:
            for task in workers:
                if task.done():
                    task.result()  # raises what it died of
            blow = await strike(installation, *next_blow(chance), answered)
            outcome.blows.append(blow)
            await asyncio.sleep(chance.uniform(*BETWEEN))
            if len(outcome.blows) % 10 == 0:
                say(f"  {sum(b.killed for b in outcome.blows)} killed, {len(people.cases)} cases")
        await changing
        stop.set()
        await asyncio.gather(*workers)
        say("  checking ...")
        outcome.facts = len(world.facts)
        outcome.found += await world.check()
        outcome.found += await checks.everything(installation, people, MOST_REPEATS)
        outcome.answered = sum(len(case.kept) for case in people.cases)
        outcome.repeated, outcome.seen = people.repeated, dict(people.seen)
        outcome.events = sum(max(k.version for k in case.kept) for case in people.cases)
    finally:
        stop.set()
        await asyncio.gather(watch, *workers, return_exceptions=True)
        await people.close()
        installation.keep = bool(outcome.found) or not outcome.answered
    outcome.seconds = time.monotonic() - began
    return outcome


async def _works(people: People, count: int, stop: asyncio.Event) -> None:
    """Somebody with so many cases, one thing after the other."""
    mine = [await people.open() for _ in range(count)]
    while not stop.is_set():
        try:
            await people.work(people.chance.choice(mine))
        except NeverAnswered as silent:
            people.wrong.append(f"nobody answered: {silent}")
        await asyncio.sleep(0)


async def _watch(installation: Installation, outcome: Outcome, stop: asyncio.Event) -> None:
    """Whatever ends by itself is a finding, and is started again as `homeward up` does it."""
    while not stop.is_set():
        outcome.found += [f"the {name} ended by itself" for name in installation.revive()]
        await asyncio.sleep(1)
