"""Stories played for real: the same file, the same events, letter for letter, as on the core.

Real timers, a real worker in a process of its own, events read back from PostgreSQL.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from domain.work.events import RungFired
from story.engine import EngineStage
from story.engine_fixture import EngineRoom
from story.file import read_story
from story.player import Played, play
from story.rulebooks import added_words, rulebook_of
from story.stage import CoreStage, Stage
from worker import run_worker
from workflows.encoding import canonical, event_to_json
from workflows.state import RunState, Step

STORIES = Path(__file__).parents[2] / "stories"
PLAYED = (
    "a-stall-the-committee-decides",
    "two-officers-at-once",
    "a-hold-keeps-what-is-left",
    "vacancy-skips-a-rung",
    "s01-thai-adult-from-a-lao-zone",
    "s12-no-feedback-after-return",
)

# One room for all of them: they run in one process, one after the other.
pytestmark = [pytest.mark.xdist_group("engine room"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def room() -> Iterator[EngineRoom]:
    with EngineRoom() as built:
        yield built


def played(file: Path, stage: Stage) -> Played:
    story = read_story(file, added_words)
    return play(story, rulebook_of(story.rules), stage, rulebook_of)


def told(one: Played) -> list[str]:
    """Every event as the ledger writes it."""
    histories = one.histories.values()
    return [canonical(event_to_json(event)) for history in histories for event in history.events]


@contextmanager
def a_stage(room: EngineRoom) -> Iterator[EngineStage]:
    stage = EngineStage(room)
    try:
        yield stage
    finally:
        stage.leave()


@pytest.mark.parametrize("name", PLAYED)
def test_it_plays_a_story_on_the_engine_as_on_the_core(room: EngineRoom, name: str) -> None:
    file = STORIES / f"{name}.toml"
    with a_stage(room) as stage:
        real = played(file, stage)
    assert real.ok
    assert told(real) == told(played(file, CoreStage()))


DISTURBANCES = """
[[disturb]]
at = 2026-03-05T10:00:00
do = "kill worker"

[[disturb]]
at = 2026-03-11T10:00:00
do = "continue as new"

[[disturb]]
at = 2026-04-13T08:30:00
do = "kill server"

[[disturb]]
at = 2026-04-28T09:00:00
do = "stop database 5 s"
"""


def test_it_plays_a_story_through_every_disturbance(room: EngineRoom, tmp_path: Path) -> None:
    file = tmp_path / "disturbed.toml"
    calm = (STORIES / "a-stall-the-committee-decides.toml").read_text(encoding="utf-8")
    file.write_text(calm + DISTURBANCES, encoding="utf-8")
    with a_stage(room) as stage:
        real = played(file, stage)
    assert real.ok
    assert told(real) == told(played(file, CoreStage()))


@contextmanager
def a_worker_in_this_process(room: EngineRoom) -> Iterator[None]:
    stop = asyncio.Event()
    working: Future[None] = asyncio.run_coroutine_threadsafe(
        run_worker(room.settings, stop), room.loop
    )
    yield
    room.loop.call_soon_threadsafe(stop.set)
    working.result(30)


def test_it_notices_a_rung_that_is_broken_only_in_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = RunState.wake

    def without_the_second_rung(self: RunState, *given: object) -> Step:
        step = whole(self, *given)  # type: ignore[arg-type]
        kept = [
            replace(event, to=()) if isinstance(event, RungFired) and event.rung == "E2" else event
            for event in step.events
        ]
        return replace(step, events=tuple(kept))

    file = STORIES / "a-stall-the-committee-decides.toml"
    monkeypatch.setattr(RunState, "wake", without_the_second_rung)
    with (
        EngineRoom(with_worker=False) as room,
        a_worker_in_this_process(room),
        a_stage(room) as stage,
    ):
        broken = played(file, stage)
    core = played(file, CoreStage())
    assert core.ok
    assert told(broken) != told(core)
    assert not broken.ok
