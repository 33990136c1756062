"""That each benchmark runs and compares something. Never how fast: a busy machine is no bug."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.figures import Report

PROJECT = Path(__file__).parents[2]

pytestmark = [pytest.mark.xdist_group("benchmarks"), pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_it_measures_and_prints_a_ratio(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"ratio: .* \d", done.stdout)


def test_it_names_the_benchmarks_it_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "there is no benchmark named nothing" in done.stderr


def test_it_tells_median_and_range() -> None:
    report = Report("something")
    for value in (3.0, 1.0, 2.0):
        report.add("ours", 2 * value, "ms")
        report.add("bare", value, "ms")
    report.ratio("p50", "ours", "bare")
    assert report.figures["ours"].told == "4.00 (2.00-6.00) ms"
    assert report.figures["ratio: p50"].told == "2.00"
