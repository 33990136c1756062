"""One thing goes wrong at a time: downtime over a deadline, silence, odd input, a case that cannot run."""

import asyncio
from datetime import timedelta

import pytest

from activities.errors import ActRefused, EngineError
from activities.upkeep import compare_with_engine, failing_cases
from domain import events as e
from records import alarms, cases, stalled
from tests.builders import MONDAY, STALLED, a_life, an_act
from tests.workflows.conftest import House, house
from workflows.living import LivingCase
from workflows.messages import Act, workflow_id

__all__ = ["house"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


async def test_it_fires_once_what_fell_due_while_no_worker_lived(house: House) -> None:
    opening = await house.open()
    await house.days_pass(opening, 1)
    await house.act(opening, ASK)
    await house.stop_worker()
    moving = asyncio.create_task(house.days_pass(opening, 60))
    await asyncio.sleep(1)
    assert not moving.done()
    assert not [event for event in house.events(opening) if isinstance(event, e.RungFired)]
    await house.start_worker()
    await moving
    assert house.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_comes_through_a_month_of_silence(house: House) -> None:
    opening = await house.open()
    await house.days_pass(opening, 30)
    expected = a_life((30, None), opening=opening)
    assert house.events(opening) == list(expected.events)
    answered = await house.act(opening, ASK)
    assert answered.version > expected.case.version
    assert (await house.engine.progress(opening.case_id)).trouble == ""


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
    house: House, body: dict[str, object]
) -> None:
    opening = await house.open()
    handle = house.client.get_workflow_handle(workflow_id(opening.case_id))
    try:
        async with asyncio.timeout(30):
            await handle.execute_update("act", Act(dict(body), "content"), id="odd")
    except TimeoutError:
        pytest.fail("it gave no answer")
    except Exception as refused:  # noqa: BLE001 - any answer will do
        assert "\x00" not in str(refused)  # noqa: PT017
    version = (await house.act(opening, ASK)).version
    assert [row.seq for row in house.rows(opening)] == list(range(1, version + 1))


@pytest.mark.timeout(150)
async def test_it_names_a_case_that_the_engine_cannot_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, innocent = await house.open(), await house.open()
    queue = house.settings.task_queue

    async def until(expected: set[str]) -> None:
        while await failing_cases(house.client, queue) != expected:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.5)
        with house.database.begin() as connection:
            alarms.stuck(connection, expected, MONDAY)

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    with monkeypatch.context() as code:
        code.setattr(LivingCase, "batch", broken)  # a fault outside every guard of ours
        with pytest.raises((EngineError, TimeoutError)):
            async with asyncio.timeout(2):
                await house.act(opening, ASK)
        await until({opening.case_id})
        with house.database.begin() as connection:
            assert alarms.count_stuck(connection) == 1
            page = stalled.page(connection, MONDAY + timedelta(hours=1), limit=9, rehearsal=True)
            assert [(row.case_id, row.stuck) for row in page.items] == [(opening.case_id, True)]
            other = cases.find(connection, innocent.case_id)
            assert other is not None
            assert not other.stuck
    # The code is mended: the task is tried again, by itself, and nothing was lost.
    await until(set())
    with house.database.begin() as connection:
        assert alarms.count_stuck(connection) == 0
    try:
        await house.act(opening, ASK)
    except ActRefused as refused:
        assert refused.slug in {"wrong-state", "conflict"}  # it was done after all  # noqa: PT017
    await house.rest(opening)
    assert await compare_with_engine(house.database, house.settings) == []
