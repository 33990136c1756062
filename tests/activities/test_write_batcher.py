import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from activities.write_batcher import MOST, WriteBatcher


@dataclass(frozen=True)
class Batch:
    subject_id: str
    number: int = 1


class Writer:
    """Takes batches, and holds them until it is told to go on."""

    def __init__(self) -> None:
        self.groups: list[list[Batch]] = []
        self.go_on = threading.Event()
        self.wrong: dict[str, Exception] = {}

    def write(self, batches: Sequence[Batch]) -> Mapping[str, int | Exception]:
        self.groups.append(list(batches))
        self.go_on.wait(10)
        return {b.subject_id: self.wrong.get(b.subject_id, b.number) for b in batches}


async def until(writer: Writer, groups: int) -> None:
    async with asyncio.timeout(10):
        while len(writer.groups) < groups:  # noqa: ASYNC110 - the writer is a thread
            await asyncio.sleep(0.005)


async def test_it_takes_whoever_comes_first_at_once_and_the_others_together() -> None:
    writer = Writer()
    batcher = WriteBatcher(writer.write, writers=1)
    puts = [asyncio.ensure_future(batcher.put(Batch(f"case {n}", n))) for n in range(5)]
    await until(writer, 1)
    writer.go_on.set()
    assert await asyncio.gather(*puts) == [0, 1, 2, 3, 4]
    assert [len(group) for group in writer.groups] == [1, 4]


async def test_it_bounds_a_group() -> None:
    writer = Writer()
    batcher = WriteBatcher(writer.write, writers=1)
    count = 2 * MOST + 3
    puts = [asyncio.ensure_future(batcher.put(Batch(f"case {n}", n))) for n in range(count)]
    await until(writer, 1)
    writer.go_on.set()
    await asyncio.gather(*puts)
    assert [len(group) for group in writer.groups] == [1, MOST, MOST, 2]


async def test_it_never_writes_one_case_twice_at_the_same_time() -> None:
    writer = Writer()
    batcher = WriteBatcher(writer.write, writers=2)
    puts = [asyncio.ensure_future(batcher.put(Batch("one", n))) for n in (1, 2, 3)]
    puts.append(asyncio.ensure_future(batcher.put(Batch("other", 9))))
    await until(writer, 2)
    assert writer.groups == [[Batch("one", 1)], [Batch("other", 9)]]
    writer.go_on.set()
    assert await asyncio.gather(*puts) == [1, 2, 3, 9]
    assert all(len({b.subject_id for b in group}) == len(group) for group in writer.groups)


async def test_it_tells_each_its_own_trouble() -> None:
    writer = Writer()
    writer.wrong["bad"] = ValueError("only this one")
    writer.go_on.set()
    batcher = WriteBatcher(writer.write, writers=1)
    good, bad = await asyncio.gather(
        batcher.put(Batch("good", 7)), batcher.put(Batch("bad")), return_exceptions=True
    )
    assert good == 7
    assert isinstance(bad, ValueError)


async def test_it_tells_everybody_when_writing_itself_broke() -> None:
    def broken(batches: Sequence[Batch]) -> Mapping[str, int | Exception]:
        raise RuntimeError(len(batches))

    batcher = WriteBatcher(broken, writers=1)
    for _ in range(2):  # and the writer is free again afterwards
        with pytest.raises(RuntimeError):
            await batcher.put(Batch("one"))


async def test_it_goes_on_when_somebody_no_longer_waits() -> None:
    writer = Writer()
    batcher = WriteBatcher(writer.write, writers=1)
    first = asyncio.ensure_future(batcher.put(Batch("first")))
    await until(writer, 1)
    gone = asyncio.ensure_future(batcher.put(Batch("gone")))
    last = asyncio.ensure_future(batcher.put(Batch("last", 5)))
    await asyncio.sleep(0)
    first.cancel()
    gone.cancel()
    writer.go_on.set()
    assert await last == 5
    assert writer.groups == [[Batch("first")], [Batch("last", 5)]]
