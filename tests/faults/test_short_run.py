"""The suite of `make faults`, short: everything is killed while people work, then all is checked."""

import asyncio

import pytest

from faults.installation import Installation
from faults.killer import WAYS
from faults.run import run

SEED = 4


@pytest.mark.timeout(300)
def test_it_loses_doubles_and_wedges_nothing_when_everything_is_killed() -> None:
    with Installation() as installation:
        outcome = asyncio.run(run(installation, seed=SEED, kills=5, cases=4, say=lambda _: None))
    assert sum(blow.killed for blow in outcome.blows) >= 5
    assert {blow.way for blow in outcome.blows} <= set(WAYS)
    assert outcome.answered > 5
    assert outcome.facts == 7  # crossings, days off and a chief who leaves
    assert outcome.found == [], f"seed {SEED}"
