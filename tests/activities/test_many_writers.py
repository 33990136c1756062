"""Two workers, one of them always behind, and somebody who makes rows anew: nothing is lost."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from activities.projection import Projector
from records import ledger
from records.reproject import reproject, reproject_all
from records.session import make_engine
from tests.builders import ANSWERED_AND_CLOSED, STALLED, Life, a_life, an_act
from tests.records.writing import admit, every_row
from workflows.encoding import event_to_json
from workflows.messages import NewEvent
from workflows.ports import EventBatch

CASES = 16
EXCLUDED = an_act("flag", "host.focal", flag="conflict:host-national")
MOVES = (
    STALLED[0],
    *((20 + n, an_act("note", "host.case", step="ask", note=f"text:{n}")) for n in range(4)),
    (30, EXCLUDED),
    STALLED[1],
    *ANSWERED_AND_CLOSED[2:],
)


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


@dataclass
class Senders:
    """Send a life piece by piece: cancelled, twice, in pieces that overlap, to either worker."""

    workers: list[Projector]
    chance: random.Random

    async def send(self, life: Life) -> None:
        done = 0
        while done < len(life.events):
            until = min(len(life.events), done + self.chance.randint(1, 4))
            await self._piece(life, done, until)
            done = until

    async def _piece(self, life: Life, done: int, until: int) -> None:
        batch = batch_of(life, done + 1, until)
        worker, other = self.chance.sample(self.workers, 2)
        sent = asyncio.ensure_future(worker.project_events(batch))
        match self.chance.randint(0, 9):
            case 0:
                await asyncio.sleep(self.chance.random() / 100)
                sent.cancel()
                with suppress(asyncio.CancelledError):
                    await sent
                assert await other.project_events(batch) == until
            case 1 | 2:
                again = batch_of(life, max(1, done - 2), until)
                assert await other.project_events(again) == until
                assert await sent == until
            case _:
                assert await sent == until


def batch_of(life: Life, first: int, last: int) -> EventBatch:
    numbered = enumerate(life.events[first - 1 : last], start=first)
    told = tuple(NewEvent(seq, event_to_json(event), "key", "content") for seq, event in numbered)
    return EventBatch("case", life.case.id, told)


@pytest.mark.parametrize("remembers", [CASES, 3])
def test_it_writes_every_case_once_whoever_writes_it(database: Engine, remembers: int) -> None:
    lives = [a_life(*MOVES) for _ in range(CASES)]
    with database.begin() as connection:
        for life in lives:
            admit(connection, life)
    written = threading.Event()
    wrong: list[Exception] = []

    def make_anew() -> None:
        try:
            while not written.wait(0.05):
                reproject_all(database)
        except Exception as e:  # noqa: BLE001 - told to the test below
            wrong.append(e)

    async def everybody() -> None:
        workers = [Projector(database, remembers=remembers) for _ in range(2)]
        senders = Senders(workers, random.Random(remembers))  # noqa: S311 - a test's dice
        await asyncio.gather(*(senders.send(life) for life in lives))

    anew = threading.Thread(target=make_anew)
    anew.start()
    try:
        asyncio.run(everybody())
    finally:
        written.set()
        anew.join()
    assert wrong == []
    with database.begin() as connection:
        for life in lives:
            assert ledger.verify(connection, life.case.id) == []
            assert ledger.events_of(connection, life.case.id) == list(life.events)
        before = every_row(connection)
        reproject(connection)
        assert every_row(connection) == before
