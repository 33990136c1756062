"""Child processes that never outlive the program which started them, however it dies.

A watcher holds the other end of a pipe: when this program is gone, even by SIGKILL, the pipe
closes and the watcher ends the server. (The kernel's own "signal me when my parent dies" counts
threads as parents, and would end a server together with the thread that started it.)
"""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

_WATCHER = """
import os, signal, sys
try:
    server = os.pidfd_open(int(sys.argv[1]))
except (AttributeError, OSError):
    server = None
os.write(1, b"1")
sys.stdin.buffer.read()
try:
    if server is None:
        os.kill(int(sys.argv[1]), int(sys.argv[2]))
    else:
        signal.pidfd_send_signal(server, int(sys.argv[2]))
except OSError:
    pass
"""


@dataclass
class Child:
    """A running server and its watcher."""

    process: subprocess.Popen[bytes]
    watcher: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self.process.pid

    def is_running(self) -> bool:
        """Say whether the server still lives."""
        return self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal to the server, if it lives."""
        if self.is_running():
            self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, patience: float = 10.0) -> None:
        """Ask the server to stop, kill it after `patience` seconds, and dismiss the watcher."""
        self.send(signal.SIGCONT)  # a frozen server cannot hear the request
        self.send(number)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._dismiss_watcher()

    def _dismiss_watcher(self) -> None:
        if self.watcher is not None:
            self.watcher.kill()
            self.watcher.wait()
            if self.watcher.stdin is not None:
                self.watcher.stdin.close()
            self.watcher = None


def start_child(
    command: Sequence[str],
    log_file: Path,
    *,
    end_signal: int = signal.SIGTERM,
    die_with_parent: bool = True,
    user: str | None = None,
    keep_open: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a server in its own session, its output appended to `log_file`.

    `user` runs it as another operating-system user (only root may). `end_signal` is what the
    watcher sends when this program has died. `keep_open` are file descriptors the server holds,
    so that a lock lives as long as either of us. `environment` replaces this program's own.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is ours to hear: we stop our servers in order
            pass_fds=tuple(keep_open),
            env=environment,
            **as_user(user),
        )
    return Child(process, _watch(process.pid, end_signal) if die_with_parent else None)


class UserArguments(TypedDict, total=False):
    """The arguments of `subprocess` that run a program as somebody else."""

    user: str
    group: int
    extra_groups: list[int]


def as_user(user: str | None) -> UserArguments:
    """Return the arguments that run a program as this user and none of our own groups."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _watch(pid: int, number: int) -> subprocess.Popen[bytes]:
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCHER, str(pid), str(int(number))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    if watcher.stdout is not None:
        # Wait until it holds the server, so that it never signals a number used again.
        os.read(watcher.stdout.fileno(), 1)
        watcher.stdout.close()
    return watcher
