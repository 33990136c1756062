"""`python -m benchmarks [names] [--quick]`: measures, prints tables, writes JSON beside the data.

It asserts nothing: a machine that is busy gives other figures, and the ratios say more than they.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import herd, lists, steps, stories
from benchmarks.figures import Report
from benchmarks.installation import Installation
from settings import Settings

Benchmark = Callable[..., Awaitable[list[Report]]]
BENCHMARKS: dict[str, Benchmark] = {
    "steps": steps.run,
    "stories": stories.run,
    "lists": lists.run,
    "herd": herd.run,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--quick", action="store_true", help="a few seconds: only that it runs")
    parser.add_argument("--file", action="store_true", help="Temporal on a file, not in memory")
    parser.add_argument("--million", action="store_true", help="lists at a million cases: minutes")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")
    reports: list[Report] = []
    for name in given.names or BENCHMARKS:
        print(f"-- {name} ...", flush=True)
        with Installation(on_file=given.file) as installation:
            benchmark = BENCHMARKS[name]
            if given.million and name == "lists":
                benchmark = partial(lists.run, million=True)
            found = asyncio.run(_run(benchmark, installation, quick=given.quick))
        for report in found:
            print("\n".join(report.lines()), flush=True)
        reports += found
    if not given.quick:
        print(f"written to {_written(reports)}")
    gc.collect()
    sys.stdout.flush()
    os._exit(0)  # the SDK's threads may still hold Python objects


async def _run(benchmark: Benchmark, installation: Installation, *, quick: bool) -> list[Report]:
    return await benchmark(installation, quick=quick)


def _written(reports: list[Report]) -> Path:
    now = datetime.now(UTC)
    folder = Settings().data_dir / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    told = {
        "at": now.isoformat(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "reports": [asdict(report) for report in reports],
    }
    file.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
