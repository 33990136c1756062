"""What breaks: the database, the worker, the server. Nothing is lost and nothing happens twice."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local.postgres import RunningPostgres, make_database, start_postgres
from local.processes import Child, start_child
from local.temporal import RunningTemporal, start_temporal
from records.migrate import upgrade
from tests.builders import MONDAY, STALLED, a_life, an_act
from tests.workflows.conftest import Lab, lab_on, settings_for

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[RunningPostgres]:
    """A database server that a test may stop."""
    with start_postgres(server_folder / f"own-{time.monotonic_ns()}", durable=False) as server:
        yield server


@pytest.fixture
async def fragile(
    own_postgres: RunningPostgres, temporal: RunningTemporal, tmp_path: Path
) -> AsyncIterator[Lab]:
    url = make_database(own_postgres.url, "homeward")
    await asyncio.to_thread(upgrade, url)
    built = await lab_on(settings_for(url, temporal, tmp_path))
    await built.start_worker()
    yield built
    await built.end()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_it_takes_acts_while_the_database_is_away_and_writes_them_afterwards(
    fragile: Lab, own_postgres: RunningPostgres, how: str
) -> None:
    opening = await fragile.open()
    away, back = {
        "stopped": (own_postgres.stop, own_postgres.restart),
        "frozen": (own_postgres.freeze, own_postgres.thaw),
    }[how]
    await asyncio.to_thread(away)
    waits: list[float] = []
    try:
        until = time.monotonic() + 6
        while time.monotonic() < until:
            started = time.monotonic()
            note = an_act("note", "host.case", step="ask", note=f"text:{len(waits)}")
            last = await fragile.act(opening, note)
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.3)
    finally:
        await asyncio.to_thread(back)
    assert len(waits) >= 3
    assert max(waits) < 5  # one local attempt of two seconds, once, and a look for an old key
    await fragile.rest(opening)
    assert [row.seq for row in fragile.rows(opening)] == list(range(1, last.version + 1))


async def test_it_lets_timers_fire_while_the_database_is_away(
    fragile: Lab, own_postgres: RunningPostgres
) -> None:
    opening = await fragile.open()
    await fragile.days_pass(opening, 1)
    await fragile.act(opening, ASK)
    await asyncio.to_thread(own_postgres.stop)
    moving = asyncio.create_task(fragile.days_pass(opening, 60))
    await asyncio.sleep(3)
    await asyncio.to_thread(own_postgres.restart)
    await moving
    assert fragile.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_refuses_acts_once_too_much_is_not_yet_written(
    fragile: Lab, own_postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.PENDING_EVENTS", 3)
    opening = await fragile.open()
    await asyncio.to_thread(own_postgres.stop)
    slugs: list[str] = []
    try:
        for number in range(6):
            note = an_act("note", "host.case", step="ask", note=f"text:{number}")
            try:
                await fragile.act(opening, note)
                slugs.append("taken")
            except Exception as refused:  # noqa: BLE001 - looked at below
                slugs.append(getattr(refused, "slug", repr(refused)))
    finally:
        await asyncio.to_thread(own_postgres.restart)
    assert slugs == ["taken"] * 3 + ["busy"] * 3


@pytest.fixture
def own_temporal(tmp_path: Path) -> Iterator[RunningTemporal]:
    with start_temporal(tmp_path / "temporal.db", time_skipping=True) as server:
        yield server


def a_worker(lab: Lab) -> Child:
    settings = lab.settings
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "TEMPORAL_ADDRESS": str(settings.temporal_address),
        "HOMEWARD_TASK_QUEUE": settings.task_queue,
        "HOMEWARD_DATA_DIR": str(settings.data_dir),
        "HOMEWARD_PAYLOAD_KEY": settings.payload_key.get_secret_value()
        if settings.payload_key
        else "",
    }
    log = settings.data_dir / "worker.log"
    return start_child([sys.executable, "-m", "worker"], log, environment=environment)


async def test_it_survives_killed_workers_and_a_killed_server(
    postgres_url: str, own_temporal: RunningTemporal, tmp_path: Path
) -> None:
    lab = await lab_on(settings_for(postgres_url, own_temporal, tmp_path))
    worker = a_worker(lab)
    try:
        opening = await lab.open()
        await lab.days_pass(opening, 1)
        await lab.act(opening, ASK)
        worker.end(signal.SIGKILL)
        worker = a_worker(lab)
        await lab.days_pass(opening, 25)
        await asyncio.to_thread(own_temporal.kill)
        await asyncio.to_thread(own_temporal.restart)
        note = an_act("note", "host.case", step="answer", note="text:1")
        taken = await lab.act(opening, note, key="the same key")
        worker.end(signal.SIGKILL)
        worker = a_worker(lab)
        again = await lab.act(opening, note, key="the same key")
        # Not its moment: a task that wrote and was lost with the server is done anew, a second later.
        assert (again.version, again.state, again.content) == (
            taken.version,
            taken.state,
            taken.content,
        )
        await lab.days_pass(opening, 60)
        expected = a_life(STALLED[0], (25, note), STALLED[1], opening=opening)
        kinds = [type(event) for event in lab.events(opening)]
        assert kinds == [type(event) for event in expected.events]
        assert lab.events(opening)[0].at == MONDAY
    finally:
        worker.end(signal.SIGKILL)
        await lab.end()
