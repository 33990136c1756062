"""Everything on one machine: PostgreSQL, Temporal, worker and API, started and stopped in order.

`homeward up` runs it in the foreground, `homeward demo` leaves it running. It decides nothing about
cases.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import psutil

from local.cache import Say, say_aloud
from local.errors import NoServer
from local.ports import free_port, is_free
from local.postgres import RunningPostgres, postgres_for
from local.processes import Child, start_child
from local.temporal import RunningTemporal, temporal_for
from records.migrate import upgrade
from settings import Settings

READY_SECONDS = 60
BACK_OFF_SECONDS = 2.0
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """Where a running system answers; kept in the data folder for other commands."""

    pid: int
    url: str
    database_url: str
    temporal_address: str
    rehearsal: bool


def running_file(settings: Settings) -> Path:
    """Where a running system leaves its addresses."""
    return settings.data_dir / "running.json"


def running(settings: Settings) -> Running | None:
    """The system that runs from this data folder, if one does."""
    try:
        found = Running(**json.loads(running_file(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if psutil.pid_exists(found.pid) else None


class Stack:
    """The four processes; `serve` keeps them alive until it is told to stop."""

    def __init__(self, settings: Settings, *, say: Say = say_aloud) -> None:
        """Keep the settings; nothing starts yet."""
        self.settings = settings
        self.say = say
        self.stop = threading.Event()
        self.servers: dict[str, RunningPostgres | RunningTemporal] = {}
        self.children: dict[str, Child] = {}
        self.environment: dict[str, str] = {}

    def serve(self) -> None:
        """Start everything, wait for a signal, stop everything."""
        with ExitStack() as stack:
            here = self._start(stack)
            file = running_file(self.settings)
            file.parent.mkdir(parents=True, exist_ok=True)
            transition = file.with_suffix(".new")
            transition.write_text(json.dumps(asdict(here)), encoding="utf-8")
            transition.chmod(0o600)
            transition.replace(file)
            stack.callback(lambda: file.unlink(missing_ok=True))
            self.say(f"Homeward answers at {here.url}")
            while not self.stop.wait(1.0):
                self._revive()

    def _start(self, stack: ExitStack) -> Running:
        self.say("Starting PostgreSQL ...")
        database = postgres_for(self.settings, say=self.say)
        stack.callback(database.stop)
        upgrade(database.url)
        self.say("Starting Temporal ...")
        temporal = temporal_for(self.settings, say=self.say)
        stack.callback(temporal.stop)
        self.servers = {"PostgreSQL": database, "Temporal": temporal}
        port = self._port()
        url = self.settings.base_url or f"http://{self.settings.api_host}:{port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": database.url,
            "TEMPORAL_ADDRESS": temporal.address,
            "TEMPORAL_NAMESPACE": temporal.namespace,
            "HOMEWARD_DATA_DIR": str(self.settings.data_dir),
            "HOMEWARD_RULES_DIR": str(self.settings.rules_dir),
            "HOMEWARD_REHEARSAL": "true" if self.settings.rehearsal else "false",
            "HOMEWARD_API_HOST": self.settings.api_host,
            "HOMEWARD_API_PORT": str(port),
            "HOMEWARD_BASE_URL": url,
            "HOMEWARD_PROCESSES": str(self.settings.processes),
        }
        stack.callback(self._end_children)
        self.say("Starting worker and API ...")
        for name in ("worker", "api"):
            self.children[name] = self._start_child(name)
        _wait_until_ready(url, self.stop)
        return Running(os.getpid(), url, database.url, temporal.address, self.settings.rehearsal)

    def _port(self) -> int:
        """The port of the settings, or a free one when that is taken or 0."""
        wanted = self.settings.api_port
        return wanted if wanted and is_free(wanted) else free_port()

    def _start_child(self, name: str) -> Child:
        log = self.settings.data_dir / "logs" / f"{name}.log"
        return start_child([sys.executable, "-m", name], log, environment=self.environment)

    def _revive(self) -> None:
        """A process that died is started again: a case must not wait for a person to notice."""
        for name, server in self.servers.items():
            if server.has_died and not self.stop.is_set():
                self.say(f"{name} stopped; starting it again.")
                try:
                    server.restart()
                except NoServer as reason:  # what it left behind may still be ending: once more
                    self.say(str(reason))
        for name, child in list(self.children.items()):
            if not child.is_running() and not self.stop.is_set():
                self.say(f"The {name} stopped; starting it again.")
                child.end()  # its watcher is left
                time.sleep(BACK_OFF_SECONDS)
                self.children[name] = self._start_child(name)

    def _end_children(self) -> None:
        for name in ("api", "worker"):
            child = self.children.pop(name, None)
            if child is not None:
                child.end(patience=GRACE_SECONDS)


def _wait_until_ready(url: str, stop: threading.Event) -> None:
    """Until database and engine answer through the API."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and not stop.is_set():
        if _is_ready(url):
            return
        time.sleep(0.2)
    raise NoServer(f"The API did not become ready within {READY_SECONDS} s; its log says why.")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def serve(settings: Settings) -> None:
    """Run everything until SIGTERM or Ctrl-C."""
    stack = Stack(settings)

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stack.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    stack.serve()


def end(settings: Settings) -> bool:
    """Stop the system that runs from this data folder; False when none does."""
    found = running(settings)
    if found is None:
        return False
    process = psutil.Process(found.pid)
    process.terminate()
    process.wait(timeout=2 * GRACE_SECONDS)
    return True
