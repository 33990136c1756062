import asyncio
import gc

import pytest

from api.errors import TooMuchAtOnce
from api.limits import Queues


async def opened(queues: Queues, who: str, told: list[str], seconds: float = 0.0) -> None:
    async with queues.of(who):
        told.append(who)
        await asyncio.sleep(seconds)


async def test_it_lets_nobody_wait_for_an_import_of_somebody_else() -> None:
    queues, told = Queues(at_once=2), list[str]()
    many = [asyncio.create_task(opened(queues, "importer", told, 0.02)) for _ in range(20)]
    await asyncio.sleep(0)
    await opened(queues, "coordinator", told)
    assert told == ["importer", "importer", "coordinator"]
    await asyncio.gather(*many)
    assert told.count("importer") == len(many)


async def test_it_sends_away_who_waited_too_long_and_goes_on_afterwards() -> None:
    queues, told = Queues(at_once=1, patience=0.01), list[str]()
    first = asyncio.create_task(opened(queues, "importer", told, 0.1))
    await asyncio.sleep(0)
    with pytest.raises(TooMuchAtOnce):
        await opened(queues, "importer", told)
    await first
    await opened(queues, "importer", told)
    assert told == ["importer", "importer"]


async def test_it_lets_the_next_go_on_after_an_error_and_after_a_cancellation() -> None:
    queues = Queues(at_once=1, patience=0.5)
    with pytest.raises(ValueError, match="wrong"):
        async with queues.of("importer"):
            raise ValueError("wrong")
    gone = asyncio.create_task(opened(queues, "importer", [], 5))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    told: list[str] = []
    await opened(queues, "importer", told)
    assert told == ["importer"]


async def test_it_forgets_people_who_open_nothing() -> None:
    queues = Queues()
    await opened(queues, "importer", [])
    gc.collect()
    assert not queues._queues
