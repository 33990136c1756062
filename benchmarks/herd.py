"""Many cases at once: two thousand openings, and two thousand deadlines that fall into one minute.

The openings are throttled as an import would be, and single cases are opened meanwhile, as a person
would; the sandbox is off, as it may be in production. Every case's clock is set so that its first
timer falls into the minute that follows.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from api.limits import AT_ONCE
from benchmarks.acts import Script, script
from benchmarks.bare_entity import Bare, BareEntity
from benchmarks.figures import Report, percentile
from benchmarks.installation import Installation
from domain.case.apply import blank, fold
from domain.case.core import advance, next_wake, open_case
from domain.kinds import CASE
from engine.subjects import SubjectEngine
from records import procedures, subjects
from records.session import system, transaction
from workflows.options import TIMER_OF_M_FIRES

THROTTLE = AT_ONCE  # openings in flight: the API lets one person have no more at once
MINUTE = 60.0


@dataclass(frozen=True)
class Size:
    """Cases, seconds allowed for opening them, and seconds into which their deadlines fall."""

    cases: int
    opening: float
    spread: float


WHOLE = Size(2_000, 150.0, MINUTE)
QUICK = Size(12, 4.0, 3.0)


@dataclass
class Herd:
    """What was opened, and when the first timer of each is due on this machine's clock."""

    engine: SubjectEngine
    database: Engine
    acts: Script
    first_due: datetime
    spread: float
    due: dict[str, datetime] = field(default_factory=dict)

    async def open_one(self, number: int, of: int) -> float:
        """Open a case as the API does; return the seconds it took."""
        opening = self.acts.opening_of_its_own()
        due = self.first_due + timedelta(seconds=int(self.spread * number / of))
        at, wake = self._opened_and_wakes()
        # The case's clock shows its first wake when this machine's shows `due`.
        offset = int((wake - due).total_seconds())
        begun = time.perf_counter()
        await asyncio.to_thread(self._admit, opening.case_id, offset)
        await self.engine.open(opening, key=uuid.uuid4().hex, at=at, clock_offset=offset)
        self.due[opening.case_id] = due
        return time.perf_counter() - begun

    def _admit(self, case_id: str, offset: int) -> None:
        with transaction(self.database, system("benchmark")) as connection:
            procedures.keep(
                connection, self.acts.opening.procedure, self.acts.opening.procedure_digest
            )
            subjects.admit(connection, CASE.name, case_id, offset)

    def _opened_and_wakes(self) -> tuple[datetime, datetime]:
        at = datetime(2026, 2, 2, 2, 0, tzinfo=UTC)
        opening = self.acts.opening
        case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
        case = fold(case, open_case(opening, at))
        wake = next_wake(case)
        if wake is None:
            raise ValueError("nothing ever happens in this case by itself")
        return at, wake

    def events_of_first_wake(self) -> int:
        """How many things happen at the first wake of each case."""
        at, wake = self._opened_and_wakes()
        opening = self.acts.opening
        case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
        return len(advance(fold(case, open_case(opening, at)), None, wake))


async def run(installation: Installation, *, quick: bool) -> list[Report]:
    """Open them all, with single ones meanwhile; then wait for their deadlines."""
    size = QUICK if quick else WHOLE
    opened = Report(f"openings: {size.cases:,} cases, {THROTTLE} in flight")
    database = installation.new_database(rehearsal=True)
    # When a row was written, by the database's own clock: only this benchmark wants to know.
    with transaction(database, system("benchmark")) as connection:
        connection.execute(
            text("ALTER TABLE events ADD COLUMN written timestamptz DEFAULT clock_timestamp()")
        )
    await _bare(installation, opened, size)
    worker = installation.our_worker(database, "herd", sandbox=False)
    herd = Herd(
        await installation.engine(database, "herd"),
        database,
        script(),
        (datetime.now(UTC) + timedelta(seconds=size.opening)).replace(microsecond=0),
        size.spread,
    )
    await herd.open_one(0, size.cases)  # the worker is there
    alone = [await herd.open_one(0, size.cases) for _ in range(10)]
    opened.add("a single opening, nothing else: p50", percentile(alone, 0.5) * 1000, "ms")
    before = installation.cpu(worker)
    seconds, meanwhile = await _import(herd, size)
    used = installation.cpu(worker).since(before)
    opened.add("ours: opened", size.cases / seconds, "cases/s")
    opened.add("ours: worker memory", worker.memory_info().rss / 2**20, "MiB")
    opened.add("ours: worker CPU", used.worker / size.cases * 1000, "ms/case")
    opened.ratio("openings, ours / bare", "ours: opened", "bare: opened")
    for part, name in ((0.5, "p50"), (0.95, "p95"), (1.0, "max")):
        opened.add(f"a single opening meanwhile: {name}", percentile(meanwhile, part) * 1000, "ms")
    deadlines = Report(f"deadlines: {len(herd.due):,} within {size.spread:.0f} s")
    early = (herd.first_due - datetime.now(UTC)).total_seconds()
    deadlines.add("seconds left when all were open", early, "s")
    before = installation.cpu(worker)
    await asyncio.sleep(max(0.0, early))
    await _until_all_fired(herd, size)
    used = installation.cpu(worker).since(before)
    deadlines.add("worker CPU per deadline", used.worker / len(herd.due) * 1000, "ms")
    deadlines.add("server CPU per deadline", used.server / len(herd.due) * 1000, "ms")
    _judge(herd, deadlines)
    return [opened, deadlines]


async def _bare(installation: Installation, report: Report, size: Size) -> None:
    """Start as many bare entities with an update each, the same throttle."""
    installation.other_worker("bare", "bare-herd", sandbox=False)
    client = await installation.plain_client()
    limit = asyncio.Semaphore(THROTTLE)
    asked = Bare("open", "th-mae-sot-shelter", "an-officer", "opening", "")

    async def one() -> None:
        async with limit:
            handle = await client.start_workflow(
                BareEntity.run, id=f"bare/{uuid.uuid4()}", task_queue="bare-herd"
            )
            await handle.execute_update("act", asked)

    await one()
    begun = time.perf_counter()
    count = max(4, size.cases // 4)
    await asyncio.gather(*(one() for _ in range(count)))
    report.add("bare: opened", count / (time.perf_counter() - begun), "cases/s")


async def _import(herd: Herd, size: Size) -> tuple[float, list[float]]:
    """Seconds it took to open them all, and those of single ones opened every second meanwhile."""
    limit = asyncio.Semaphore(THROTTLE)

    async def one(number: int) -> None:
        async with limit:
            await herd.open_one(number, size.cases)

    meanwhile: list[float] = []

    async def somebody_else() -> None:
        while True:
            meanwhile.append(await herd.open_one(0, size.cases))
            await asyncio.sleep(1)

    begun = time.perf_counter()
    other = asyncio.create_task(somebody_else())
    await asyncio.gather(*(one(number) for number in range(size.cases)))
    seconds = time.perf_counter() - begun
    other.cancel()
    return seconds, meanwhile


async def _until_all_fired(herd: Herd, size: Size) -> None:
    """Until every case has its first timer behind it, or two minutes after the last was due."""
    until = time.monotonic() + size.spread + 120
    wanted = len(herd.due)
    while time.monotonic() < until:
        fired = await asyncio.to_thread(_fired, herd)
        if len(fired) >= wanted:
            return
        await asyncio.sleep(0.5)


def _fired(herd: Herd) -> dict[str, tuple[datetime, int]]:
    """For each case: when what its first timer caused was written, and how many events those were."""
    _, wake = herd._opened_and_wakes()  # noqa: SLF001 - of this module
    with transaction(herd.database, system("benchmark")) as connection:
        rows = connection.execute(
            text(
                "SELECT subject_id::text AS id, min(written) AS written, count(*) AS n"
                " FROM events WHERE at = :wake GROUP BY subject_id"
            ),
            {"wake": wake},
        )
        return {row.id: (row.written, row.n) for row in rows}


def _judge(herd: Herd, report: Report) -> None:
    fired = _fired(herd)
    expected = herd.events_of_first_wake()
    times = Counter("once" if n == expected else "otherwise" for _, n in fired.values())
    report.add("fired exactly once", times["once"], f"of {len(herd.due):,}")
    report.add("fired otherwise, or never", len(herd.due) - times["once"])
    late = [
        (fired[case_id][0] - due - TIMER_OF_M_FIRES).total_seconds()
        for case_id, due in herd.due.items()
        if case_id in fired
    ]
    for part, name in ((0.0, "earliest"), (0.5, "p50"), (0.95, "p95"), (1.0, "last")):
        report.add(f"row written after its time: {name}", percentile(late, part), "s")
