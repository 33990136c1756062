"""`python -m faults --seed N --kills 200 --cases 100`: kill, check, print what was found."""

from __future__ import annotations

import argparse
import asyncio
import gc
import secrets
import statistics
import sys
from collections.abc import Sequence

from faults.installation import Installation
from faults.killer import Blow
from faults.run import Outcome, run
from local.errors import NoServer


def main() -> int:
    """Run once; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=None, help="stop killing after so long")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"seed {seed}: {given.kills} kills over {given.cases} cases", flush=True)
    try:
        with Installation() as installation:
            outcome = asyncio.run(
                run(
                    installation,
                    seed=seed,
                    kills=given.kills,
                    cases=given.cases,
                    minute=given.kills >= 100,
                    minutes=given.minutes,
                    say=_at_once,
                )
            )
    except NoServer as missing:
        print(missing, file=sys.stderr)
        return 1
    finally:
        gc.collect()  # the SDK's threads let go before Python ends
    print(table(outcome))
    return 1 if outcome.found else 0


def table(outcome: Outcome) -> str:
    """What was done, how often, and how long until an act was answered again."""
    ways: dict[str, list[Blow]] = {}
    for blow in outcome.blows:
        ways.setdefault(blow.way, []).append(blow)
    lines = [f"{'what':36} {'times':>5} {'away s':>12} {'answers again after s':>24}"]
    lines += [_line(way, blows) for way, blows in sorted(ways.items())]
    killed = sum(blow.killed for blow in outcome.blows)
    lines.append(
        f"seed {outcome.seed}: {killed} processes killed in {outcome.seconds:.0f} s; "
        f"{outcome.answered} changes accepted, {outcome.events} events, "
        f"{outcome.repeated} requests repeated, {outcome.facts} facts of the world"
    )
    lines.append(", ".join(f"{what}: {n}" for what, n in sorted(outcome.seen.items())))
    lines += [f"WRONG: {sentence}" for sentence in outcome.found] or ["Nothing was found."]
    return "\n".join(lines)


def _line(way: str, blows: Sequence[Blow]) -> str:
    down = [blow.down for blow in blows]
    back = [blow.recovery for blow in blows]
    away = f"{min(down):.1f}-{max(down):.1f}"
    again = f"median {statistics.median(back):.1f}, most {max(back):.1f}"
    return f"{way:36} {len(blows):5} {away:>12} {again:>24}"


def _at_once(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
