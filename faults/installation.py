"""The whole system in processes of their own, on a temporary folder, each of which may be killed.

What is killed here dies by SIGKILL, as by a power cut of that process. It judges nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import httpx2
import psutil
from sqlalchemy import Engine

from api.accounts import add_user, make_token, seed_offices
from local.ports import free_port
from local.postgres import RunningPostgres, make_database, start_postgres
from local.processes import Child, start_child
from local.temporal import RunningTemporal, start_temporal
from records import installation, users
from records.migrate import upgrade
from records.session import make_engine, system, transaction
from rulefiles import read_rules
from settings import Settings

ROLE = "coordinator"
ADMIN_OFFICE = "system"
LEAVES = "th-national"  # whose chief leaves while all runs
SUCCESSOR = "the-next-chief"
SECRET = "a key for faults only, thirty-two or more letters"  # noqa: S105 - of one run


class Installation:
    """PostgreSQL, Temporal, a worker and the API, from `__enter__` to `__exit__`."""

    postgres: RunningPostgres
    temporal: RunningTemporal
    settings: Settings
    database: Engine
    tokens: dict[str, str]  # by office: somebody who works there

    def __init__(self) -> None:
        """Start nothing yet."""
        self._closing = ExitStack()
        self._children: dict[str, Child] = {}
        self.keep = False  # the folder, when all is over

    def __enter__(self) -> Self:
        """Start everything. Both servers keep what they acknowledged: that is what is tried."""
        self.folder = Path(tempfile.mkdtemp(prefix="homeward-faults-"))
        self.folder.chmod(0o711)  # PostgreSQL's own user must be able to enter
        self._closing.callback(self._clear)
        try:
            self._open()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, whatever state it is in."""
        self._closing.close()

    def _open(self) -> None:
        self.postgres = start_postgres(self.folder / "postgresql", say=_in_silence)
        self._closing.callback(self.postgres.stop)
        url = make_database(self.postgres.url, "homeward")
        upgrade(url)
        file = self.folder / "temporal.db"
        self.temporal = start_temporal(file, time_skipping=True, say=_in_silence)
        self._closing.callback(self.temporal.stop)
        self.settings = Settings(
            database_url=url,
            temporal_address=self.temporal.address,
            data_dir=self.folder,
            api_port=free_port(),
            rehearsal=True,
            secret_key=SECRET,
            payload_key=SECRET,
        )
        self.database = make_engine(url)
        self._closing.callback(self.database.dispose)
        self.tokens = _people(self.database)
        self._closing.callback(self._end_children)
        for name in ("worker", "api"):
            self._start(name)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.settings.api_port}"

    def may_enter(self, office: str) -> bool:
        """Whether the one who worked there at first is let in."""
        headers = {"Authorization": f"Bearer {self.tokens[office]}"}
        answer = httpx2.get(f"{self.url}/api/v1/me", headers=headers, timeout=30)
        return answer.status_code == httpx2.codes.OK

    # -- what can be done to them

    def kill(self, name: str) -> None:
        """SIGKILL to the process, and in PostgreSQL's case to all its sessions."""
        if name == "postgres":
            self._kill_postgres()
        elif name == "temporal":
            self.temporal.kill()
        else:
            self._children.pop(name).end(signal.SIGKILL)

    def bring_back(self, name: str) -> None:
        """Start again what was killed, on the same address and data."""
        if name == "postgres":
            self.postgres.restart()
        elif name == "temporal":
            self.temporal.restart()
        else:
            self._start(name)

    def freeze(self, name: str) -> Callable[[], None]:
        """SIGSTOP; return what lets it go on. Connections stay open, nobody answers."""
        if name == "postgres":
            self.postgres.freeze()
            return self.postgres.thaw
        pid = self.temporal.pid if name == "temporal" else self._children[name].pid
        process = psutil.Process(pid)
        process.suspend()
        return process.resume

    def revive(self) -> list[str]:
        """Start again what ended by itself, and name it: nothing here may."""
        ended = [name for name, child in self._children.items() if not child.is_running()]
        for name in ended:
            self._children.pop(name).end()
            self._start(name)
        return ended

    def _kill_postgres(self) -> None:
        pid = self.postgres.pid
        if pid is not None:
            postmaster = psutil.Process(pid)
            sessions = postmaster.children(recursive=True)
            for process in (postmaster, *sessions):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(sessions, timeout=10)  # it refuses to start beside an old session
        self.postgres.kill()

    def _start(self, name: str) -> None:
        given = self.settings
        environment = {
            **os.environ,
            "DATABASE_URL": str(given.database_url),
            "TEMPORAL_ADDRESS": str(given.temporal_address),
            "HOMEWARD_DATA_DIR": str(given.data_dir),
            "HOMEWARD_REHEARSAL": "true",
            "HOMEWARD_API_PORT": str(given.api_port),
            "HOMEWARD_SECRET_KEY": SECRET,
            "HOMEWARD_PAYLOAD_KEY": SECRET,
            "HOMEWARD_LOG_LEVEL": "WARNING",
        }
        log = self.folder / f"{name}.log"
        command = [sys.executable, "-m", name]
        self._children[name] = start_child(command, log, environment=environment)

    def _clear(self) -> None:
        """Remove everything; where something was found, keep the logs and say where."""
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        print(f"The logs and data of this run are in {self.folder}", flush=True)

    def _end_children(self) -> None:
        for child in self._children.values():
            child.end(signal.SIGKILL)
        self._children.clear()


def _people(database: Engine) -> dict[str, str]:
    """Somebody with a token in every office; nobody of them exists."""
    rulebook, at = read_rules(), datetime.now(UTC)
    tokens: dict[str, str] = {}
    with transaction(database, system("faults")) as connection:
        installation.make_rehearsal(connection)
        seed_offices(connection, rulebook)
        for office in rulebook.offices:
            user = f"at-{office.id}"
            add_user(
                connection,
                rulebook,
                user_id=user,
                name=f"Somebody at {office.id}",
                office=office.id,
                role="admin" if office.id == ADMIN_OFFICE else ROLE,
                at=at,
            )
            issued = make_token(connection, user_id=user, office=office.id, at=at)
            tokens[office.id] = issued.token
        users.create(connection, SUCCESSOR, "Somebody new", at, None)
    return tokens


def _in_silence(sentence: str) -> None:
    del sentence
