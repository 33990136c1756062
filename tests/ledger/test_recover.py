"""The engine's store is deleted, or comes back as it was long ago: every case goes on all the same."""

import asyncio
from datetime import timedelta

import pytest

from activities.errors import ActRefused, NoSuchCase
from activities.runs import Recovery
from activities.upkeep import start_lost_cases
from activities.virtual_time import VirtualTimeError, fast_forward
from domain.events import CaseReopened, RungFired
from records import alarms, openings
from tests.builders import ANSWERED_AND_CLOSED, STALLED, a_life, an_act, an_opening
from tests.ledger.rooms import (
    ANSWER,
    ASK,
    CLOSE,
    REOPEN,
    Fragile,
    a_note,
    homeward,
    named,
    tamper,
)
from tests.workflows.conftest import House, new_key
from workflows.messages import workflow_id
from workflows.ports import LEDGER_TROUBLE

pytestmark = pytest.mark.timeout(120)


async def no_differences(house: House) -> None:
    said = await homeward(house, "reconcile")
    assert (said.code, said.words) == (0, "Ledger, rows and engine agree.\n")


async def test_it_brings_every_open_case_back_after_the_store_is_deleted(fragile: Fragile) -> None:
    house = fragile.house
    asked, fresh, closed = [await house.open() for _ in range(3)]
    key = new_key()
    await house.days_pass(asked, 1)
    taken = await house.act(asked, ASK, key)
    for days, command in ANSWERED_AND_CLOSED:
        await house.days_pass(closed, days)
        if command is not None:
            await house.act(closed, command)
    assert house.case(closed).ended

    await fragile.come_back_with(None)
    said = await homeward(house, "reconcile")
    assert said.code == 1
    assert said.words.count("does not run in the engine") == 2
    said = await homeward(house, "recover")
    assert (said.code, said.words.splitlines()[-1]) == (
        0,
        "2 case(s) started again from the ledger.",
    )
    await no_differences(house)
    assert (await homeward(house, "recover")).words.startswith("0 case(s)")

    # The same key is answered as before; timers fire, each once, each as of its moment.
    assert await house.act(asked, ASK, key) == taken
    await house.days_pass(asked, 60)
    assert house.events(asked) == list(a_life(*STALLED, opening=asked).events)
    assert sum(isinstance(event, RungFired) for event in house.events(asked)) > 0
    assert (await house.act(fresh, ASK)).version > 3
    await no_differences(house)


async def test_it_lets_fire_at_once_what_fell_due_while_the_engine_was_gone(
    fragile: Fragile,
) -> None:
    house = fragile.house
    opening = await house.open()
    await house.days_pass(opening, 1)
    await house.act(opening, ASK)
    await fragile.come_back_with(None)
    # Nobody recovers for two months; then the first who acts finds the case as it should be.
    await homeward(house, "recover")
    await house.days_pass(opening, 61)
    await house.act(opening, ANSWER)
    await house.days_pass(opening, 62)
    await house.act(opening, CLOSE)
    expected = a_life(*ANSWERED_AND_CLOSED, opening=opening).events
    kinds = [(type(event), event.at) for event in house.events(opening)]
    assert [kind for kind, _ in kinds] == [type(event) for event in expected]
    rungs = [event for event in house.events(opening) if isinstance(event, RungFired)]
    assert rungs == [event for event in expected if isinstance(event, RungFired)]


async def test_it_brings_a_reopened_case_back_the_same_way(fragile: Fragile) -> None:
    house = fragile.house
    opening = await house.open()
    for command in (ASK, ANSWER, CLOSE):
        await house.act(opening, command)
    reopened = await house.act(opening, REOPEN)
    assert reopened.state == "open"
    await fragile.come_back_with(None)
    assert (await homeward(house, "recover")).words.splitlines()[-1].startswith("1 case(s)")
    assert (await house.engine.progress(opening.case_id)).version == reopened.version
    before = len(house.rows(opening))
    await house.days_pass(opening, 100)  # something comes of it by itself: it is not dead
    assert len(house.rows(opening)) > before
    assert any(isinstance(event, CaseReopened) for event in house.events(opening))
    await no_differences(house)


async def test_it_goes_on_from_the_ledger_when_the_store_is_an_older_copy(fragile: Fragile) -> None:
    house = fragile.house
    opening = await house.open()
    await house.act(opening, a_note(1))
    copy = await fragile.keep_a_copy()
    key, answered_key = new_key(), new_key()
    answer = await house.act(opening, ASK, answered_key)
    newest = await house.act(opening, a_note(2), key)

    await fragile.come_back_with(copy)
    assert (await house.engine.progress(opening.case_id)).version < newest.version
    said = await homeward(house, "reconcile")
    assert said.code == 1
    assert "the engine is behind the ledger" in said.words
    # Who acts first notices nothing: the ledger wins by itself. Old keys are old answers.
    assert await house.act(opening, a_note(2), key) == newest
    assert await house.act(opening, ASK, answered_key) == answer
    taken = await house.act(opening, a_note(3))
    assert taken.version == newest.version + 1
    # People are told until somebody has looked.
    said = await homeward(house, "reconcile")
    assert said.code == 1
    assert "the engine came back without event" in said.words
    assert (await homeward(house, "recover")).code == 0
    await no_differences(house)
    await house.days_pass(opening, 60)
    rungs = [event for event in house.events(opening) if isinstance(event, RungFired)]
    assert len({(event.step, event.rung) for event in rungs}) == len(rungs) > 0


async def test_it_renews_every_older_copy_at_once_by_command(fragile: Fragile) -> None:
    house = fragile.house
    cases = [await house.open() for _ in range(3)]
    ended = await house.open()
    for command in (ASK, ANSWER):
        await house.act(ended, command)
    copy = await fragile.keep_a_copy()
    for opening in cases:
        await house.act(opening, ASK)
    await house.act(ended, CLOSE)
    await fragile.come_back_with(copy)
    said = await homeward(house, "recover")
    assert said.words.splitlines()[-1] == "3 case(s) started again from the ledger."
    assert f"{named(house, ended)} {Recovery.ENDED.value}" in said.words
    await no_differences(house)
    for opening in cases:
        assert house.case(opening).version == (
            (await house.engine.progress(opening.case_id)).version
        )


async def test_it_lets_the_ledger_win_over_a_timer_of_an_older_copy(fragile: Fragile) -> None:
    house = fragile.house
    opening = await house.open()
    await house.days_pass(opening, 1)
    await house.act(opening, ASK)
    copy, first = await fragile.keep_a_copy(), len(house.rows(opening)) + 1
    await house.days_pass(opening, 2)
    await house.act(opening, ANSWER)  # so that no rung of the answer ever falls due
    closing = an_act("note", "host.case", step="closure", note="text:1")
    await house.act(opening, closing)  # with two acts lost, a run does not follow by itself
    await house.act(opening, a_note(2))  # one act alone would be followed without a word
    kept = house.rows(opening)

    await fragile.come_back_with(copy)
    stale = await house.engine.progress(opening.case_id)
    assert stale.next_wake is not None
    due = stale.next_wake + timedelta(seconds=2)  # it still waits for the answer, and climbs
    with pytest.raises(VirtualTimeError):  # it never comes to rest: the ledger refuses it
        await fast_forward(house.client, workflow_id(opening.case_id), due, limit_seconds=4)
    assert house.rows(opening) == kept
    with house.database.begin() as connection:
        raised = alarms.of_case(connection, opening.case_id)
    assert [(one.kind, one.settled_at) for one in raised] == [("conflict", None)]
    assert raised[0].body is not None
    assert raised[0].seq == first
    with pytest.raises(ActRefused) as refused:
        await house.act(opening, a_note(1))
    assert (refused.value.slug, refused.value.status) == ("ledger-trouble", 503)

    said = await homeward(house, "recover")
    assert f"{named(house, opening)} {Recovery.RENEWED.value}" in said.words
    await no_differences(house)
    assert (await house.act(opening, CLOSE)).state == "closed"


async def test_it_gives_nothing_up_that_only_the_engine_knows_unless_told(house: House) -> None:
    from tests.ledger.test_reconcile import ahead  # noqa: PLC0415 - the same damage

    opening = await house.open()
    await house.act(opening, a_note(1))
    version = (await house.act(opening, a_note(2))).version
    await ahead(house, opening)
    said = await homeward(house, "recover")
    assert (said.code, Recovery.AHEAD.value in said.words) == (1, True)
    assert (await house.engine.progress(opening.case_id)).version == version
    said = await homeward(house, "recover", "--discard")
    assert (said.code, Recovery.RENEWED.value in said.words) == (0, True)
    await no_differences(house)
    assert (await house.act(opening, a_note(3))).version == version


async def test_it_finds_an_open_case_that_nothing_runs_and_starts_it(house: House) -> None:
    lost, running, closed = [await house.open() for _ in range(3)]
    for command in (ASK, ANSWER, CLOSE):
        await house.act(closed, command)
    await house.client.get_workflow_handle(workflow_id(closed.case_id)).result()
    await house.client.get_workflow_handle(workflow_id(lost.case_id)).terminate("lost")
    while (found := await start_lost_cases(house.engine, 5)) == (set(), 0):  # noqa: ASYNC110 - the engine lists late
        await asyncio.sleep(0.1)
    assert found == ({lost.case_id}, 1)
    assert await house.engine.start_if_lost(running.case_id) is Recovery.NOTHING
    assert (await house.act(lost, ASK)).version > 3
    await no_differences(house)


async def test_it_leaves_many_lost_cases_to_a_person(house: House) -> None:
    for _ in range(3):
        opening = await house.open()
        await house.client.get_workflow_handle(workflow_id(opening.case_id)).terminate("lost")
    while (found := await start_lost_cases(house.engine, 2))[1] < 3:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.1)
    assert (len(found[0]), found[1]) == (2, 3)


async def test_it_runs_a_reopened_case_though_the_run_that_wrote_it_was_lost(house: House) -> None:
    opening, key = await house.open(), new_key()
    for command in (ASK, ANSWER, CLOSE):
        await house.act(opening, command)
    await house.client.get_workflow_handle(workflow_id(opening.case_id)).result()
    first = await house.act(opening, REOPEN, key)
    await house.client.get_workflow_handle(workflow_id(opening.case_id)).terminate("lost")
    assert await house.act(opening, REOPEN, key) == first
    assert (await house.engine.progress(opening.case_id)).version == first.version


# -- a ledger that was changed by hand


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET key = 'another' WHERE case_id = :case AND seq = 4",
        "DELETE FROM events WHERE case_id = :case AND seq = 1",
        "DELETE FROM events WHERE case_id = :case AND seq = 5",
        "DELETE FROM events WHERE case_id = :case",
    ],
    ids=["changed", "no first", "cut off", "all gone"],
)
async def test_it_starts_no_run_from_a_ledger_that_was_changed_by_hand(
    house: House, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken, lost = await house.open(), await house.open()
    for number in (1, 2):
        await house.act(broken, a_note(number))
    for opening in (broken, lost):
        await house.client.get_workflow_handle(workflow_id(opening.case_id)).terminate("lost")
    tamper(house.database, damage, case=broken.case_id)
    kept = house.rows(broken)

    # Who acts is told that somebody must look.
    with pytest.raises(ActRefused) as refused:
        await house.act(broken, a_note(3))
    assert (refused.value.slug, refused.value.status) == (LEDGER_TROUBLE, 503)
    # The watch starts the other one only, however few it may start.
    while (await start_lost_cases(house.engine, 1))[0] != {lost.case_id}:  # noqa: ASYNC110 - the engine lists late
        await asyncio.sleep(0.1)
    assert (await start_lost_cases(house.engine, 5))[0] == set()
    assert broken.case_id in caplog.text
    assert "changed by hand" in caplog.text
    # So does the command.
    said = await homeward(house, "recover")
    assert said.code == 1
    assert f"{named(house, broken)} {Recovery.BROKEN.value}" in said.words.splitlines()
    assert not await house.engine.lives(broken.case_id)
    assert await house.engine.lives(lost.case_id)
    assert house.rows(broken) == kept
    # And people see it.
    with house.database.begin() as connection:
        assert alarms.cases_open(connection) == [broken.case_id]


async def test_it_sees_no_damage_in_a_case_that_was_admitted_and_never_opened(
    house: House,
) -> None:
    opening = an_opening()
    with house.database.begin() as connection:
        openings.admit(connection, opening.case_id)
    with pytest.raises(NoSuchCase):
        await house.engine.start_if_lost(opening.case_id)
    assert (await homeward(house, "recover")).code == 0
    await no_differences(house)
