"""A lab as the tests of running cases have it, and one whose Temporal server keeps a file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.temporal import start_temporal
from tests.ledger.rooms import Fragile
from tests.workflows.conftest import lab, lab_on, settings_for

__all__ = ["lab"]


@pytest.fixture
async def fragile(postgres_url: str, tmp_path: Path) -> AsyncIterator[Fragile]:
    """A lab whose engine's store may be taken away, or put back as it was."""
    file = tmp_path / "temporal.db"
    server = await asyncio.to_thread(lambda: start_temporal(file, time_skipping=True))
    built = Fragile(await lab_on(settings_for(postgres_url, server, tmp_path)), server, file)
    await built.lab.start_worker()
    yield built
    await built.end()
