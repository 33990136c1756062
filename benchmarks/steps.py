"""Human steps: latency one after the other, rate with 32 in flight, processor time, rows at the reply.

Ours, a bare entity workflow and a naive build on the same server, in turn, in the same run.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import psutil
import psycopg
from sqlalchemy import Engine, text
from temporalio.client import Client, WorkflowHandle

from benchmarks.acts import Script, script
from benchmarks.bare_entity import Bare
from benchmarks.figures import Report, percentile
from benchmarks.installation import Installation
from benchmarks.naive_entity import TABLES
from domain.kinds import CASE
from engine.subjects import SubjectEngine
from records import procedures, subjects
from records.session import system, transaction

IN_FLIGHT = 32
Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Size:
    """How much is measured: cases acted on one step at a time, cases at once, repeats."""

    one_by_one: int = 8
    at_once: int = 40
    repeats: int = 5


QUICK = Size(one_by_one=1, at_once=3, repeats=1)
WHOLE = Size()


class Contender(Protocol):
    """Something that takes steps: opens cases, and gives the steps of each."""

    name: str
    worker: psutil.Process

    async def ready(self, count: int) -> list[list[Step]]:
        """Open so many cases and return the steps of each, to be taken in order."""

    async def leave(self) -> None:
        """End what was opened, so that it costs nobody anything any more."""


@dataclass
class Yardstick:
    """The bare entity, or the naive one."""

    name: str
    entity: str  # the workflow's name
    client: Client
    queue: str
    worker: psutil.Process
    acts: Script
    _open: list[WorkflowHandle[Any, Any]] = field(default_factory=list)

    async def ready(self, count: int) -> list[list[Step]]:
        """Start entities; each has taken one step, so that it is in the worker's cache."""
        handles = [
            await self.client.start_workflow(
                self.entity, id=f"yardstick/{uuid.uuid4()}", task_queue=self.queue
            )
            for _ in range(count)
        ]
        self._open += handles
        await asyncio.gather(*(handle.execute_update("act", _bare("begin")) for handle in handles))
        return [[self._step(handle, c.do) for c in self.acts.commands] for handle in handles]

    def _step(self, handle: WorkflowHandle[Any, Any], do: str) -> Step:
        async def take() -> None:
            await handle.execute_update("act", _bare(do), id=uuid.uuid4().hex)

        return take

    async def leave(self) -> None:
        """Let every entity end."""
        await asyncio.gather(*(handle.terminate("measured") for handle in self._open))
        self._open.clear()


@dataclass
class Ours:
    """Real cases; `reads` (a connection of its own) looks for the rows at every reply."""

    name: str
    engine: SubjectEngine
    database: Engine
    worker: psutil.Process
    acts: Script
    reads: psycopg.Connection[tuple[int]] | None = None
    steps: int = 0
    not_visible: int = 0
    _open: dict[str, int] = field(default_factory=dict)  # by case, the version last answered

    async def ready(self, count: int) -> list[list[Step]]:
        """Open cases as the API does."""
        limit = asyncio.Semaphore(8)
        opened = await asyncio.gather(*(self._opened(limit) for _ in range(count)))
        return [self._steps(case_id) for case_id in opened]

    async def _opened(self, limit: asyncio.Semaphore) -> str:
        opening = self.acts.opening_of_its_own()
        async with limit:
            with transaction(self.database, system("benchmark")) as connection:
                procedures.keep(connection, opening.procedure, opening.procedure_digest)
                subjects.admit(connection, CASE.name, opening.case_id)
            answer = await self.engine.open(opening, key=uuid.uuid4().hex)
        self._open[opening.case_id] = answer.version
        return opening.case_id

    def _steps(self, case_id: str) -> list[Step]:
        def step_of(number: int) -> Step:
            async def take() -> None:
                command, seen = self.acts.commands[number], self._open[case_id]
                # As the API does: it has read the case, and looked for the key, to let the act in.
                answer = await self.engine.act(
                    case_id, command, key=uuid.uuid4().hex, ledger_at=seen
                )
                self._open[case_id] = answer.version
                if self.reads is not None:
                    self._look(self.reads, case_id, answer.version)

            return take

        return [step_of(number) for number in range(len(self.acts.commands))]

    def _look(self, reads: psycopg.Connection[tuple[int]], case_id: str, version: int) -> None:
        row = reads.execute("SELECT version FROM cases WHERE case_id = %s", (case_id,)).fetchone()
        self.steps += 1
        self.not_visible += row is None or row[0] < version

    async def leave(self) -> None:
        """Let every case go; what is in the database stays."""
        client = self.engine.client
        await asyncio.gather(
            *(client.get_workflow_handle(f"case/{c}").terminate("measured") for c in self._open)
        )
        self._open.clear()


def _bare(do: str) -> Bare:
    return Bare(do, "th-mae-sot-shelter", "an-officer", "tracing_request", "sent")


async def one_by_one(contender: Contender, count: int) -> list[float]:
    """Milliseconds of each step, nothing else in flight."""
    taken: list[float] = []
    for steps in await contender.ready(count):
        for step in steps:
            begun = time.perf_counter()
            await step()
            taken.append((time.perf_counter() - begun) * 1000)
    await contender.leave()
    return taken


async def at_once(cases: list[list[Step]]) -> tuple[float, int]:
    """Seconds that the steps of these cases took with 32 in flight, and how many they were."""
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def all_of(steps: list[Step]) -> None:
        for step in steps:
            async with limit:
                await step()

    begun = time.perf_counter()
    await asyncio.gather(*(all_of(steps) for steps in cases))
    return time.perf_counter() - begun, sum(map(len, cases))


async def measure(
    installation: Installation, contenders: list[Contender], size: Size, report: Report
) -> None:
    """Every contender in every repeat, each time in another order; the first round is thrown away."""
    for contender in contenders:
        await one_by_one(contender, 1)
    for _ in range(size.repeats):
        turn = list(contenders)
        random.shuffle(turn)
        for contender in turn:
            await _measure_one(installation, contender, size, report)


async def _measure_one(
    installation: Installation, it: Contender, size: Size, report: Report
) -> None:
    taken = await one_by_one(it, size.one_by_one)
    report.add(f"{it.name}: step p50", percentile(taken, 0.5), "ms")
    report.add(f"{it.name}: step p95", percentile(taken, 0.95), "ms")
    cases = await it.ready(size.at_once)
    before = installation.cpu(it.worker)
    seconds, steps = await at_once(cases)
    used = installation.cpu(it.worker).since(before)
    await it.leave()
    report.add(f"{it.name}: rate, {IN_FLIGHT} in flight", steps / seconds, "steps/s")
    report.add(f"{it.name}: worker CPU", used.worker / steps * 1000, "ms/step")
    report.add(f"{it.name}: server CPU", used.server / steps * 1000, "ms/step")
    if isinstance(it, Ours):
        report.add(f"{it.name}: PostgreSQL CPU", used.database / steps * 1000, "ms/step")


async def run(installation: Installation, *, quick: bool) -> list[Report]:
    """Steps per second and latency, with the sandbox and without."""
    size = QUICK if quick else WHOLE
    acts = script()
    report = Report("steps: ours beside a bare entity and a naive build")
    contenders: list[Contender] = []
    client = await installation.plain_client()
    database = installation.new_database()
    with transaction(database, system("benchmark")) as connection:
        for table in TABLES:
            connection.execute(text(table))
    reads = psycopg.connect(
        database.url.set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
    )
    ours: list[Ours] = []
    ways = (True,) if quick else (True, False)
    for sandbox in ways:
        word = "sandbox on" if sandbox else "sandbox off"
        queue = f"bare-{sandbox}"
        process = installation.other_worker("bare", queue, sandbox=sandbox)
        contenders.append(Yardstick(f"bare, {word}", "bare", client, queue, process, acts))
        queue = f"naive-{sandbox}"
        process = installation.other_worker("naive", queue, sandbox=sandbox, database=database)
        contenders.append(Yardstick(f"naive, {word}", "naive", client, queue, process, acts))
        queue = f"ours-{sandbox}"
        process = installation.our_worker(database, queue, sandbox=sandbox)
        engine = await installation.engine(database, queue)
        ours.append(Ours(f"ours, {word}", engine, database, process, acts, reads))
        contenders.append(ours[-1])
        if not sandbox:
            queue = "unwritten"
            process = installation.other_worker("unwritten", queue, sandbox=False)
            engine = await installation.engine(database, queue)
            name = "ours, sandbox off, rows not written"
            contenders.append(Ours(name, engine, database, process, acts))
    await measure(installation, contenders, size, report)
    reads.close()
    for sandbox in ways:
        word = "sandbox on" if sandbox else "sandbox off"
        for yardstick in ("bare", "naive"):
            _ratios(report, "ours", yardstick, word)
        _ratios(report, "naive", "bare", word)
    asked, missed = sum(o.steps for o in ours), sum(o.not_visible for o in ours)
    report.add("rows not visible at the reply", missed, f"of {asked:,}")
    for it in contenders:
        report.add(f"{it.name}: worker memory", it.worker.memory_info().rss / 2**20, "MiB")
    report.remarks.append(
        f"an act of ours is one of {len(acts.commands)} of a real case under the shipped rules; "
        f"{sum(acts.events) / len(acts.events):.1f} things happen in each"
    )
    return [report]


def _ratios(report: Report, one: str, other: str, word: str) -> None:
    for name in ("step p50", "step p95", f"rate, {IN_FLIGHT} in flight", "worker CPU"):
        report.ratio(
            f"{one} / {other}, {word}: {name}", f"{one}, {word}: {name}", f"{other}, {word}: {name}"
        )
