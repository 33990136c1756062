"""One case as it runs: acts, refusals, keys, timers. Real server, real worker, real database."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.errors import ActRefused
from domain import events as e
from domain.commands import Command
from tests.builders import MONDAY, STALLED, a_life, an_act, an_opening
from tests.workflows.conftest import House, new_key
from workflows import living
from workflows.living import LivingCase
from workflows.messages import KEY_REUSED

ASK = an_act("complete", "host.case", step="ask", outcome="sent")
ANSWER = an_act("complete", "origin.tracing", step="answer", outcome="found")
CLOSE = an_act("complete", "host.case", step="closure", outcome="closed")


def a_note(number: int = 0) -> Command:
    return an_act("note", "host.case", step="ask", note=f"text:{number}")


async def test_it_opens_a_case_and_hands_the_first_step_over(house: House) -> None:
    opening = await house.open()
    first = house.events(opening)
    assert first[0].at == MONDAY
    assert isinstance(first[0], e.CaseOpened)
    assert [event.step for event in first if isinstance(event, e.TaskOffered)] == ["ask"]


async def test_it_has_written_everything_by_the_time_it_answers(house: House) -> None:
    opening = await house.open()
    for number in range(10):
        answer = await house.act(opening, a_note(number))
        assert len(house.rows(opening)) == answer.version


async def test_it_lets_one_of_ten_simultaneous_completions_win(house: House) -> None:
    opening = await house.open()
    within = replace(ASK, window=60)
    outcomes = await asyncio.gather(
        *(house.act(opening, within) for _ in range(10)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ActRefused)]
    assert Counter(r.slug for r in refused) == {"conflict": 9}
    assert {r.status for r in refused} == {409}
    assert sum(isinstance(event, e.TaskDone) for event in house.events(opening)) == 1


async def test_it_gives_a_repeated_key_the_same_answer(house: House) -> None:
    opening, key = await house.open(), new_key()
    first = await house.act(opening, ASK, key)
    assert await house.act(opening, ASK, key) == first
    await renewed(house, opening)
    assert await house.act(opening, ASK, key) == first
    assert len(house.rows(opening)) == first.version


async def test_it_refuses_a_key_that_comes_with_something_else(house: House) -> None:
    opening, key = await house.open(), new_key()
    await house.act(opening, a_note(1), key)
    for _ in ("in the same run", "in the next run"):
        with pytest.raises(ActRefused) as refused:
            await house.act(opening, a_note(2), key)
        assert (refused.value.slug, refused.value.status) == (KEY_REUSED, 409)
        await renewed(house, opening)


async def test_it_opens_a_case_once_however_often_it_is_asked(house: House) -> None:
    opening, key = an_opening(), new_key()
    await house.open(opening, key=key)
    before = house.rows(opening)
    await house.open(opening, key=key)
    assert house.rows(opening) == before
    await renewed(house, opening)
    await house.open(opening, key=key)
    assert house.rows(opening) == before


async def test_it_refuses_to_open_a_case_that_another_request_opened(house: House) -> None:
    opening = await house.open()
    with pytest.raises(ActRefused) as refused:
        await house.open(opening)
    assert refused.value.slug == KEY_REUSED


async def test_it_answers_the_unforeseen_and_lives_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await house.open()

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("words of a stranger")

    monkeypatch.setattr(living, "advance", broken)
    with pytest.raises(ActRefused) as refused:
        await house.act(opening, ASK)
    assert (refused.value.slug, refused.value.status) == ("internal", 500)
    assert "stranger" not in str(refused.value)
    monkeypatch.undo()
    assert (await house.act(opening, ASK)).version > 3


async def test_it_answers_the_unforeseen_in_the_handler_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await house.open()
    whole = LivingCase.take
    calls: list[int] = []

    def broken_once(self: LivingCase, *given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:  # the validator passed; only the handler takes
            raise ZeroDivisionError
        return whole(self, *given)

    monkeypatch.setattr(LivingCase, "take", broken_once)
    before = house.rows(opening)
    with pytest.raises(ActRefused) as refused:
        await house.act(opening, ASK)
    assert refused.value.slug == "internal"
    assert house.rows(opening) == before
    assert (await house.act(opening, ASK)).version > 3


async def test_it_leaves_no_trace_of_a_refused_act(house: House) -> None:
    opening = await house.open()
    before = await house.history(opening)
    for _ in range(3):
        with pytest.raises(ActRefused) as refused:
            await house.act(opening, ANSWER)
        assert refused.value.slug == "wrong-state"
    assert await house.history(opening) == before


async def test_it_needs_at_most_eight_events_for_a_step(house: House) -> None:
    opening = await house.open()
    before = len(await house.history(opening))
    for number in range(10):
        await house.act(opening, a_note(number))
    assert (len(await house.history(opening)) - before) / 10 <= 8


async def test_it_fires_each_timer_once_in_order_as_of_its_moment(house: House) -> None:
    opening = await house.open()
    await house.clock_to(opening, MONDAY + timedelta(days=1))
    await house.act(opening, ASK)
    await house.days_pass(opening, 60)
    expected = a_life(*STALLED, opening=opening).events
    assert house.events(opening) == list(expected)
    assert any(isinstance(event, e.RungFired) for event in expected)


async def test_it_keeps_one_timer_and_lets_it_stand_when_later_suffices(house: House) -> None:
    opening = await house.open()
    for number in range(5):
        await house.act(opening, a_note(number))
    kinds = Counter(await house.history(opening))
    assert kinds["timer_started_event_attributes"] == 1
    assert kinds["timer_canceled_event_attributes"] == 0


async def test_it_takes_an_act_of_a_moment_before_the_timers_of_that_moment(
    house: House,
) -> None:
    opening = await house.open()
    await house.clock_to(opening, MONDAY + timedelta(days=1))
    await house.act(opening, ASK)
    due = house.case(opening).tasks["answer"][0].due_at
    assert due is not None
    await house.clock_to(opening, due)
    await house.act(opening, ANSWER)
    await house.clock_to(opening, due + timedelta(days=1))
    answered = [event for event in house.events(opening) if isinstance(event, e.TaskDone)]
    assert answered[-1].at == due
    assert not [event for event in house.events(opening) if isinstance(event, e.RungFired)]


async def test_it_keeps_its_timers_through_continue_as_new(house: House) -> None:
    opening = await house.open()
    await house.clock_to(opening, MONDAY + timedelta(days=1))
    await house.act(opening, ASK)
    await renewed(house, opening)
    await house.days_pass(opening, 25)
    await renewed(house, opening)
    await house.days_pass(opening, 60)
    assert house.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_continues_as_new_by_itself_before_its_history_grows_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.HISTORY_EVENTS", 40)
    opening = await house.open()
    first = (await house.engine.progress(opening.case_id)).run
    versions = [(await house.act(opening, a_note(number))).version for number in range(30)]
    assert versions == list(range(versions[0], versions[0] + 30))
    assert (await house.engine.progress(opening.case_id)).run != first
    assert len(await house.history(opening)) < 80


async def test_it_does_not_turn_for_ever_when_a_timer_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await house.open()
    await house.clock_to(opening, MONDAY + timedelta(days=1))
    await house.act(opening, ASK)

    def nothing_happens(*_: Any) -> tuple[e.Event, ...]:
        return ()

    monkeypatch.setattr(living, "advance", nothing_happens)
    await house.days_pass(opening, 24)
    progress = await house.engine.progress(opening.case_id)
    assert "timer" in progress.trouble
    assert progress.events < 100
    monkeypatch.undo()
    await house.days_pass(opening, 60)
    assert (await house.engine.progress(opening.case_id)).trouble == ""
    assert house.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_ends_with_its_case_and_a_reopened_one_goes_on_from_the_ledger(
    house: House,
) -> None:
    opening = await house.open()
    key = new_key()
    for command in (ASK, ANSWER):
        await house.act(opening, command)
    closed = await house.act(opening, CLOSE, key)
    assert closed.state == "closed"
    assert await house.act(opening, CLOSE, key) == closed
    with pytest.raises(ActRefused) as refused:
        await house.act(opening, an_act("hold", "host.case", until=MONDAY.date(), reason="text:1"))
    assert refused.value.slug in {"wrong-state", "invalid-field"}
    again = await house.act(opening, an_act("reopen", "host.case", reason="text:2"))
    assert again.state == "open"
    assert again.version == closed.version + (len(house.rows(opening)) - closed.version)
    assert [row.seq for row in house.rows(opening)] == list(range(1, again.version + 1))


async def renewed(house: House, opening: Any) -> None:
    """Wait until the case runs in a new run."""
    before = (await house.engine.progress(opening.case_id)).run
    await house.engine.renew(opening.case_id)
    for _ in range(200):
        await house.rest(opening)
        if (await house.engine.progress(opening.case_id)).run != before:
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not continue as new")
