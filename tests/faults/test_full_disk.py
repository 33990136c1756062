"""The disk of the read model is full: what was answered is kept, what was not is refused in words.

A PostgreSQL of its own cannot write any more (`faults/disk.py`), and later it can again.
"""

import asyncio
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.upkeep import compare_with_engine
from faults import checks
from faults.disk import Disk
from faults.people import Kept, Worked
from local.ports import free_port
from local.postgres import RunningPostgres, make_database, start_postgres
from local.processes import Child, start_child
from local.temporal import RunningTemporal
from records import alarms, cases, ledger, sessions
from records.migrate import upgrade
from records.reproject import reproject_all
from settings import Settings
from tests.api.conftest import SECRET, Person, Running, new_key, quiet, running_on, settings_for
from tests.builders import MONDAY
from tests.conftest import absent
from tests.ledger.rooms import every_row
from workflows.ports import PROJECT

__all__ = ["quiet"]

pytestmark = pytest.mark.timeout(150)

HALF_A_PAGE = 3_000  # letters of chance: two such notes fill a page, and nothing shortens them
LATER = {"busy", "not-visible-yet", "engine-away"}  # the words for it, with `Retry-After`
BY = "th-ubon-case"


@dataclass
class Asked:
    """A change that somebody sends until it is answered."""

    path: str
    body: dict[str, Any]
    key: str = field(default_factory=new_key)
    after: "Asked | None" = None  # nobody takes back what they do not know to be so
    case: str = ""
    version: int = 0

    def send(self, running: Running) -> httpx2.Response:
        with Person(running.url, running.tokens["mali"]) as mali:
            answer = mali.do(self.path, self.body, self.key)
        if answer.is_success:
            self.case, self.version = answer.json()["case"], answer.json()["version"]
            return answer
        assert (answer.status_code, answer.json()["type"] in LATER) == (503, True), answer.text
        assert int(answer.headers["Retry-After"]) > 0
        return answer

    def until_answered(self, running: Running) -> None:
        until = time.monotonic() + 60
        while not self.send(running).is_success:
            assert time.monotonic() < until, "it was never answered"
            time.sleep(0.2)


@dataclass
class Filled:
    """A running system, and the disk under its PostgreSQL."""

    running: Running
    postgres: RunningPostgres
    disk: Disk
    worker: str  # where its figures are

    def opened(self, count: int) -> list[Asked]:
        several = [self.opening() for _ in range(count)]
        for one in several:
            one.until_answered(self.running)
        return several

    @staticmethod
    def opening() -> Asked:
        person = {"name": f"Noi {new_key()}"}
        body = {"corridor": "th-la", "age": 24, "person": person, "opens": MONDAY.isoformat()}
        return Asked("/cases", body)

    def acts_on(self, case: str) -> list[Asked]:
        """Words that need room, and facts that only change rows."""
        acts = f"/cases/{case}/acts"
        procedure = self.running.mali.read(f"/cases/{case}").json()["procedure"]
        words = secrets.token_urlsafe(HALF_A_PAGE)[:HALF_A_PAGE]
        flag = Asked(acts, {"do": "flag", "flag": "in_danger"})
        return [
            Asked(acts, {"do": "note", "step": procedure[0]["step"], "note": words}),
            flag,
            Asked(acts, {"do": "unflag", "flag": "in_danger"}, after=flag),
        ]

    def days_pass(self, case: str) -> Asked:
        """Time itself does something: reminders and rungs fall due."""
        to = (MONDAY + timedelta(days=20)).isoformat()
        return Asked(f"/rehearsal/cases/{case}/clock", {"to": to})

    @contextmanager
    def worked_through(self, fill: Callable[[], None]) -> Iterator[list[Asked]]:
        """The disk fills up; people work while the block runs, and until they are answered.

        Afterwards all is checked: the block must make room before it ends.
        """
        opened, new = self.opened(3), [self.opening()]
        acts = [self.acts_on(one.case) for one in opened]
        passing = [self.days_pass(opened[0].case)]
        fill()
        asked = [*opened, *new, *(one for mine in acts for one in mine)]
        with ThreadPoolExecutor(5) as threads:
            first = [threads.submit(self.first_answers, mine) for mine in (*acts, new, passing)]
            yield opened
            for told in first:
                told.result()
        for one in [*asked, *passing]:
            one.until_answered(self.running)
        self.all_is_well(asked)

    def first_answers(self, mine: list[Asked]) -> list[int]:
        known = (one for one in mine if one.after is None or one.after.version)
        return [one.send(self.running).status_code for one in known]

    def all_is_well(self, asked: list[Asked]) -> None:
        """Everything answered is there, once, in an unbroken ledger, and every row follows it."""
        database = self.running.database
        with database.begin() as connection:
            for case in {one.case for one in asked}:
                kept = [
                    Kept(BY, one.path, one.body, one.key, one.version)
                    for one in asked
                    if one.case == case
                ]
                assert checks.of_case(connection, Worked(case, MONDAY, "", "", "", kept)) == []
            assert alarms.list_open(connection) == []
        assert asyncio.run(compare_with_engine(database, self.running.settings)) == []
        shown = every_row(database)
        reproject_all(database)
        assert every_row(database) == shown

    def written(self, case: str) -> tuple[int, int]:
        """How far the ledger and the rows of a case are."""
        with self.running.database.begin() as connection:
            return len(ledger.read(connection, case)), cases.version_of(connection, case)

    def failed(self) -> bool:
        """Whether the worker's figures say that events cannot be written."""
        told = httpx2.get(f"{self.worker}/metrics").text
        return (
            re.search(rf"^temporal_activity_execution_failed.*{PROJECT}", told, re.MULTILINE)
            is not None
        )

    def restarts(self) -> int:
        """How often the server has started itself again."""
        assert self.postgres.folder is not None
        told = (self.postgres.folder / "server.log").read_text(errors="replace")
        return told.count("all server processes terminated; reinitializing")

    def has_signed_in(self) -> str:
        """A while ago: that somebody looks at the next page would be written down."""
        with self.running.database.begin() as connection:
            return self._session(connection, datetime.now(UTC) - 3 * sessions.SEEN_EVERY)

    def no_page_has_room_for_a_session(self) -> None:
        with suppress(DBAPIError):
            while True:
                with self.running.database.begin() as connection:
                    self._session(connection, datetime.now(UTC))

    @staticmethod
    def _session(connection: Connection, at: datetime) -> str:
        return sessions.start(connection, "thida", at, at + timedelta(hours=1))


@pytest.fixture(scope="module")
def filled(
    server_folder: Path, temporal: RunningTemporal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    with start_postgres(server_folder / "full") as server:
        try:
            disk = Disk(server)
        except FileNotFoundError as missing:
            absent(str(missing))
        url = make_database(server.url, "homeward")
        upgrade(url)
        folder = tmp_path_factory.mktemp("full")
        settings, port = settings_for(url, temporal, folder, rehearsal=True), free_port()
        for running in running_on(settings, with_worker=False):
            worker = a_worker(settings, port)
            yield Filled(running, server, disk, f"http://127.0.0.1:{port}")
            disk.make_room()
            worker.end()


def a_worker(settings: Settings, metrics_port: int) -> Child:
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "TEMPORAL_ADDRESS": str(settings.temporal_address),
        "HOMEWARD_TASK_QUEUE": settings.task_queue,
        "HOMEWARD_DATA_DIR": str(settings.data_dir),
        "HOMEWARD_PAYLOAD_KEY": SECRET,
        "HOMEWARD_SECRET_KEY": SECRET,
        "HOMEWARD_REHEARSAL": "true",
    }
    command = [sys.executable, "-m", "worker", "--metrics-port", str(metrics_port)]
    return start_child(command, settings.data_dir / "worker.log", environment=environment)


@pytest.fixture
def log_apart(filled: Filled) -> Iterator[None]:
    """The sessions leave PostgreSQL's own log to the server, whose disk for it has room."""
    with psycopg.connect(filled.postgres.url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("ALTER SYSTEM SET synchronous_commit = off")
        owner.execute("SELECT pg_reload_conf()")
        yield
        owner.execute("ALTER SYSTEM RESET synchronous_commit")
        owner.execute("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("log_apart")
def test_it_goes_on_while_no_table_can_grow(filled: Filled) -> None:
    running = filled.running
    with Person(running.url, None) as visitor:
        visitor.cookies.set("homeward", filled.has_signed_in())
        with filled.worked_through(filled.disk.fill_tables) as opened:
            filled.no_page_has_room_for_a_session()
            assert visitor.get("/tasks").status_code == 200
            until = time.monotonic() + 30
            while 'status="503"' not in running.nobody.get("/metrics").text or not filled.failed():
                assert time.monotonic() < until, "nobody sees that anything is wrong"
                time.sleep(0.1)
            for one in opened:  # nothing is half written, and everybody can read
                events, shown = filled.written(one.case)
                assert events == shown
                assert running.mali.read(f"/cases/{one.case}").status_code == 200
            filled.disk.make_room()
    assert 'status="500"' not in running.nobody.get("/metrics").text


def test_it_survives_that_the_database_restarts_itself_for_want_of_room(filled: Filled) -> None:
    before = filled.restarts()
    with filled.worked_through(filled.disk.fill_for_a_moment):
        until = time.monotonic() + 30
        while filled.restarts() == before:
            assert time.monotonic() < until
            time.sleep(0.1)
    assert filled.postgres.pid is not None


def test_it_survives_that_the_database_goes_down_for_want_of_room(filled: Filled) -> None:
    with filled.worked_through(filled.disk.fill):
        until = time.monotonic() + 30
        while filled.postgres.pid is not None:
            assert time.monotonic() < until
            time.sleep(0.1)
        ready = filled.running.nobody.get("/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "away")
        filled.postgres.restart()  # as whoever looks after the machine does, once there is room
