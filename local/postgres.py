"""Starts the embedded PostgreSQL on this machine, makes and clones databases, and stops it again.

The server listens on a socket in its own folder only, never on the network.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from local.cache import Say, alone, say_aloud
from local.errors import NoServer
from local.postgres_folder import (
    SYSTEM_USER,
    Place,
    choose_place,
    outside,
    short_socket_folder,
    socket_folder,
)
from local.processes import Child, as_user, start_child
from settings import Settings

START_SECONDS = 60.0
SUPERUSER = "postgres"
# Same order and same messages on every machine, whatever language the machine speaks.
_FIRST_WITH_OWN_LOCALE = 17
_OWN_LOCALE = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
_LIBRARY_LOCALE = ["--locale=C.UTF-8"]
_SETTINGS = ["timezone=UTC", "log_timezone=UTC", "max_connections=200", "listen_addresses="]
_FORGETFUL = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


@dataclass
class RunningPostgres:
    """A PostgreSQL that answers; `pid` is None for one that was not started here."""

    url: str
    folder: Path | None = None
    _place: Place | None = field(default=None, repr=False)
    _command: list[str] = field(default_factory=list, repr=False)
    _child: Child | None = field(default=None, repr=False)
    _die_with_parent: bool = field(default=True, repr=False)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, while it runs and was started here."""
        return self._child.pid if self._child and self._child.is_running() else None

    @property
    def has_died(self) -> bool:
        """Whether it was started here and ended without being asked."""
        return self._child is not None and not self._child.is_running()

    def url_of(self, database: str) -> str:
        """Return the address of another database on this server."""
        return _url_of(self.url, database)

    def stop(self) -> None:
        """Stop in order, ending open sessions; nothing happens to a server not started here."""
        self.thaw()
        if self._child is not None:
            self._child.end(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            self._child = None

    def kill(self) -> None:
        """End the server and its sessions as a crash would; `restart` recovers from the log."""
        self.thaw()
        if self._child is not None:
            # SIGQUIT is PostgreSQL's own crash: the postmaster takes its sessions with it, while
            # SIGKILL would leave them and refuse the restart.
            self._child.end(signal.SIGQUIT)
            self._child = None

    def restart(self) -> None:
        """Start again on the same folder and socket, stopping it first if it still runs."""
        if self._place is None:
            raise NoServer("This PostgreSQL was not started here and cannot be restarted here.")
        self.stop()
        self._start(self._place)

    def freeze(self) -> None:
        """Stop answering without closing a connection, as a stuck disk would (SIGSTOP)."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # its helpers come and go
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        if self.pid is None:
            return []
        postmaster = psutil.Process(self.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def _start(self, place: Place) -> None:
        log_file = place.folder / "server.log"
        self._child = start_child(
            self._command,
            log_file,
            end_signal=signal.SIGINT,
            die_with_parent=self._die_with_parent,
            user=place.user,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self._child.is_running():
                raise NoServer(f"The embedded PostgreSQL stopped at once; its log is {log_file}.")
            try:
                psycopg.connect(_plain(self.url), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return
        self.kill()
        raise NoServer(f"The embedded PostgreSQL did not answer; its log is {log_file}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_postgres(
    folder: Path,
    *,
    programs: Path | None = None,
    durable: bool = True,
    die_with_parent: bool = True,
    say: Say = say_aloud,
) -> RunningPostgres:
    """Start the embedded PostgreSQL on `folder`, made at the first time, and wait for its answer.

    `programs` is the folder of another PostgreSQL's programs, to try that one instead. A server that another Homeward program already runs on this folder is used, and left running by
    `stop`. `durable=False` is for tests: faster, and a power cut loses data. Raises `NoServer`.
    """
    place = choose_place(folder, say, programs)
    sockets = socket_folder(place)
    url = f"postgresql+psycopg://{SUPERUSER}@/postgres?host={quote(str(sockets), safe='/')}"
    with alone(_lock_beside(place), "starting PostgreSQL", say):
        if _postmaster(place.folder) is not None:
            return RunningPostgres(url=url, folder=place.folder)
        if not (place.folder / "PG_VERSION").exists():
            _make_cluster(place)
        (place.folder / "postmaster.pid").unlink(missing_ok=True)  # its process is gone: see above
        command = [str(place.programs / "postgres"), "-D", str(place.folder), "-k", str(sockets)]
        for setting in [*_SETTINGS, *([] if durable else _FORGETFUL)]:
            command += ["-c", setting]
        server = RunningPostgres(
            url=url,
            folder=place.folder,
            _place=place,
            _command=command,
            _die_with_parent=die_with_parent,
        )
        server._start(place)  # noqa: SLF001 - our own
    return server


def postgres_for(settings: Settings, *, say: Say = say_aloud) -> RunningPostgres:
    """Return the server and database of these settings: `DATABASE_URL`, else the embedded one.

    The embedded server gets a database named `homeward`; `url` is that database's address.
    """
    if settings.database_url is not None:
        return RunningPostgres(url=settings.database_url)
    server = start_postgres(settings.data_dir / "postgresql", say=say)
    server.url = make_database(server.url, "homeward")
    return server


def make_database(server_url: str, name: str) -> str:
    """Make an empty database if it is missing, and return its address."""
    with _connect(server_url) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
    return _url_of(server_url, name)


def clone_database(server_url: str, template: str, name: str) -> str:
    """Copy the database `template`, to which nobody may be connected, and return the address."""
    with _connect(server_url) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return _url_of(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    """Remove a database, ending its sessions first; nothing happens if it is not there."""
    with _connect(server_url) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def remove_postgres(folder: Path) -> None:
    """Stop the embedded server of this folder, whoever started it, and remove its data."""
    folder = folder.expanduser().resolve()
    for data in (folder, outside(folder) / "data"):
        postmaster = _postmaster(data)
        if postmaster is not None:
            postmaster.send_signal(signal.SIGINT)
            try:
                postmaster.wait(15)
            except psutil.TimeoutExpired:
                postmaster.send_signal(signal.SIGQUIT)
                postmaster.wait(15)
        shutil.rmtree(data, ignore_errors=True)
        for user in (SYSTEM_USER, pwd.getpwuid(os.geteuid()).pw_name):
            shutil.rmtree(short_socket_folder(data, user), ignore_errors=True)
        _beside(data).unlink(missing_ok=True)
    if os.geteuid() == 0:
        shutil.rmtree(outside(folder), ignore_errors=True)


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(_plain(url), autocommit=True, connect_timeout=10)


def _plain(url: str) -> str:
    """Spell an address of SQLAlchemy as PostgreSQL's own programs read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _url_of(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _lock_beside(place: Place) -> Path:
    return _beside(place.folder)


def _make_cluster(place: Place) -> None:
    command = [str(place.programs / "initdb"), "-D", str(place.folder), "-U", SUPERUSER]
    # The socket lies in a folder that only its user enters, so everybody there may be trusted.
    command += ["--auth=trust", "--encoding=UTF8"]
    own_locale = _major_version(place.programs) >= _FIRST_WITH_OWN_LOCALE
    command += _OWN_LOCALE if own_locale else _LIBRARY_LOCALE
    made = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        **as_user(place.user),
    )
    if made.returncode != 0:
        said = made.stderr.strip().splitlines() or ["it said nothing"]
        raise NoServer(f"PostgreSQL could not make its data folder {place.folder} ({said[-1]}).")


def _major_version(programs: Path) -> int:
    answer = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return int(answer.split(")", 1)[1].split(".")[0])


def _postmaster(folder: Path) -> psutil.Process | None:
    """Return the running postmaster of a data folder, if its pid file names a living one."""
    try:
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return process
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
    return None
