"""The same key is the same answer, whatever happened in between; another key is another act."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from activities.errors import ActRefused
from domain.commands import Opening
from tests.ledger.rooms import ANSWER, ASK, CLOSE, REOPEN, a_note, forget, renewed, run_of
from tests.workflows.conftest import House, new_key
from workflows.messages import KEY_REUSED, workflow_id

Meanwhile = Callable[[House, Opening], Awaitable[None]]


async def nothing(house: House, opening: Opening) -> None:
    del house, opening


async def other_acts(house: House, opening: Opening) -> None:
    for number in range(4):
        await house.act(opening, a_note(number + 10))


async def a_new_run(house: House, opening: Opening) -> None:
    await renewed(house, opening)


async def the_key_left_the_bounded_ledger(house: House, opening: Opening) -> None:
    await other_acts(house, opening)  # of which two are remembered
    await forget(house, opening, await renewed(house, opening))


async def a_restart(house: House, opening: Opening) -> None:
    del opening
    await house.stop_worker()
    await house.start_worker()


async def the_run_was_lost(house: House, opening: Opening) -> None:
    await house.client.get_workflow_handle(workflow_id(opening.case_id)).terminate("lost")
    await house.engine.go_on_from_ledger(opening.case_id)


async def the_case_closed(house: House, opening: Opening) -> None:
    for command in (ASK, ANSWER, CLOSE):
        await house.act(opening, command)
    await house.client.get_workflow_handle(workflow_id(opening.case_id)).result()


async def the_engine_forgot_the_closed_case(house: House, opening: Opening) -> None:
    await the_case_closed(house, opening)
    await forget(house, opening, await run_of(house, opening))


async def it_was_reopened(house: House, opening: Opening) -> None:
    await the_case_closed(house, opening)
    await house.act(opening, REOPEN)


EVERYTHING: tuple[Meanwhile, ...] = (
    nothing,
    other_acts,
    a_new_run,
    the_key_left_the_bounded_ledger,
    a_restart,
    the_run_was_lost,
    the_case_closed,
    the_engine_forgot_the_closed_case,
    it_was_reopened,
)


@pytest.mark.parametrize("meanwhile", EVERYTHING)
async def test_it_answers_a_repeated_key_as_the_first_time(
    house: House, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.OPS_KEPT", 2)
    opening_key, key = new_key(), new_key()
    opening = await house.open(key=opening_key)
    opened = len(house.rows(opening))
    first = await house.act(opening, a_note(1), key)
    await meanwhile(house, opening)
    before = house.rows(opening)

    assert await house.act(opening, a_note(1), key) == first
    again = await house.engine.open(opening, key=opening_key, clock_offset=0)
    assert again.version == opened
    with pytest.raises(ActRefused) as refused:
        await house.act(opening, a_note(2), key)
    assert (refused.value.slug, refused.value.status) == (KEY_REUSED, 409)
    assert house.rows(opening) == before


@pytest.mark.parametrize("meanwhile", [nothing, the_key_left_the_bounded_ledger, the_case_closed])
async def test_it_answers_twice_at_once_with_one_act(
    house: House, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.OPS_KEPT", 2)
    opening, key = await house.open(), new_key()
    if meanwhile is not nothing:
        await house.act(opening, a_note(1), key)
        await meanwhile(house, opening)
    answers = await asyncio.gather(*(house.act(opening, a_note(1), key) for _ in range(10)))
    assert len(set(answers)) == 1
    assert sum(row.key == key for row in house.rows(opening)) == 1


async def test_it_reopens_once_when_asked_twice_at_once(house: House) -> None:
    opening, key = await house.open(), new_key()
    await the_case_closed(house, opening)
    answers = await asyncio.gather(*(house.act(opening, REOPEN, key) for _ in range(5)))
    assert len(set(answers)) == 1
    assert sum(row.kind == "CaseReopened" for row in house.rows(opening)) == 1


async def test_it_is_another_act_under_another_key(house: House) -> None:
    opening = await house.open()
    one = await house.act(opening, a_note(1))
    other = await house.act(opening, a_note(1))
    assert other.version == one.version + 1


async def test_it_is_a_conflict_when_a_key_comes_back_for_another_case(house: House) -> None:
    opening, other, key = await house.open(), await house.open(), new_key()
    await house.act(opening, a_note(1), key)
    with pytest.raises(ActRefused) as refused:
        await house.act(other, a_note(1), key)
    assert refused.value.slug == KEY_REUSED
    assert len(house.rows(other)) == 3
