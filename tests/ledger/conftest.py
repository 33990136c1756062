"""A lab as the tests of running cases have it, and one whose Temporal server keeps a file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local import temporal as local_temporal
from local.temporal import RunningTemporal, start_temporal
from tests.ledger.rooms import Fragile
from tests.workflows.conftest import lab, lab_on, settings_for

__all__ = ["lab"]

# A closed run is deleted only after the server has noted how far its queues have come. It does so
# every 30 seconds, which a test that lets the engine forget a case would otherwise wait for.
NOTED_OFTEN = {
    f"history.{queue}ProcessorUpdateAckInterval": '"200ms"'
    for queue in ("transfer", "visibility", "timer")
}


@pytest.fixture(scope="session")
def temporal() -> Iterator[RunningTemporal]:
    """The server of all tests, but one that forgets a closed run soon after it is asked to."""
    with pytest.MonkeyPatch.context() as patched:
        for key, value in NOTED_OFTEN.items():
            patched.setitem(local_temporal._VIRTUAL_TIME, key, value)
        server = start_temporal(time_skipping=True)
    with server:
        yield server


@pytest.fixture
async def fragile(postgres_url: str, tmp_path: Path) -> AsyncIterator[Fragile]:
    """A lab whose engine's store may be taken away, or put back as it was."""
    file = tmp_path / "temporal.db"
    server = await asyncio.to_thread(lambda: start_temporal(file, time_skipping=True))
    built = Fragile(await lab_on(settings_for(postgres_url, server, tmp_path)), server, file)
    await built.lab.start_worker()
    yield built
    await built.end()
