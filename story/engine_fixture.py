"""Servers for playing stories on the engine: a database, a Temporal and a worker, all temporary.

They are a rehearsal of their own, on free ports and in a temporary folder, and leave nothing.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from domain.kinds import CASE
from engine.connection import connect
from engine.subjects import SubjectEngine
from local.postgres import RunningPostgres, make_database, start_postgres
from local.processes import Child, start_child
from local.temporal import RunningTemporal, start_temporal
from records import installation
from records.migrate import upgrade
from records.session import make_engine, system, transaction
from settings import Settings
from workflows.messages import workflow_id

T = TypeVar("T")

ANSWER_SECONDS = 15.0  # a worker that was killed is noticed by the server within ten


class EngineRoom:
    """A database, a server, a worker and a client, from `open` to `close`."""

    postgres: RunningPostgres
    temporal: RunningTemporal
    settings: Settings
    client: Client
    engine: SubjectEngine

    def __init__(self, *, with_worker: bool = True) -> None:
        """Start nothing yet; `with_worker=False` leaves the worker to the caller."""
        self._with_worker = with_worker
        self._closing = ExitStack()
        self._worker: Child | None = None
        self.loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        """Start everything; raises local.errors.NoServer."""
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.close()

    def _open(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="homeward-story-"))
        folder.chmod(0o711)  # PostgreSQL's own user must be able to enter
        self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        self.postgres = self._closing.enter_context(
            start_postgres(folder / "postgresql", durable=False, say=_in_silence)
        )
        url = make_database(self.postgres.url, "stories")
        upgrade(url)
        # On a file, so that killing the server loses nothing.
        self.temporal = self._closing.enter_context(
            start_temporal(folder / "temporal.db", time_skipping=True)
        )
        self.settings = Settings(
            database_url=url,
            temporal_address=self.temporal.address,
            data_dir=folder,
            rehearsal=True,
        )
        self.database = make_engine(url)
        self._closing.callback(self.database.dispose)
        with transaction(self.database, system("story")) as connection:
            installation.make_rehearsal(connection)
        self._start_loop()
        self.client = self.wait(connect(self.settings), ANSWER_SECONDS)
        self.engine = SubjectEngine(self.client, self.database, CASE, patience=ANSWER_SECONDS)
        if self._with_worker:
            self.start_worker()

    def close(self) -> None:
        """Stop everything, in order; the SDK's threads let go before Python ends."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
        self._closing.close()
        gc.collect()

    # -- the loop in which the client lives

    def _start_loop(self) -> None:
        thread = threading.Thread(target=self.loop.run_forever, name="engine client", daemon=True)
        thread.start()

        def stop() -> None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join()
            self.loop.close()

        self._closing.callback(stop)

    def wait(self, what: Coroutine[Any, Any, T], seconds: float) -> T:
        """Run something in the client's loop and wait for it; raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(seconds)

    # -- the worker

    def start_worker(self) -> None:
        """Start a worker in a process of its own."""
        environment = {
            **os.environ,
            "DATABASE_URL": str(self.settings.database_url),
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_NAMESPACE": self.temporal.namespace,
            "HOMEWARD_DATA_DIR": str(self.settings.data_dir),
        }
        log = self.settings.data_dir / "worker.log"
        self._worker = start_child([sys.executable, "-m", "worker"], log, environment=environment)

    def kill_worker(self) -> None:
        """End the worker as a power cut would."""
        if self._worker is not None:
            self._worker.end(signal.SIGKILL)
            self._worker = None

    async def end_case(self, case_id: str) -> None:
        """Let go of a case: its run takes memory and timers that nobody waits for."""
        with suppress(RPCError):
            await self.client.get_workflow_handle(workflow_id(CASE.name, case_id)).terminate(
                "played"
            )


_shared: list[EngineRoom] = []


@contextmanager
def shared_room() -> Iterator[EngineRoom]:
    """One room for everything this process plays, closed when the process ends."""
    if not _shared:
        room = EngineRoom()
        room.__enter__()
        _shared.append(room)
        atexit.register(room.close)
    yield _shared[0]


def _in_silence(sentence: str) -> None:
    """Say nothing: a story's report is what people came for."""
    del sentence
