"""The same key is the same answer, whatever happened in between; another key is another act."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.case.commands import OpenCase
from engine.errors import ActRefused
from tests.ledger.rooms import ANSWER, ASK, CLOSE, REOPEN, a_note, forget, renewed, run_of
from tests.workflows.conftest import Lab, new_key
from workflows.messages import KEY_REUSED, workflow_id

Meanwhile = Callable[[Lab, OpenCase], Awaitable[None]]


async def nothing(lab: Lab, opening: OpenCase) -> None:
    del lab, opening


async def other_acts(lab: Lab, opening: OpenCase) -> None:
    for number in range(4):
        await lab.act(opening, a_note(number + 10))


async def a_new_run(lab: Lab, opening: OpenCase) -> None:
    await renewed(lab, opening)


async def the_key_left_the_bounded_ledger(lab: Lab, opening: OpenCase) -> None:
    await other_acts(lab, opening)  # of which two are remembered
    await forget(lab, opening, await renewed(lab, opening))


async def a_restart(lab: Lab, opening: OpenCase) -> None:
    del opening
    await lab.stop_worker()
    await lab.start_worker()


async def the_run_was_lost(lab: Lab, opening: OpenCase) -> None:
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")
    await lab.engine.go_on_from_ledger(opening.case_id)


async def the_case_closed(lab: Lab, opening: OpenCase) -> None:
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(opening, command)
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).result()


async def the_engine_forgot_the_closed_case(lab: Lab, opening: OpenCase) -> None:
    await the_case_closed(lab, opening)
    await forget(lab, opening, await run_of(lab, opening))


async def it_was_reopened(lab: Lab, opening: OpenCase) -> None:
    await the_case_closed(lab, opening)
    await lab.act(opening, REOPEN)


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
    lab: Lab, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.OPS_KEPT", 2)
    opening_key, key = new_key(), new_key()
    opening = await lab.open(key=opening_key)
    opened = len(lab.rows(opening))
    first = await lab.act(opening, a_note(1), key)
    await meanwhile(lab, opening)
    before = lab.rows(opening)

    assert await lab.act(opening, a_note(1), key) == first
    again = await lab.engine.open(opening, key=opening_key, clock_offset=0)
    assert again.version == opened
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, a_note(2), key)
    assert (refused.value.slug, refused.value.status) == (KEY_REUSED, 409)
    assert lab.rows(opening) == before


@pytest.mark.parametrize("meanwhile", [nothing, the_key_left_the_bounded_ledger, the_case_closed])
async def test_it_answers_twice_at_once_with_one_act(
    lab: Lab, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.OPS_KEPT", 2)
    opening, key = await lab.open(), new_key()
    if meanwhile is not nothing:
        await lab.act(opening, a_note(1), key)
        await meanwhile(lab, opening)
    answers = await asyncio.gather(*(lab.act(opening, a_note(1), key) for _ in range(10)))
    assert len(set(answers)) == 1
    assert sum(row.key == key for row in lab.rows(opening)) == 1


async def test_it_reopens_once_when_asked_twice_at_once(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    await the_case_closed(lab, opening)
    answers = await asyncio.gather(*(lab.act(opening, REOPEN, key) for _ in range(5)))
    assert len(set(answers)) == 1
    assert sum(row.kind == "CaseReopened" for row in lab.rows(opening)) == 1


async def test_it_is_another_act_under_another_key(lab: Lab) -> None:
    opening = await lab.open()
    one = await lab.act(opening, a_note(1))
    other = await lab.act(opening, a_note(1))
    assert other.version == one.version + 1


async def test_it_is_a_conflict_when_a_key_comes_back_for_another_case(lab: Lab) -> None:
    opening, other, key = await lab.open(), await lab.open(), new_key()
    await lab.act(opening, a_note(1), key)
    with pytest.raises(ActRefused) as refused:
        await lab.act(other, a_note(1), key)
    assert refused.value.slug == KEY_REUSED
    assert len(lab.rows(other)) == 3
