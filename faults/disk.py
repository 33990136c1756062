"""Takes the room on its disk away from a running PostgreSQL, and gives it back. It judges nothing.

No file system is touched, so it needs nothing that an ordinary user lacks: the server's processes
may write to no file any more beyond its first bytes (RLIMIT_FSIZE). PostgreSQL treats that as it
treats a full disk: "could not extend file", and a panic where its own log cannot be written.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable

import psutil

from local.postgres import RunningPostgres
from local.processes import as_user

ROOM = 4096  # bytes from the beginning of a file: less than one page
WITHOUT_LIMIT = "unlimited"
TITLE = "postgres: "
OF_A_SESSION = "[local]"  # in the title of a process that serves a client

_Wanted = Callable[[str], bool]  # which processes, by their titles


class Disk:
    """The disk of one PostgreSQL that was started here."""

    def __init__(self, server: RunningPostgres) -> None:
        """Change nothing yet. Raises FileNotFoundError without the program `prlimit`."""
        self._server = server
        self._program = shutil.which("prlimit")
        if self._program is None:
            raise FileNotFoundError("prlimit (util-linux) is not installed")

    def fill_tables(self) -> None:
        """No table grows any more; the log (WAL) is on another disk, as is usual.

        Only true where sessions leave the log to the server (`start_postgres(durable=False)`).
        """
        self._limit(str(ROOM), lambda title: not title.startswith(TITLE) or OF_A_SESSION in title)

    def fill_for_a_moment(self) -> None:
        """Neither tables nor log have room until the server has restarted itself because of it."""
        self._limit(str(ROOM), lambda title: title.startswith(TITLE))

    def fill(self) -> None:
        """Nothing can be written any more: the server goes down with the next change."""
        self._limit(str(ROOM), lambda _: True)

    def make_room(self) -> None:
        """Whatever still runs may write again."""
        self._limit(WITHOUT_LIMIT, lambda _: True)

    def _limit(self, most: str, wanted: _Wanted) -> None:
        pid = self._server.pid
        if pid is None:
            return
        postmaster = psutil.Process(pid)
        # The postmaster first: whatever it starts from then on has its limit.
        self._limit_one(postmaster, most, wanted)
        for process in postmaster.children(recursive=True):
            self._limit_one(process, most, wanted)

    def _limit_one(self, process: psutil.Process, most: str, wanted: _Wanted) -> None:
        try:
            title, user = " ".join(process.cmdline()), process.username()
        except psutil.NoSuchProcess:
            return
        if not wanted(title):
            return
        # Asked by the server's own user: not every root may limit the processes of others.
        ours = pwd.getpwuid(os.geteuid()).pw_name
        told = subprocess.run(  # noqa: S603 - our own words
            [str(self._program), f"--pid={process.pid}", f"--fsize={most}:"],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            **as_user(None if user == ours else user),
        )
        if told.returncode != 0 and process.is_running():
            raise PermissionError(told.stderr.strip())
