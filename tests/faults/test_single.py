"""One thing goes wrong at a time: downtime over a deadline, silence, odd input, a case that cannot run."""

import asyncio
from datetime import timedelta

import pytest

from domain.work import events as e
from engine.errors import ActRefused, EngineError
from engine.upkeep import compare_with_engine, failing_subjects
from records import alarms, cases, stalled
from tests.builders import MONDAY, STALLED, a_life, an_act
from tests.workflows.conftest import Lab, lab
from workflows.messages import Act, workflow_id
from workflows.state import RunState

__all__ = ["lab"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


async def test_it_fires_once_what_fell_due_while_no_worker_lived(lab: Lab) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    await lab.stop_worker()
    moving = asyncio.create_task(lab.days_pass(opening, 60))
    await asyncio.sleep(1)
    assert not moving.done()
    assert not [event for event in lab.events(opening) if isinstance(event, e.RungFired)]
    await lab.start_worker()
    await moving
    assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_comes_through_a_month_of_silence(lab: Lab) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 30)
    expected = a_life((30, None), opening=opening)
    assert lab.events(opening) == list(expected.events)
    answered = await lab.act(opening, ASK)
    assert answered.version > expected.case.version
    assert (await lab.engine.progress(opening.case_id)).trouble == ""


ODD: tuple[dict[str, object], ...] = (
    {},
    {"do": "no such thing", "by": "x", "user": "y"},
    {"do": "note", "by": "host-case", "user": "u", "nonsense": 1},
    {"do": "note", "by": "\x00", "user": "\ud7ff", "step": "\u202e" * 50},
    {"do": "hold", "by": "host-case", "user": "u", "until": "9999-12-31", "reason": "text:1"},
    {"do": "note", "by": "host-case", "user": "u", "step": "ask", "note": "x" * 1_500_000},
)


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
async def test_it_refuses_or_records_odd_input_and_lives_on(
    lab: Lab, body: dict[str, object]
) -> None:
    opening = await lab.open()
    handle = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    try:
        async with asyncio.timeout(30):
            await handle.execute_update("act", Act(dict(body), "content"), id="odd")
    except TimeoutError:
        pytest.fail("it gave no answer")
    except Exception as refused:  # noqa: BLE001 - any answer will do
        assert "\x00" not in str(refused)  # noqa: PT017
    version = (await lab.act(opening, ASK)).version
    assert [row.seq for row in lab.rows(opening)] == list(range(1, version + 1))


@pytest.mark.timeout(150)
async def test_it_names_a_case_that_the_engine_cannot_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, innocent = await lab.open(), await lab.open()
    queue = lab.settings.task_queue

    async def until(expected: set[str]) -> None:
        while await failing_subjects(lab.client, queue) != expected:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.5)
        with lab.database.begin() as connection:
            alarms.stuck(connection, expected, MONDAY)

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    with monkeypatch.context() as code:
        code.setattr(RunState, "batch", broken)  # a fault outside every guard of ours
        with pytest.raises((EngineError, TimeoutError)):
            async with asyncio.timeout(2):
                await lab.act(opening, ASK)
        await until({opening.case_id})
        with lab.database.begin() as connection:
            assert alarms.count_stuck(connection) == 1
            page = stalled.page(connection, MONDAY + timedelta(hours=1), limit=9, rehearsal=True)
            assert [(row.case_id, row.stuck) for row in page.items] == [(opening.case_id, True)]
            other = cases.find(connection, innocent.case_id)
            assert other is not None
            assert not other.stuck
    # The code is mended: the task is tried again, by itself, and nothing was lost.
    await until(set())
    with lab.database.begin() as connection:
        assert alarms.count_stuck(connection) == 0
    try:
        await lab.act(opening, ASK)
    except ActRefused as refused:
        assert refused.slug in {"wrong-state", "conflict"}  # it was done after all  # noqa: PT017
    await lab.rest(opening)
    assert await compare_with_engine(lab.database, lab.settings) == []
