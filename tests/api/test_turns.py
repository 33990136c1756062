import asyncio
import gc

import pytest

from api.errors import TooMuchAtOnce
from api.turns import Turns


async def opened(turns: Turns, who: str, told: list[str], seconds: float = 0.0) -> None:
    async with turns.of(who):
        told.append(who)
        await asyncio.sleep(seconds)


async def test_it_lets_nobody_wait_for_an_import_of_somebody_else() -> None:
    turns, told = Turns(at_once=2), list[str]()
    many = [asyncio.create_task(opened(turns, "importer", told, 0.02)) for _ in range(20)]
    await asyncio.sleep(0)
    await opened(turns, "coordinator", told)
    assert told == ["importer", "importer", "coordinator"]
    await asyncio.gather(*many)
    assert told.count("importer") == len(many)


async def test_it_sends_away_who_waited_too_long_and_goes_on_afterwards() -> None:
    turns, told = Turns(at_once=1, patience=0.01), list[str]()
    first = asyncio.create_task(opened(turns, "importer", told, 0.1))
    await asyncio.sleep(0)
    with pytest.raises(TooMuchAtOnce):
        await opened(turns, "importer", told)
    await first
    await opened(turns, "importer", told)
    assert told == ["importer", "importer"]


async def test_it_gives_the_turn_back_after_an_error_and_after_a_cancellation() -> None:
    turns = Turns(at_once=1, patience=0.5)
    with pytest.raises(ValueError, match="wrong"):
        async with turns.of("importer"):
            raise ValueError("wrong")
    gone = asyncio.create_task(opened(turns, "importer", [], 5))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    told: list[str] = []
    await opened(turns, "importer", told)
    assert told == ["importer"]


async def test_it_forgets_people_who_open_nothing() -> None:
    turns = Turns()
    await opened(turns, "importer", [])
    gc.collect()
    assert not turns._lines
