"""What a test needs around it: each folder of tests has one tier, and each tier its marker.

`make test TIER=unit` runs one of them. A test outside the slow tiers that takes more than three
seconds of processor time fails, unless it is marked `slow(seconds, why)`.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import PurePosixPath

import pytest

TIERS = {
    "unit": "no server: stories, the core, the rules",
    "db": "a real database",
    "api": "the API over a real database",
    "engine": "a real Temporal server, or programs as people start them",
    "fault": "what must survive being killed, cut off, or full",
    "browser": "pages in a real browser",
}
HOMES = {
    "domain": "unit",
    "rules": "unit",
    "story": "unit",
    "mutants": "unit",
    "test_tiers.py": "unit",
    "test_stories.py": "unit",
    "records": "db",
    "api": "api",
    "workflows": "engine",
    "ledger": "engine",
    "activities": "engine",
    "local": "engine",
    "benchmarks": "engine",
    "test_cli.py": "engine",
    "test_cli_tokens.py": "engine",
    "test_worker.py": "engine",
    "faults": "fault",
    "browser": "browser",
}
UNLIMITED = frozenset({"engine", "fault", "browser"})
SECONDS = 3.0  # of this process's processors: a busy machine fails no sound test

PROFILE = os.environ.get("HOMEWARD_PROFILE") or "quick"
PROFILES = ("quick", "nightly")


def examples(quick: int, nightly: int) -> int:
    """How many examples a state machine tries: more at night, when nobody waits."""
    return nightly if PROFILE == "nightly" else quick


def tier_of(nodeid: str) -> str:
    """The tier of a test by its folder; raises UsageError for a folder that has none."""
    parts = PurePosixPath(nodeid.partition("::")[0]).parts
    home = parts[1] if len(parts) > 1 and parts[0] == "tests" else nodeid
    if home not in HOMES:
        raise pytest.UsageError(f"{home} has no tier: say in tests/tiers.py what its tests need")
    return HOMES[home]


class Tiers:
    """The plugin: marks each test, holds it to its limit, and says what each tier took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.tests: dict[str, int] = defaultdict(int)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.add_marker(tier_of(item.nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        before = time.process_time()
        result = yield
        check_seconds(item, time.process_time() - before)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        tier = tier_of(report.nodeid)
        self.seconds[tier] += report.duration
        self.tests[tier] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.seconds:
            return
        terminalreporter.section("seconds of each tier")
        for tier in (tier for tier in TIERS if tier in self.seconds):
            words = f"{tier:8}{self.seconds[tier]:7.0f} s {self.tests[tier]:6} tests"
            terminalreporter.write_line(words)
        seed = terminalreporter.config.getoption("randomly_seed", None)
        if isinstance(seed, int):
            terminalreporter.write_line(f"in this order again: --randomly-seed={seed}")


def check_seconds(item: pytest.Item, spent: float) -> None:
    """Fail a test that took longer than its tier, or its own mark `slow`, lets it."""
    if tier_of(item.nodeid) in UNLIMITED or PROFILE == "nightly":
        return
    limit = seconds_of(item.get_closest_marker("slow"))
    if spent > limit:
        pytest.fail(
            f"It took {spent:.1f} s of processor time, and {limit:.0f} s is the most here. Ask less, "
            "move it to the tier it belongs to, or mark it slow(seconds, why).",
            pytrace=False,
        )


def seconds_of(slow: pytest.Mark | None) -> float:
    """How long a test may take; raises UsageError for a mark that gives no number or no reason."""
    if slow is None:
        return SECONDS
    match slow.args:
        case (int() | float() as seconds, str(why)) if seconds > SECONDS and why.strip():
            return float(seconds)
    raise pytest.UsageError("slow(seconds, why): more seconds than others have, and a reason")


def register(config: pytest.Config) -> None:
    """Make the tiers known to a run of pytest; raises UsageError for a profile that is none."""
    if PROFILE not in PROFILES:
        raise pytest.UsageError(f"HOMEWARD_PROFILE is quick or nightly, not {PROFILE}")
    for name, needs in TIERS.items():
        config.addinivalue_line("markers", f"{name}: {needs}")
    config.addinivalue_line("markers", "slow(seconds, why): may take so long, for this reason")
    config.pluginmanager.register(Tiers(), "tiers")
