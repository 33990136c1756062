"""The loop under all work on many subjects, carried by an errand that knows no case."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from activities.bulk import PAGE, TRIES, Became, LaterError, send_page
from engine.errors import EngineAway
from workflows.bulk import Counts

FAST = 1e6  # a second


@dataclass
class Rows:
    """Numbered rows that are sent somewhere; some of them are trouble."""

    count: int
    silent: dict[str, int] = field(default_factory=dict)  # so many times without an answer
    refused: frozenset[str] = frozenset()
    away_at: str = ""
    sent: list[str] = field(default_factory=list)
    noted: dict[str, Became] = field(default_factory=dict)

    async def next(self, after: str, limit: int) -> Sequence[str]:
        rows = [f"{number:04}" for number in range(self.count)]
        return [row for row in rows if row > after and row not in self.noted][:limit]

    async def send(self, subject: str) -> Became:
        if subject == self.away_at:
            raise EngineAway
        self.sent.append(subject)
        if self.silent.get(subject, 0) > 0:
            self.silent[subject] -= 1
            raise LaterError("no-answer")
        return Became("refused", "not-yours") if subject in self.refused else Became("done")

    async def note(self, subject: str, became: Became) -> None:
        self.noted[subject] = became


async def test_it_comes_to_each_once_page_by_page() -> None:
    rows = Rows(PAGE + 3)
    first = await send_page(rows, "", per_second=FAST)
    second = await send_page(rows, first.last, per_second=FAST)
    third = await send_page(rows, second.last, per_second=FAST)
    assert (first.counts, second.counts) == (Counts(done=PAGE), Counts(done=3))
    assert (third.last, third.counts) == ("", Counts())
    assert rows.sent == sorted(set(rows.sent))
    assert len(rows.sent) == PAGE + 3


async def test_one_that_gives_no_answer_or_refuses_stops_nobody() -> None:
    rows = Rows(4, silent={"0001": 1, "0002": TRIES}, refused=frozenset({"0003"}))
    page = await send_page(rows, "", per_second=FAST)
    assert page.counts == Counts(done=2, refused=1, failed=1)
    assert rows.noted["0001"] == Became("done")
    assert rows.noted["0002"] == Became("failed", "no-answer")
    assert rows.noted["0003"] == Became("refused", "not-yours")


async def test_it_goes_on_behind_what_is_noted_when_nobody_could_be_asked() -> None:
    rows = Rows(4, away_at="0002")
    with pytest.raises(EngineAway):
        await send_page(rows, "", per_second=FAST)
    rows.away_at = ""
    page = await send_page(rows, "", per_second=FAST)
    assert rows.sent == ["0000", "0001", "0002", "0003"]
    assert page.counts == Counts(done=2)


async def test_a_worker_that_stops_leaves_the_rest_to_another() -> None:
    rows = Rows(4)
    beats: list[int] = []

    def stops_at_the_third() -> None:
        beats.append(1)
        if len(beats) == 3:
            raise RuntimeError("this worker stops")

    with pytest.raises(RuntimeError, match="stops"):
        await send_page(rows, "", beat=stops_at_the_third, per_second=FAST)
    assert list(rows.noted) == ["0000", "0001"]
