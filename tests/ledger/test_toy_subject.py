"""A kind of subject that nobody foresaw lives as a case does: only its registration is new."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from domain.kinds import CASE
from domain.subject import SubjectKind, register
from engine.errors import ActRefused
from engine.runs import Recovery
from engine.upkeep import compare_with_engine, recover_subjects
from engine.virtual_time import fast_forward
from records import ledger, subjects
from records.ledger import NOTHING_YET
from records.loading import LedgerPosition, folded
from records.projection import write_together
from records.reproject import Reprojected, reproject, reproject_all
from records.session import make_engine
from records.tables import cases, states
from tests.builders import a_life
from tests.ledger.rooms import Fragile
from tests.records.writing import admit, batches
from tests.toy import COUNTER, Count, Counted, Counter, CounterOpened, OpenCounter, Rang
from tests.workflows.conftest import PAYLOAD_KEY, Lab, new_key
from workflows.encoding import event_to_json
from workflows.messages import NewEvent, workflow_id
from workflows.ports import EventBatch

pytestmark = pytest.mark.timeout(120)
MORNING = datetime(2026, 5, 4, 8, tzinfo=UTC)


@dataclass
class Counters:
    """A lab in which counters run, in a worker process that may be killed."""

    fragile: Fragile
    process: asyncio.subprocess.Process | None = None

    @property
    def lab(self) -> Lab:
        return self.fragile.lab

    async def start_worker(self) -> None:
        settings = self.lab.settings
        environment = {
            **os.environ,
            "DATABASE_URL": str(settings.database_url),
            "TEMPORAL_ADDRESS": str(settings.temporal_address),
            "HOMEWARD_TASK_QUEUE": settings.task_queue,
            "HOMEWARD_DATA_DIR": str(settings.data_dir),
            "HOMEWARD_PAYLOAD_KEY": PAYLOAD_KEY,
        }
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.toy_worker"), env=environment
        )

    async def kill_worker(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
        self.process = None

    async def open(self, hours: int = 6) -> str:
        opening = OpenCounter(str(uuid.uuid4()), hours)
        offset = int(MORNING.timestamp()) - int(datetime.now(UTC).timestamp())
        with self.lab.database.begin() as connection:
            subjects.admit(connection, COUNTER.name, opening.id, offset)
        counters = self.lab.engine.of(COUNTER.name)
        await counters.open(opening, key=new_key(), at=MORNING, clock_offset=offset)
        return opening.id

    async def count(self, counter: str, command: Count, key: str | None = None) -> Any:
        counters = self.lab.engine.of(COUNTER.name)
        return await counters.act(counter, command, key=key or new_key())

    async def pass_to(self, counter: str, to: datetime) -> None:
        await fast_forward(self.lab.client, workflow_id(COUNTER.name, counter), to)

    async def renew(self, counter: str) -> None:
        counters = self.lab.engine.of(COUNTER.name)
        before = (await counters.progress(counter)).run
        await counters.renew(counter)
        while (await counters.progress(counter)).run == before:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)

    async def differences(self) -> list[str]:
        found = await compare_with_engine(self.lab.database, self.lab.settings)
        return [one.what for one in found]

    def state(self, counter: str) -> Counter:
        with self.lab.database.begin() as connection:
            known: Counter = folded(connection, counter)
        return known

    def rang(self, counter: str) -> list[datetime]:
        with self.lab.database.begin() as connection:
            happened = ledger.events_of(connection, counter)
        return [event.at for event in happened if isinstance(event, Rang)]


@pytest.fixture
async def running(fragile: Fragile) -> AsyncIterator[Counters]:
    built = Counters(fragile)
    await fragile.lab.stop_worker()
    await built.start_worker()
    yield built
    await built.kill_worker()


async def test_it_lives_through_all_that_a_case_lives_through(running: Counters) -> None:
    counter, key = await running.open(hours=6), new_key()
    taken = await running.count(counter, Count(by=2), key)
    assert (taken.version, taken.state) == (2, "counting")
    with pytest.raises(ActRefused) as refused:
        await running.count(counter, Count(by=-1))
    assert refused.value.slug == "invalid-field"

    # Its worker is killed. A repeated key is answered as before, and time has not been forgotten.
    await running.kill_worker()
    await running.start_worker()
    assert await running.count(counter, Count(by=2), key) == taken
    await running.pass_to(counter, MORNING + timedelta(hours=13))
    assert running.rang(counter) == [MORNING + timedelta(hours=6), MORNING + timedelta(hours=12)]

    # It continues as new, and goes on.
    await running.renew(counter)
    assert (await running.count(counter, Count(by=3))).version == 5
    assert await running.differences() == []

    # What is shown of it is spoilt, seen, and made again from the ledger.
    before = running.state(counter)
    assert (before.total, before.version) == (5, 5)
    with running.lab.database.begin() as connection:
        connection.execute(text("UPDATE states SET state = '{}', status = 'spoilt'"))
    [what] = await running.differences()
    assert "the rows of states do not say" in what
    assert reproject_all(running.lab.database) == Reprojected(1, ())
    assert running.state(counter) == before
    assert await running.differences() == []


async def test_it_comes_back_when_the_store_of_the_engine_is_emptied(running: Counters) -> None:
    counter, key = await running.open(hours=6), new_key()
    taken = await running.count(counter, Count(by=7), key)
    await running.kill_worker()
    await running.fragile.come_back_with(None)
    await running.lab.stop_worker()
    await running.start_worker()
    [what] = await running.differences()
    assert "does not run in the engine" in what
    recovered = await recover_subjects(running.lab.database, running.lab.settings)
    assert recovered.done == {counter: Recovery.STARTED}
    assert await running.differences() == []
    assert await running.count(counter, Count(by=7), key) == taken
    await running.pass_to(counter, MORNING + timedelta(hours=7))
    assert running.rang(counter) == [MORNING + timedelta(hours=6)]

    # It ends; who comes later is answered from the ledger.
    ended = await running.count(counter, Count(stop=True))
    assert ended.state == "stopped"
    run = running.lab.client.get_workflow_handle(workflow_id(COUNTER.name, counter))
    assert await run.result() == ended.version
    with pytest.raises(ActRefused) as refused:
        await running.count(counter, Count())
    assert refused.value.slug == "wrong-state"
    assert await running.differences() == []


# -- without an engine


@pytest.fixture
def alone(postgres_url: str) -> Any:
    engine = make_engine(postgres_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    engine.dispose()


def a_batch(connection: Connection, *events: Any) -> EventBatch:
    counter = str(uuid.uuid4())
    subjects.admit(connection, COUNTER.name, counter)
    told = tuple(NewEvent(n, event_to_json(event)) for n, event in enumerate(events, start=1))
    return EventBatch(COUNTER.name, counter, told)


def test_it_is_written_in_one_journey_with_cases(alone: Connection) -> None:
    life = a_life()
    admit(alone, life)
    counter = a_batch(alone, CounterOpened(at=MORNING, hours=1), Counted(at=MORNING, by=4))
    case = next(batches(life))
    known = {one.subject_id: LedgerPosition(NOTHING_YET, None) for one in (case, counter)}
    stand = write_together(alone, known, [case, counter])
    assert set(stand) == {case.subject_id, counter.subject_id}
    assert folded(alone, counter.subject_id).total == 4
    # A counter shows nothing among the cases, and loses nothing when all is made anew.
    assert list(alone.scalars(select(cases.c.case_id))) == [case.subject_id]
    rows = select(states).order_by(states.c.subject_id)
    written = [tuple(map(repr, row)) for row in alone.execute(rows)]
    assert reproject(alone) == 2
    assert [tuple(map(repr, row)) for row in alone.execute(rows)] == written
    assert subjects.open_ids(alone) == {
        case.subject_id: CASE.name,
        counter.subject_id: COUNTER.name,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "case"}, "two kinds of subject named case"),
        ({"name": "another", "events": {"CaseOpened": Counted}}, "two events named CaseOpened"),
    ],
)
def test_it_may_not_take_a_name_that_is_taken(changes: dict[str, Any], words: str) -> None:
    values = {name: getattr(COUNTER, name) for name in SubjectKind.__dataclass_fields__}
    with pytest.raises(ValueError, match=words):
        register(SubjectKind(**(values | changes)))
