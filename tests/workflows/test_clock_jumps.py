"""A saved history whose clock jumps: it is replayed as it is, and no moment of the case runs back.

Within one run the SDK itself never shows an earlier moment than before; from one run to the next
only we see to it (`tests/faults/test_clocks.py`).
"""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from domain.event import Event
from engine.connection import sealed_converter
from settings import Settings
from tests.workflows.conftest import PAYLOAD_KEY
from worker import runner
from workflows.case import CaseWorkflow
from workflows.messages import Answer
from workflows.state import RunState, Step

SAVED = Path(__file__).parent / "histories" / "a-stall-decided.json"
ANSWER = 3  # which task of people it is in the saved history, the opening being 0
STARTED, FIRED = "workflowTaskStartedEventAttributes", "timerFiredEventAttributes"

History = list[dict[str, Any]]
Jump = Callable[[random.Random], timedelta]


def saved() -> History:
    told: History = json.loads(SAVED.read_text(encoding="utf-8"))["events"]
    return told


def moved(history: History, acts: Jump, timers: Jump, seed: int = 0) -> History:
    """The clock of each task after the first is moved: of one by a timer, of one by people.

    Of the answer by an hour at most: from it on a new office has its days, and were that earlier
    by days, the run would have asked for an earlier timer, and have another history.
    """
    events, chance = deepcopy(history), random.Random(seed)  # noqa: S311 - to be repeated
    by_timer, count = False, -1
    for event in events:
        by_timer |= FIRED in event
        if STARTED not in event:
            continue
        by = (timers if by_timer else acts)(chance)
        count += not by_timer
        if count == ANSWER and not by_timer:
            by = max(by, -timedelta(hours=1))
        if count > 0:
            event["eventTime"] = _earlier(event, -by)
        by_timer = False
    return events


def _earlier(event: dict[str, Any], by: timedelta) -> str:
    return (datetime.fromisoformat(event["eventTime"]) - by).isoformat().replace("+00:00", "Z")


def rung_too_early(history: History, by: timedelta) -> History:
    """The clock goes back just as the first timer rings: it asks again, as it did for real.

    Five events more: the timer rings, a task sees an earlier clock, and sets another timer.
    """
    events = deepcopy(history)
    place = next(n for n, event in enumerate(events) if FIRED in event)
    begun = next(n for n, event in enumerate(events) if "timerStartedEventAttributes" in event)
    rings, task = events[place], deepcopy(events[place : place + 4])
    fired, scheduled, started, completed = task
    started["eventTime"] = _earlier(rings, by)
    again = deepcopy(events[begun])
    first_id = int(rings["eventId"])
    again["eventId"] = str(first_id + 4)
    again["timerStartedEventAttributes"] |= {
        "timerId": "2",
        "workflowTaskCompletedEventId": completed["eventId"],
    }
    later = [_five_on(event, first_id) for event in events[place:]]
    later[0][FIRED]["startedEventId"] = again["eventId"]
    return [*events[:place], fired, scheduled, started, completed, again, *later]


def _five_on(event: dict[str, Any], first_id: int) -> dict[str, Any]:
    """The same event behind the five: every number of an event or timer behind them is later."""
    told = deepcopy(event)
    told["eventId"] = str(int(told["eventId"]) + 5)
    for name, attributes in told.items():
        if not name.endswith("EventAttributes"):
            continue
        for key, value in attributes.items():
            if key.endswith("EventId") and int(value) >= first_id:
                attributes[key] = str(int(value) + 5)
            if key == "timerId":
                attributes[key] = str(int(value) + 1)
    return told


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event that a replayed case takes up."""
    events: list[Event] = []
    take = RunState.take

    def noted(state: RunState, step: Step, key: str = "", content: str = "") -> Answer:
        events.extend(step.events)
        return take(state, step, key, content)

    monkeypatch.setattr(RunState, "take", noted)
    return events


async def replayed(history: History, folder: Path, *, sandbox: bool = False) -> None:
    replayer = Replayer(
        workflows=[CaseWorkflow],
        data_converter=sealed_converter(Settings(data_dir=folder, payload_key=PAYLOAD_KEY)),
        workflow_runner=runner(sandbox=sandbox),
    )
    text = json.dumps({"events": history})
    await replayer.replay_workflow(WorkflowHistory.from_json("case/saved", text))


async def as_it_was(folder: Path, taken: list[Event]) -> list[Event]:
    """What happened in the case when no clock jumped."""
    await replayed(saved(), folder)
    happened = taken.copy()
    taken.clear()
    assert len(happened) > 20
    return happened


def never_back(events: list[Event]) -> bool:
    moments = [event.at for event in events]
    return moments == sorted(moments)


NOT = timedelta(0)
JUMPS: dict[str, tuple[Jump, Jump]] = {
    "acts six years back": (lambda _: -timedelta(days=2_190), lambda _: NOT),
    "acts two days back": (lambda _: -timedelta(days=2), lambda _: NOT),
    "timers hours late": (lambda _: NOT, lambda _: timedelta(hours=6)),
    "late, then back": (lambda _: -timedelta(days=3), lambda _: timedelta(hours=6)),
}


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("jump", JUMPS)
async def test_it_replays_a_history_whose_clock_jumps(
    tmp_path: Path, taken: list[Event], jump: str, sandbox: bool
) -> None:
    expected = await as_it_was(tmp_path, taken)
    await replayed(moved(saved(), *JUMPS[jump]), tmp_path, sandbox=sandbox)
    assert [type(event) for event in taken] == [type(event) for event in expected]
    assert never_back(taken)


@pytest.mark.parametrize("seed", range(10))
async def test_it_replays_whatever_way_the_clock_jumps(
    tmp_path: Path, taken: list[Event], seed: int
) -> None:
    expected = await as_it_was(tmp_path, taken)
    history = moved(
        saved(),
        lambda chance: -timedelta(minutes=chance.randrange(60 * 24 * 60)),
        lambda chance: timedelta(minutes=chance.randrange(60 * 12)),
        seed,
    )
    await replayed(history, tmp_path)
    assert [type(event) for event in taken] == [type(event) for event in expected]
    assert never_back(taken)


async def test_it_asks_again_when_the_clock_went_back_as_its_timer_rang(
    tmp_path: Path, taken: list[Event]
) -> None:
    expected = await as_it_was(tmp_path, taken)
    await replayed(rung_too_early(saved(), timedelta(hours=5)), tmp_path)
    assert taken == expected
