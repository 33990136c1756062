"""Every test has a tier, and keeps to its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import tiers
from tests.tiers import SECONDS, TIERS, check_seconds, examples, seconds_of, tier_of

HERE = Path(__file__).parent


def test_it_knows_the_tier_of_every_test_there_is() -> None:
    files = {str(path.relative_to(HERE.parent)) for path in HERE.rglob("test_*.py")}
    assert {tier_of(f"{file}::test_it") for file in files} == set(TIERS)


def test_it_names_no_folder_that_is_gone() -> None:
    assert [home for home in tiers.HOMES if not (HERE / home).exists()] == []


@pytest.mark.parametrize("nodeid", ["tests/nowhere/test_x.py::test_it", "elsewhere/test_x.py"])
def test_it_takes_no_test_without_a_tier(nodeid: str) -> None:
    with pytest.raises(pytest.UsageError, match="has no tier"):
        tier_of(nodeid)


def test_it_marks_each_test(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("unit") is not None


class Item:
    """What is asked of a collected test: its name, and its mark."""

    def __init__(self, nodeid: str, slow: pytest.Mark | None = None) -> None:
        self.nodeid, self.slow = nodeid, slow

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.slow if name == "slow" else None


def check(nodeid: str, spent: float, *slow: Any) -> None:
    mark = pytest.mark.slow(*slow).mark if slow else None
    item: Any = Item(nodeid, mark)
    check_seconds(item, spent)


@pytest.mark.parametrize("folder", ["domain", "records", "api"])
def test_it_fails_what_takes_too_long(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "PROFILE", "quick")
    check(f"tests/{folder}/test_x.py::test_it", SECONDS)
    with pytest.raises(pytest.fail.Exception, match=r"It took 3\.1 s"):
        check(f"tests/{folder}/test_x.py::test_it", SECONDS + 0.1)


@pytest.mark.parametrize("folder", ["workflows", "faults", "browser"])
def test_it_lets_the_slow_tiers_take_their_time(folder: str) -> None:
    check(f"tests/{folder}/test_x.py::test_it", 60)


def test_it_lets_a_marked_one_take_what_its_mark_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "PROFILE", "quick")
    check("tests/api/test_x.py::test_it", 9, 10, "a state machine")
    with pytest.raises(pytest.fail.Exception, match="10 s is the most"):
        check("tests/api/test_x.py::test_it", 11, 10, "a state machine")


@pytest.mark.parametrize(
    "slow", [(), (10,), (10, " "), ("long", "why"), (2, "no more than others")]
)
def test_it_takes_no_mark_without_a_number_and_a_reason(slow: tuple[Any, ...]) -> None:
    with pytest.raises(pytest.UsageError, match="and a reason"):
        seconds_of(pytest.mark.slow(*slow).mark)


@pytest.mark.parametrize(("profile", "tried"), [("quick", 15), ("nightly", 60)])
def test_it_looks_further_at_night(
    profile: str, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "PROFILE", profile)
    assert examples(quick=15, nightly=60) == tried
