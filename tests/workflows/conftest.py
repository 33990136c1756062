"""A lab for tests of running cases: real server, real database, a worker in this very process.

The worker lives in the test's own event loop, so that a test may break the core under it.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from domain.act import AnyCommand
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.state import Case
from domain.event import Event
from domain.kinds import CASE
from engine.connection import connect
from engine.subjects import SubjectEngine
from engine.virtual_time import at_rest, fast_forward
from local.temporal import RunningTemporal
from records import installation, ledger, procedures, subjects
from records.session import make_engine
from settings import Settings
from tests.builders import MONDAY, an_opening
from worker import run_worker
from workflows.messages import Answer, workflow_id

PAYLOAD_KEY = "a key for tests only, thirty-two or more messages"


@dataclass
class Lab:
    """Everything a case needs, and short words for what tests do."""

    settings: Settings
    client: Client
    database: Engine
    engine: SubjectEngine
    opened: list[str] = field(default_factory=list)
    _stop: asyncio.Event | None = None
    _working: asyncio.Task[None] | None = None

    async def start_worker(self) -> None:
        self._stop = asyncio.Event()
        self._working = asyncio.create_task(run_worker(self.settings, self._stop))

    async def stop_worker(self) -> None:
        if self._stop is not None and self._working is not None:
            self._stop.set()
            await self._working
        self._stop = self._working = None

    async def open(
        self, opening: OpenCase | None = None, at: datetime = MONDAY, key: str | None = None
    ) -> OpenCase:
        """Open a case whose clock shows `at`, early in that second."""
        chosen = opening or an_opening()
        into = datetime.now(UTC).microsecond / 1e6
        if into > 0.3:
            await asyncio.sleep(1 - into)
        offset = int(at.timestamp()) - int(datetime.now(UTC).timestamp())
        with self.database.begin() as connection:
            procedures.keep(connection, chosen.procedure, chosen.procedure_digest)
            subjects.admit(connection, "case", chosen.case_id, offset)
        await self.engine.open(chosen, key=key or new_key(), at=at, clock_offset=offset)
        self.opened.append(chosen.case_id)
        return chosen

    async def act(self, opening: OpenCase, command: AnyCommand, key: str | None = None) -> Answer:
        return await self.engine.act(opening.case_id, command, key=key or new_key())

    async def days_pass(self, opening: OpenCase, days: float) -> None:
        """Move the case's clock to so many days after its opening, and its timers with it."""
        await self.clock_to(opening, MONDAY + timedelta(days=days))

    async def clock_to(self, opening: OpenCase, to: datetime) -> None:
        await fast_forward(self.client, workflow_id("case", opening.case_id), to)

    async def rest(self, opening: OpenCase) -> None:
        await at_rest(self.client, workflow_id("case", opening.case_id))

    def rows(self, opening: OpenCase) -> list[ledger.LedgerRow]:
        with self.database.begin() as connection:
            return ledger.read(connection, opening.case_id)

    def events(self, opening: OpenCase) -> list[Event]:
        with self.database.begin() as connection:
            return ledger.events_of(connection, opening.case_id)

    def case(self, opening: OpenCase) -> Case:
        begin = blank(opening.case_id, opening.procedure, opening.procedure_digest)
        return fold(begin, self.events(opening))

    async def history(self, opening: OpenCase) -> list[str]:
        """The kinds of events in the engine's history of the newest run."""
        handle = self.client.get_workflow_handle(workflow_id("case", opening.case_id))
        found = await handle.fetch_history()
        return [event.WhichOneof("attributes") or "" for event in found.events]

    async def end(self) -> None:
        for case_id in self.opened:
            with suppress(RPCError):
                await self.client.get_workflow_handle(workflow_id("case", case_id)).terminate(
                    "tested"
                )
        await self.stop_worker()
        self.database.dispose()


def new_key() -> str:
    return uuid.uuid4().hex


def settings_for(database_url: str, temporal: RunningTemporal, folder: Path) -> Settings:
    return Settings(
        upkeep=False,
        database_url=database_url,
        temporal_address=temporal.address,
        namespace=temporal.namespace,
        task_queue=f"test-{uuid.uuid4().hex[:12]}",
        data_dir=folder,
        payload_key=PAYLOAD_KEY,
        rehearsal=True,
    )


async def lab_on(settings: Settings) -> Lab:
    database = make_engine(str(settings.database_url))
    with database.begin() as connection:
        installation.make_rehearsal(connection)
    client = await connect(settings)
    engine = SubjectEngine(client, database, CASE, task_queue=settings.task_queue, patience=20)
    return Lab(settings, client, database, engine)


@pytest.fixture
async def lab(postgres_url: str, temporal: RunningTemporal, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab whose worker is at work."""
    built = await lab_on(settings_for(postgres_url, temporal, tmp_path))
    await built.start_worker()
    yield built
    await built.end()
