"""Everything on one machine comes back by itself, whatever of it was killed."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.postgres import remove_postgres
from local.stack import Stack, _is_ready, running
from settings import Settings

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="homeward-stack-"))
    folder.chmod(0o711)  # PostgreSQL's own user must be able to enter
    built = Stack(Settings(data_dir=folder, api_port=0, rehearsal=True), say=lambda _: None)
    serving = threading.Thread(target=built.serve)
    serving.start()
    try:
        until(lambda: running(built.settings) is not None)
        yield built
    finally:
        built.stop.set()
        serving.join()
        remove_postgres(folder / "postgresql")
        shutil.rmtree(folder, ignore_errors=True)


def until(so: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it did not come back"
        time.sleep(0.1)


def pid_of(stack: Stack, name: str) -> int | None:
    return (stack.servers.get(name) or stack.children[name]).pid


@pytest.mark.parametrize("name", ["PostgreSQL", "Temporal", "worker", "api"])
def test_it_starts_again_what_was_killed(stack: Stack, name: str) -> None:
    here, killed = running(stack.settings), pid_of(stack, name)
    assert here is not None
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    until(lambda: pid_of(stack, name) not in {None, killed})
    until(lambda: _is_ready(here.url))
