"""The servers that tests run against: real ones, started once per xdist worker when first asked for.

Nothing here makes cases, people or offices: see `builders.py`. What a folder's tests need, and how long
they may take, stands in `tiers.py`.
"""

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.async_api import Page, async_playwright

from local.postgres import RunningPostgres, clone_database, drop_database, make_database
from local.postgres import start_postgres as start
from local.temporal import RunningTemporal, start_temporal
from tests import tiers

TEMPLATE = "migrated"
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What a workflow must not do is caught here; an installation runs without (docs/performance.md).
os.environ["HOMEWARD_SANDBOX"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    tiers.register(config)


def pytest_unconfigure() -> None:
    # The Temporal SDK's threads still hold Python objects; without this the exit may crash.
    gc.collect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which mutants were asked: those left out must not pass for noticed."""
    reports = (report for kind in terminalreporter.stats.values() for report in kind)
    if any(str(getattr(r, "nodeid", "")).startswith("tests/mutants/test_mut") for r in reports):
        from tests.mutants.choice import choose  # noqa: PLC0415 - asks git

        terminalreporter.write_line(f"mutants: {choose().sentence}")


def absent(what: str) -> NoReturn:
    """Skip a test loudly because the machine lacks something; in CI that is a failure."""
    sentence = f"NOT RUN: {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{sentence} (in CI it must be there)")
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A short folder that PostgreSQL's own user may enter, too; pytest's are neither."""
    folder = Path(tempfile.mkdtemp(prefix="homeward-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[RunningPostgres]:
    """The embedded PostgreSQL with one migrated database to clone."""
    with start(server_folder / "embedded", durable=False) as server:
        migrate_template(server)
        yield server


@pytest.fixture(scope="session")
def debian_programs() -> Path:
    """The oldest PostgreSQL that the machine's distribution brings: we support 15 and newer."""
    installed = sorted(DEBIAN_PROGRAMS.glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if not installed:
        absent("no PostgreSQL of the distribution is installed (apt-get install postgresql)")
    return installed[0].parent


@pytest.fixture(scope="session")
def debian_server(server_folder: Path, debian_programs: Path) -> Iterator[RunningPostgres]:
    """The distribution's PostgreSQL with one migrated database to clone."""
    with start(server_folder / "debian", programs=debian_programs, durable=False) as server:
        migrate_template(server)
        yield server


def migrate_template(server: RunningPostgres) -> None:
    from records.migrate import upgrade  # noqa: PLC0415 - most tests need no database

    upgrade(make_database(server.url, TEMPLATE))


@pytest.fixture
def postgres_url(postgres_server: RunningPostgres) -> Iterator[str]:
    """A fresh migrated database of its own for each test, on the embedded PostgreSQL."""
    yield from fresh_database(postgres_server)


@pytest.fixture(params=["postgres_server", "debian_server"])
def each_postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same on the embedded PostgreSQL and on the distribution's, one after the other."""
    yield from fresh_database(request.getfixturevalue(request.param))


def fresh_database(server: RunningPostgres) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield clone_database(server.url, TEMPLATE, name)
    drop_database(server.url, name)


@pytest.fixture(scope="session")
def temporal() -> Iterator[RunningTemporal]:
    """A Temporal server in memory with virtual time; give each test its own task queue."""
    with start_temporal(time_skipping=True) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The machine's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return Path(found)
    absent("no Chromium on this machine, so no page was tried in a browser")


@pytest.fixture
async def page(chromium: Path) -> AsyncIterator[Page]:
    """An empty page on a phone of 360 pixels, in a browser of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=list(CHROMIUM_FLAGS)
        )
        context = await browser.new_context(viewport={"width": 360, "height": 740})
        context.set_default_timeout(10_000)
        yield await context.new_page()
        await browser.close()
