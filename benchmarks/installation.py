"""The ground everything is measured on: one PostgreSQL, one Temporal, workers in own processes.

All of it is temporary and belongs to one run of the benchmarks. It measures nothing itself.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from sqlalchemy import Engine
from temporalio.client import Client

from domain.kinds import CASE
from engine.connection import connect
from engine.subjects import SubjectEngine
from local.postgres import RunningPostgres, make_database, start_postgres
from local.processes import start_child
from local.temporal import RunningTemporal, start_temporal
from records import installation
from records.migrate import upgrade
from records.session import make_engine, system, transaction
from settings import PROJECT, Settings

PAYLOAD_KEY = "a key for measurements only, thirty-two or more messages"
PATIENCE = 60.0
CACHED_CASES = 4_000  # all that one run opens: else every deadline replays its case
LAST_WORDS = 2_000  # messages of a worker's log


@dataclass(frozen=True)
class Cpu:
    """Seconds of processor time used so far, by who used them."""

    worker: float
    server: float
    database: float
    client: float

    def since(self, before: Cpu) -> Cpu:
        """What was used between two readings."""
        return Cpu(
            self.worker - before.worker,
            self.server - before.server,
            self.database - before.database,
            self.client - before.client,
        )


class Installation:
    """Servers, from `__enter__` to `__exit__`; workers as they are asked for."""

    postgres: RunningPostgres
    temporal: RunningTemporal

    def __init__(self, *, on_file: bool = False) -> None:
        """Start nothing yet; `on_file` keeps Temporal's state on a file instead of in memory."""
        self._on_file = on_file
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        """Start both servers; the database keeps every promise of durability (fsync)."""
        self.folder = Path(tempfile.mkdtemp(prefix="homeward-bench-"))
        self.folder.chmod(0o711)  # PostgreSQL's own user must be able to enter
        self._closing.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.postgres = self._closing.enter_context(start_postgres(self.folder / "postgresql"))
            file = self.folder / "temporal.db" if self._on_file else None
            self.temporal = self._closing.enter_context(start_temporal(file))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop everything; after a failure, say first what the workers said last."""
        if kind is not None:
            for log in sorted(self.folder.glob("*.log")):
                print(f"-- {log.name}: {log.read_text(errors='replace')[-LAST_WORDS:]}")
        self._closing.close()

    def new_database(self, *, rehearsal: bool = False) -> Engine:
        """A migrated database of its own."""
        url = make_database(self.postgres.url, f"bench_{uuid.uuid4().hex[:12]}")
        upgrade(url)
        database = make_engine(url, pool_size=16)
        self._closing.callback(database.dispose)
        if rehearsal:
            with transaction(database, system("benchmark")) as connection:
                installation.make_rehearsal(connection)
        return database

    async def engine(self, database: Engine, queue: str) -> SubjectEngine:
        """The way in to cases that live on this queue."""
        settings = Settings(
            temporal_address=self.temporal.address, data_dir=self.folder, payload_key=PAYLOAD_KEY
        )
        return SubjectEngine(
            await connect(settings), database, CASE, task_queue=queue, patience=PATIENCE
        )

    async def plain_client(self) -> Client:
        """A client as the SDK gives it, for the bare entity."""
        from temporalio.contrib.pydantic import pydantic_data_converter  # noqa: PLC0415

        return await Client.connect(self.temporal.address, data_converter=pydantic_data_converter)

    def our_worker(self, database: Engine, queue: str, *, sandbox: bool) -> psutil.Process:
        """Start `python -m worker`, as an installation does."""
        return self._started(["-m", "worker"], queue, database, sandbox=sandbox)

    def other_worker(
        self, kind: str, queue: str, *, sandbox: bool, database: Engine | None = None
    ) -> psutil.Process:
        """Start one of `benchmarks/workers.py`."""
        given = ["-m", "benchmarks.workers", kind, self.temporal.address, queue]
        return self._started(given + ([] if sandbox else ["--no-sandbox"]), queue, database)

    def _started(
        self, arguments: list[str], queue: str, database: Engine | None, *, sandbox: bool = True
    ) -> psutil.Process:
        environment = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "TEMPORAL_ADDRESS": self.temporal.address,
            "HOMEWARD_DATA_DIR": str(self.folder),
            "HOMEWARD_PAYLOAD_KEY": PAYLOAD_KEY,
            "HOMEWARD_TASK_QUEUE": queue,
            "HOMEWARD_CACHED_CASES": str(CACHED_CASES),
            "HOMEWARD_SANDBOX": "true" if sandbox else "false",
        }
        if database is not None:
            environment["DATABASE_URL"] = database.url.render_as_string(hide_password=False)
        log = self.folder / f"{queue}.log"
        child = start_child([sys.executable, *arguments], log, environment=environment)
        self._closing.callback(child.end)
        return psutil.Process(child.pid)

    def cpu(self, worker: psutil.Process) -> Cpu:
        """What worker, server, database and this program have used until now."""
        return Cpu(
            _used(worker),
            _used(psutil.Process(self.temporal.pid)),
            _used_by_family(psutil.Process(self.postgres.pid)),
            _used(psutil.Process()),
        )


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _used_by_family(process: psutil.Process) -> float:
    total = _used(process)
    for child in process.children(recursive=True):
        try:
            total += _used(child)
        except psutil.NoSuchProcess:
            continue
    return total
