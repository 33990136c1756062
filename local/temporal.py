"""Starts a Temporal server on this machine, in memory or on a file, and stops it again.

For rehearsals and tests only: the server sees no network but this machine's own.
"""

import fcntl
import http.client
import os
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from local.cache import Say, say_aloud
from local.errors import NoServer
from local.ports import free_port
from local.processes import Child, start_child
from local.temporal_binary import find_temporal
from settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 30.0

# One machine's server serves one installation: its guards against noisy neighbours only slow it.
_RATES = dict.fromkeys(
    (
        "frontend.rps",
        "frontend.namespaceRPS",
        "frontend.namespaceRPS.visibility",
        "frontend.persistenceMaxQPS",
        "history.rps",
        "history.persistenceMaxQPS",
        "matching.rps",
        "matching.persistenceMaxQPS",
    ),
    "100000",
)

# A case whose tasks fail is named after three of them, and tried again every five seconds.
_FAILING = {
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "3",
    "history.workflowTaskRetryMaxInterval": '"5s"',
}

# Virtual time that costs milliseconds a timer and loses none at continue-as-new. Servers after
# 1.32 spell the first key with `system.`; a key a server does not know only makes it warn.
_VIRTUAL_TIME = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "system.workflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"10ms"',
    "history.timerProcessorMaxPollRPS": "100000",
    "history.workflowIdReuseMinimalInterval": '"0s"',
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": "100000",
}


@dataclass
class RunningTemporal:
    """A Temporal server that answers; `pid` is None for one that was not started here."""

    address: str
    namespace: str = "default"
    log_file: Path | None = None
    ui_url: str | None = None
    _command: list[str] = field(default_factory=list, repr=False)
    _http_port: int = field(default=0, repr=False)
    _child: Child | None = field(default=None, repr=False)
    _lock: IO[str] | None = field(default=None, repr=False)
    _die_with_parent: bool = field(default=True, repr=False)
    _log_is_ours: bool = field(default=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The server's process id, while it runs and was started here."""
        return self._child.pid if self._child and self._child.is_running() else None

    @property
    def has_died(self) -> bool:
        """Whether it was started here and ended without being asked."""
        return self._child is not None and not self._child.is_running()

    def stop(self) -> None:
        """Stop the server in order; nothing happens to one that was not started here."""
        self._end(signal.SIGTERM)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._log_is_ours and self.log_file is not None:
            self.log_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL); `restart` brings it back."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again on the same ports and the same file, stopping it first if it still runs."""
        self._end(signal.SIGTERM)
        self._start()

    def _end(self, number: int) -> None:
        if self._child is not None:
            self._child.end(number)
            self._child = None

    def _start(self) -> None:
        if self.log_file is None:
            raise NoServer(
                "This Temporal server was not started here and cannot be restarted here."
            )
        self._child = start_child(
            self._command,
            self.log_file,
            die_with_parent=self._die_with_parent,
            keep_open=[self._lock.fileno()] if self._lock else [],
        )
        try:
            self._wait_until_it_answers(self._child, self.log_file)
        except BaseException:
            self._end(signal.SIGKILL)
            raise

    def _wait_until_it_answers(self, child: Child, log_file: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not child.is_running():
                raise NoServer(f"The Temporal server stopped at once; its log is {log_file}.")
            if _namespace_answers(self._http_port, self.namespace):
                return
            time.sleep(0.03)
        raise NoServer(
            f"The Temporal server did not answer in {START_SECONDS:.0f} s; its log is {log_file}."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_temporal(
    db_file: Path | None = None,
    port: int | None = None,
    time_skipping: bool = False,
    *,
    namespace: str = "default",
    ui_port: int | None = None,
    log_file: Path | None = None,
    die_with_parent: bool = True,
    say: Say = say_aloud,
) -> RunningTemporal:
    """Start a server and wait until its namespace answers.

    `db_file` keeps the state across restarts; without it everything is in memory. `port` is a free
    one unless given. `time_skipping` sets the flags of virtual time, for tests and rehearsals.
    `ui_port` also serves the web pages of Temporal. Raises `NoServer`.
    """
    program = find_temporal(say)
    grpc_port = port or free_port(HOST)
    http_port = free_port(HOST)
    command = [str(program), "server", "start-dev", "--ip", HOST, "--port", str(grpc_port)]
    command += ["--http-port", str(http_port), "--metrics-port", str(free_port(HOST))]
    command += ["--namespace", namespace, "--log-level", "warn"]
    if ui_port is None:
        command.append("--headless")
    else:
        command += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    for key, value in (_RATES | _FAILING | (_VIRTUAL_TIME if time_skipping else {})).items():
        command += ["--dynamic-config-value", f"{key}={value}"]
    lock = None
    if db_file is not None:
        db_file = db_file.resolve()
        db_file.parent.mkdir(parents=True, exist_ok=True)
        command += ["--db-filename", str(db_file)]
        lock = _lock(db_file)
    server = RunningTemporal(
        address=f"{HOST}:{grpc_port}",
        namespace=namespace,
        log_file=log_file or (db_file.with_suffix(".log") if db_file else _temporary_log()),
        ui_url=f"http://{HOST}:{ui_port}" if ui_port else None,
        _command=command,
        _http_port=http_port,
        _lock=lock,
        _die_with_parent=die_with_parent,
        _log_is_ours=log_file is None and db_file is None,
    )
    try:
        server._start()  # noqa: SLF001 - our own
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return server


def temporal_for(settings: Settings, *, say: Say = say_aloud) -> RunningTemporal:
    """Return the server of these settings: the configured one, else one of this machine on a file.

    Nothing is started when `TEMPORAL_ADDRESS` or the SDK's environment names a server. A rehearsal
    gets virtual time.
    """
    address = configured_address(settings)
    if address is not None:
        return RunningTemporal(address=address, namespace=settings.namespace)
    return start_temporal(
        settings.data_dir / "temporal.db",
        time_skipping=settings.rehearsal,
        namespace=settings.namespace,
        say=say,
    )


def configured_address(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Return the address of the server that settings or the SDK's environment name, if any.

    A profile file is read only when the environment points to it: a file that happens to lie in
    somebody's home must not turn a rehearsal loose on a real server.
    """
    if settings.temporal_address:
        return settings.temporal_address
    if not any(environment.get(name) for name in ("TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE")):
        return None
    from temporalio.envconfig import ClientConfig  # noqa: PLC0415 - only here, and it is heavy

    return ClientConfig.load_client_connect_config().get("target_host")


def remove_temporal(db_file: Path) -> None:
    """Stop the server that runs on this file, whoever started it, and remove the file."""
    db_file = db_file.resolve()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "start-dev" in words and str(db_file) in words:
            process.terminate()
            try:
                process.wait(10)
            except psutil.TimeoutExpired:
                process.kill()
    for file in db_file.parent.glob(f"{db_file.stem}.*"):
        file.unlink()


def _namespace_answers(http_port: int, namespace: str) -> bool:
    connection = http.client.HTTPConnection(HOST, http_port, timeout=2)
    try:
        connection.request("GET", f"/api/v1/namespaces/{namespace}")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _lock(db_file: Path) -> IO[str]:
    """Hold the file for this server: two servers on one file would destroy it."""
    lock = db_file.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise NoServer(
            f"A Temporal server already runs on {db_file}: stop the Homeward that started it first."
        ) from None
    return lock


def _temporary_log() -> Path:
    handle, name = tempfile.mkstemp(prefix="homeward-temporal-", suffix=".log")
    os.close(handle)
    return Path(name)
