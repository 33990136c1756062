"""One case as it runs: acts, refusals, keys, timers. Real server, real worker, real database."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.act import AnyCommand
from domain.case import core
from domain.case import events as e
from domain.event import Event
from domain.work import events as work_events
from engine.errors import ActRefused
from tests.builders import MONDAY, STALLED, a_life, an_act, an_opening
from tests.workflows.conftest import Lab, new_key
from workflows.messages import KEY_REUSED
from workflows.state import RunState

ASK = an_act("complete", "host.case", step="ask", outcome="sent")
ANSWER = an_act("complete", "origin.tracing", step="answer", outcome="found")
CLOSE = an_act("complete", "host.case", step="closure", outcome="closed")


def behaves(monkeypatch: pytest.MonkeyPatch, wake: Any) -> None:
    """Let the core do something else."""
    monkeypatch.setattr(core, "wake", wake)


def a_note(number: int = 0) -> AnyCommand:
    return an_act("note", "host.case", step="ask", note=f"text:{number}")


async def test_it_opens_a_case_and_hands_the_first_step_over(lab: Lab) -> None:
    opening = await lab.open()
    first = lab.events(opening)
    assert first[0].at == MONDAY
    assert isinstance(first[0], e.CaseOpened)
    assert [event.step for event in first if isinstance(event, work_events.TaskOffered)] == ["ask"]


async def test_it_has_written_everything_by_the_time_it_answers(lab: Lab) -> None:
    opening = await lab.open()
    for number in range(10):
        answer = await lab.act(opening, a_note(number))
        assert len(lab.rows(opening)) == answer.version


async def test_it_lets_one_of_ten_simultaneous_completions_win(lab: Lab) -> None:
    opening = await lab.open()
    within = replace(ASK, window=60)
    outcomes = await asyncio.gather(
        *(lab.act(opening, within) for _ in range(10)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ActRefused)]
    assert Counter(r.slug for r in refused) == {"conflict": 9}
    assert {r.status for r in refused} == {409}
    assert sum(isinstance(event, work_events.TaskDone) for event in lab.events(opening)) == 1


async def test_it_gives_a_repeated_key_the_same_answer(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    first = await lab.act(opening, ASK, key)
    assert await lab.act(opening, ASK, key) == first
    await renewed(lab, opening)
    assert await lab.act(opening, ASK, key) == first
    assert len(lab.rows(opening)) == first.version


async def test_it_refuses_a_key_that_comes_with_something_else(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    await lab.act(opening, a_note(1), key)
    for _ in ("in the same run", "in the next run"):
        with pytest.raises(ActRefused) as refused:
            await lab.act(opening, a_note(2), key)
        assert (refused.value.slug, refused.value.status) == (KEY_REUSED, 409)
        await renewed(lab, opening)


async def test_it_opens_a_case_once_however_often_it_is_asked(lab: Lab) -> None:
    opening, key = an_opening(), new_key()
    await lab.open(opening, key=key)
    before = lab.rows(opening)
    await lab.open(opening, key=key)
    assert lab.rows(opening) == before
    await renewed(lab, opening)
    await lab.open(opening, key=key)
    assert lab.rows(opening) == before


async def test_it_refuses_to_open_a_case_that_another_request_opened(lab: Lab) -> None:
    opening = await lab.open()
    with pytest.raises(ActRefused) as refused:
        await lab.open(opening)
    assert refused.value.slug == KEY_REUSED


async def test_it_answers_the_unforeseen_and_lives_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await lab.open()

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("words of a stranger")

    behaves(monkeypatch, broken)
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, ASK)
    assert (refused.value.slug, refused.value.status) == ("internal", 500)
    assert "stranger" not in str(refused.value)
    monkeypatch.undo()
    assert (await lab.act(opening, ASK)).version > 3


async def test_it_answers_the_unforeseen_in_the_handler_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await lab.open()
    whole = RunState.take
    calls: list[int] = []

    def broken_once(self: RunState, *given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:  # the validator passed; only the handler takes
            raise ZeroDivisionError
        return whole(self, *given)

    monkeypatch.setattr(RunState, "take", broken_once)
    before = lab.rows(opening)
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, ASK)
    assert refused.value.slug == "internal"
    assert lab.rows(opening) == before
    assert (await lab.act(opening, ASK)).version > 3


async def test_it_leaves_no_trace_of_a_refused_act(lab: Lab) -> None:
    opening = await lab.open()
    before = await lab.history(opening)
    for _ in range(3):
        with pytest.raises(ActRefused) as refused:
            await lab.act(opening, ANSWER)
        assert refused.value.slug == "wrong-state"
    assert await lab.history(opening) == before


async def test_it_needs_at_most_eight_events_for_a_step(lab: Lab) -> None:
    opening = await lab.open()
    before = len(await lab.history(opening))
    for number in range(10):
        await lab.act(opening, a_note(number))
    assert (len(await lab.history(opening)) - before) / 10 <= 8


async def test_it_fires_each_timer_once_in_order_as_of_its_moment(lab: Lab) -> None:
    opening = await lab.open()
    await lab.clock_to(opening, MONDAY + timedelta(days=1))
    await lab.act(opening, ASK)
    await lab.days_pass(opening, 60)
    expected = a_life(*STALLED, opening=opening).events
    assert lab.events(opening) == list(expected)
    assert any(isinstance(event, work_events.RungFired) for event in expected)


async def test_it_keeps_one_timer_and_lets_it_stand_when_later_suffices(lab: Lab) -> None:
    opening = await lab.open()
    for number in range(5):
        await lab.act(opening, a_note(number))
    kinds = Counter(await lab.history(opening))
    assert kinds["timer_started_event_attributes"] == 1
    assert kinds["timer_canceled_event_attributes"] == 0


async def test_it_takes_an_act_of_a_moment_before_the_timers_of_that_moment(
    lab: Lab,
) -> None:
    opening = await lab.open()
    await lab.clock_to(opening, MONDAY + timedelta(days=1))
    await lab.act(opening, ASK)
    due = lab.case(opening).work.tasks["answer"][0].due_at
    assert due is not None
    await lab.clock_to(opening, due)
    await lab.act(opening, ANSWER)
    await lab.clock_to(opening, due + timedelta(days=1))
    answered = [event for event in lab.events(opening) if isinstance(event, work_events.TaskDone)]
    assert answered[-1].at == due
    assert not [event for event in lab.events(opening) if isinstance(event, work_events.RungFired)]


async def test_it_keeps_its_timers_through_continue_as_new(lab: Lab) -> None:
    opening = await lab.open()
    await lab.clock_to(opening, MONDAY + timedelta(days=1))
    await lab.act(opening, ASK)
    await renewed(lab, opening)
    await lab.days_pass(opening, 25)
    await renewed(lab, opening)
    await lab.days_pass(opening, 60)
    assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_continues_as_new_by_itself_before_its_history_grows_long(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.options.HISTORY_EVENTS", 40)
    opening = await lab.open()
    first = (await lab.engine.progress(opening.case_id)).run
    versions = [(await lab.act(opening, a_note(number))).version for number in range(30)]
    assert versions == list(range(versions[0], versions[0] + 30))
    assert (await lab.engine.progress(opening.case_id)).run != first
    assert len(await lab.history(opening)) < 80


async def test_it_does_not_turn_for_ever_when_a_timer_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = await lab.open()
    await lab.clock_to(opening, MONDAY + timedelta(days=1))
    await lab.act(opening, ASK)

    def nothing_happens(*_: Any, **__: Any) -> tuple[Event, ...]:
        return ()

    behaves(monkeypatch, nothing_happens)
    await lab.days_pass(opening, 24)
    progress = await lab.engine.progress(opening.case_id)
    assert "timer" in progress.trouble
    assert progress.events < 100
    monkeypatch.undo()
    await lab.days_pass(opening, 60)
    assert (await lab.engine.progress(opening.case_id)).trouble == ""
    assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_ends_with_its_case_and_a_reopened_one_goes_on_from_the_ledger(
    lab: Lab,
) -> None:
    opening = await lab.open()
    key = new_key()
    for command in (ASK, ANSWER):
        await lab.act(opening, command)
    closed = await lab.act(opening, CLOSE, key)
    assert closed.state == "closed"
    assert await lab.act(opening, CLOSE, key) == closed
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, an_act("hold", "host.case", until=MONDAY.date(), reason="text:1"))
    assert refused.value.slug in {"wrong-state", "invalid-field"}
    again = await lab.act(opening, an_act("reopen", "host.case", reason="text:2"))
    assert again.state == "open"
    assert again.version == closed.version + (len(lab.rows(opening)) - closed.version)
    assert [row.seq for row in lab.rows(opening)] == list(range(1, again.version + 1))


async def renewed(lab: Lab, opening: Any) -> None:
    """Wait until the case runs in a new run."""
    before = (await lab.engine.progress(opening.case_id)).run
    await lab.engine.renew(opening.case_id)
    for _ in range(200):
        await lab.rest(opening)
        if (await lab.engine.progress(opening.case_id)).run != before:
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not continue as new")
