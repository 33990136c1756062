"""The worker as people start it: it waits for the engine, says so, and stops in good order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.ports import free_port
from local.temporal import start_temporal

PROJECT = Path(__file__).parents[1]


@contextmanager
def a_worker(
    folder: Path, *arguments: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    said = folder / "said.log"
    cleared = {k: v for k, v in os.environ.items() if not k.startswith(("HOMEWARD_", "TEMPORAL_"))}
    cleared.pop("DATABASE_URL", None)
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", *arguments],
            stdout=out,
            stderr=out,
            cwd=PROJECT,
            env={**cleared, "HOMEWARD_DATA_DIR": str(folder), **environment},
        )
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()


def wait_for(said: Path, words: str, times: int = 1, seconds: float = 20) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = said.read_text()
        if text.count(words) >= times:
            return text
        time.sleep(0.05)
    raise AssertionError(f"it never said {words!r}: {said.read_text()}")


def test_it_waits_for_the_engine_and_stops_in_order(postgres_url: str, tmp_path: Path) -> None:
    port = free_port()
    address = f"127.0.0.1:{port}"
    with a_worker(tmp_path, DATABASE_URL=postgres_url, TEMPORAL_ADDRESS=address) as (worker, said):
        wait_for(said, f"waiting for Temporal at {address}")
        with start_temporal(port=port):
            wait_for(said, "working on queue homeward")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(15) == 0
        assert said.read_text().count("waiting for Temporal") == 1
        assert "stopped" in said.read_text()


def test_it_stops_while_it_still_waits(postgres_url: str, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with a_worker(tmp_path, DATABASE_URL=postgres_url, TEMPORAL_ADDRESS=nowhere) as (worker, said):
        wait_for(said, "waiting for Temporal")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    with a_worker(tmp_path) as (worker, said):
        assert worker.wait(20) == 1
        assert "set DATABASE_URL" in said.read_text()
        assert "Traceback" not in said.read_text()


@contextmanager
def two_workers(database: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Two at work, and the process that keeps them."""
    with start_temporal() as server:
        where = {"DATABASE_URL": database, "TEMPORAL_ADDRESS": server.address}
        with a_worker(folder, "--processes", "2", **where) as (keeper, said):
            wait_for(said, "working on queue", times=2)
            yield keeper, said


def test_it_keeps_several_processes_at_work(postgres_url: str, tmp_path: Path) -> None:
    with two_workers(postgres_url, tmp_path) as (worker, said):
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        assert said.read_text().count("stopped") == 2


def test_it_leaves_no_process_behind_when_it_is_killed(postgres_url: str, tmp_path: Path) -> None:
    with two_workers(postgres_url, tmp_path) as (worker, _):
        kept = psutil.Process(worker.pid).children()
        assert len(kept) == 2
        worker.kill()
        _, alive = psutil.wait_procs(kept, timeout=30)
        assert not alive
