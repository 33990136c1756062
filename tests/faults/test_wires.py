"""Bad wires between us and the servers: late, cut, and swallowing everything."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from domain.case.commands import OpenCase
from domain.kinds import CASE
from engine.connection import connect
from engine.errors import EngineAway, OutcomeUnknown
from engine.subjects import SubjectEngine
from faults.proxy import Proxy
from local.temporal import RunningTemporal
from records.session import make_engine
from tests.builders import an_act
from tests.workflows.conftest import Lab, lab_on, new_key, settings_for
from workflows.messages import Answer

pytestmark = pytest.mark.timeout(150)

NOTES = 5


@dataclass
class Wired:
    """A lab whose worker and callers reach both servers through wires that may be bad."""

    lab: Lab
    engine: Proxy
    records: Proxy


@pytest.fixture
async def wired(
    postgres_url: str, temporal: RunningTemporal, tmp_path: Path
) -> AsyncIterator[Wired]:
    folder = Path(tempfile.mkdtemp(prefix="hw-wire-"))  # a socket's path must be short
    url = make_url(postgres_url)
    server = Path(str(url.query["host"])) / ".s.PGSQL.5432"
    settings = settings_for(postgres_url, temporal, tmp_path)
    async with (
        Proxy.to(temporal.address) as engine,
        Proxy.to_socket(server, folder / ".s.PGSQL.5432") as records,
    ):
        direct = await lab_on(settings)
        through = url.update_query_dict({"host": str(folder)})
        bad = settings.model_copy(
            update={
                "temporal_address": engine.address,
                "database_url": through.render_as_string(hide_password=False),
            }
        )
        client, database = await connect(bad), make_engine(through)
        asks = SubjectEngine(client, database, CASE, task_queue=bad.task_queue, patience=10)
        # The test itself reads past the wire: it would wait for what passes in its own loop.
        lab = Lab(bad, client, direct.database, asks)
        await lab.start_worker()
        yield Wired(lab, engine, records)
        engine.delay = records.delay = 0
        engine.pass_on()
        records.pass_on()
        await lab.end()
        await asyncio.to_thread(database.dispose)
    shutil.rmtree(folder, ignore_errors=True)


async def noted(lab: Lab, opening: OpenCase, number: int) -> Answer:
    """Note something until it is answered, always with the same key."""
    key = new_key()
    note = an_act("note", "host.case", step="ask", note=f"text:{number}")
    while True:
        try:
            return await lab.act(opening, note, key)
        except (EngineAway, OutcomeUnknown):
            await asyncio.sleep(0.2)


async def all_there(wired: Wired, opening: OpenCase, answers: list[Answer]) -> None:
    """Every answer's version is in the ledger, each once, and the case takes one more act."""
    lab = wired.lab
    answers.append(await noted(lab, opening, 99))
    await lab.rest(opening)
    versions = [answer.version for answer in answers]
    assert versions == sorted(set(versions))
    rows = lab.rows(opening)
    assert [row.seq for row in rows] == list(range(1, versions[-1] + 1))
    assert len({row.key for row in rows if row.key}) == len(versions) + 1  # and the opening


async def test_it_works_on_slow_wires(wired: Wired) -> None:
    opening = await wired.lab.open()
    wired.engine.delay = wired.records.delay = 0.05
    answers = [await noted(wired.lab, opening, number) for number in range(NOTES)]
    assert wired.records.connections > 0
    await all_there(wired, opening, answers)


@pytest.mark.parametrize("which", ["engine", "records"])
async def test_it_loses_nothing_when_a_wire_breaks_again_and_again(
    wired: Wired, which: str
) -> None:
    opening = await wired.lab.open()
    wire: Proxy = getattr(wired, which)
    stop = asyncio.Event()

    async def cutting() -> None:
        while not stop.is_set():
            await asyncio.sleep(0.15)
            wire.cut()

    cuts = asyncio.create_task(cutting())
    answers = [await noted(wired.lab, opening, number) for number in range(NOTES)]
    stop.set()
    await cuts
    await all_there(wired, opening, answers)


async def test_it_takes_acts_while_the_database_swallows_everything(wired: Wired) -> None:
    opening = await wired.lab.open()
    await noted(wired.lab, opening, 0)
    wired.records.swallow()
    answers = [await noted(wired.lab, opening, number) for number in range(1, NOTES)]
    assert len(wired.lab.rows(opening)) < answers[-1].version
    wired.records.pass_on()
    wired.records.cut()
    answers.insert(0, await noted(wired.lab, opening, 0))
    answers.sort(key=lambda answer: answer.version)
    lab = wired.lab
    await lab.rest(opening)
    rows = lab.rows(opening)
    assert [row.seq for row in rows] == list(range(1, answers[-1].version + 1))
    assert (await noted(lab, opening, 50)).version == answers[-1].version + 1


async def test_it_says_that_the_outcome_is_unknown_while_the_engine_swallows_everything(
    wired: Wired,
) -> None:
    opening = await wired.lab.open()
    note = an_act("note", "host.case", step="ask", note="text:1")
    key, hurried = new_key(), replace(wired.lab.engine, patience=2)
    wired.engine.swallow()
    with pytest.raises((OutcomeUnknown, EngineAway)):
        await hurried.act(opening.case_id, note, key=key)
    wired.engine.pass_on()
    wired.engine.cut()
    while True:
        try:
            answer = await wired.lab.act(opening, note, key)
            break
        except (EngineAway, OutcomeUnknown):
            await asyncio.sleep(0.2)
    await all_there(wired, opening, [answer])
