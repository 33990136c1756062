"""The engine's store is deleted, or comes back as it was long ago: every case goes on all the same."""

import asyncio
from datetime import timedelta

import pytest

from domain.case.events import CaseReopened
from domain.work.events import RungFired
from engine.errors import ActRefused, NoSuchSubject
from engine.runs import Recovery
from engine.upkeep import start_lost_subjects
from engine.virtual_time import VirtualTimeError, fast_forward
from records import alarms, subjects
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
from tests.workflows.conftest import Lab, new_key
from workflows.messages import workflow_id
from workflows.ports import LEDGER_TROUBLE

pytestmark = pytest.mark.timeout(120)


async def no_differences(lab: Lab) -> None:
    said = await homeward(lab, "reconcile")
    assert (said.code, said.words) == (0, "Ledger, rows and engine agree.\n")


async def test_it_brings_every_open_case_back_after_the_store_is_deleted(fragile: Fragile) -> None:
    lab = fragile.lab
    asked, fresh, closed = [await lab.open() for _ in range(3)]
    key = new_key()
    await lab.days_pass(asked, 1)
    taken = await lab.act(asked, ASK, key)
    for days, command in ANSWERED_AND_CLOSED:
        await lab.days_pass(closed, days)
        if command is not None:
            await lab.act(closed, command)
    assert lab.case(closed).ended

    await fragile.come_back_with(None)
    said = await homeward(lab, "reconcile")
    assert said.code == 1
    assert said.words.count("does not run in the engine") == 2
    said = await homeward(lab, "recover")
    assert (said.code, said.words.splitlines()[-1]) == (
        0,
        "2 case(s) started again from the ledger.",
    )
    await no_differences(lab)
    assert (await homeward(lab, "recover")).words.startswith("0 case(s)")

    # The same key is answered as before; timers fire, each once, each as of its moment.
    assert await lab.act(asked, ASK, key) == taken
    await lab.days_pass(asked, 60)
    assert lab.events(asked) == list(a_life(*STALLED, opening=asked).events)
    assert sum(isinstance(event, RungFired) for event in lab.events(asked)) > 0
    assert (await lab.act(fresh, ASK)).version > 3
    await no_differences(lab)


async def test_it_lets_fire_at_once_what_fell_due_while_the_engine_was_gone(
    fragile: Fragile,
) -> None:
    lab = fragile.lab
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    await fragile.come_back_with(None)
    # Nobody recovers for two months; then the first who acts finds the case as it should be.
    await homeward(lab, "recover")
    await lab.days_pass(opening, 61)
    await lab.act(opening, ANSWER)
    await lab.days_pass(opening, 62)
    await lab.act(opening, CLOSE)
    expected = a_life(*ANSWERED_AND_CLOSED, opening=opening).events
    kinds = [(type(event), event.at) for event in lab.events(opening)]
    assert [kind for kind, _ in kinds] == [type(event) for event in expected]
    rungs = [event for event in lab.events(opening) if isinstance(event, RungFired)]
    assert rungs == [event for event in expected if isinstance(event, RungFired)]


async def test_it_brings_a_reopened_case_back_the_same_way(fragile: Fragile) -> None:
    lab = fragile.lab
    opening = await lab.open()
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(opening, command)
    reopened = await lab.act(opening, REOPEN)
    assert reopened.state == "open"
    await fragile.come_back_with(None)
    assert (await homeward(lab, "recover")).words.splitlines()[-1].startswith("1 case(s)")
    assert (await lab.engine.progress(opening.case_id)).version == reopened.version
    before = len(lab.rows(opening))
    await lab.days_pass(opening, 100)  # something comes of it by itself: it is not dead
    assert len(lab.rows(opening)) > before
    assert any(isinstance(event, CaseReopened) for event in lab.events(opening))
    await no_differences(lab)


async def test_it_goes_on_from_the_ledger_when_the_store_is_an_older_copy(fragile: Fragile) -> None:
    lab = fragile.lab
    opening = await lab.open()
    await lab.act(opening, a_note(1))
    copy = await fragile.keep_a_copy()
    key, answered_key = new_key(), new_key()
    answer = await lab.act(opening, ASK, answered_key)
    newest = await lab.act(opening, a_note(2), key)

    await fragile.come_back_with(copy)
    assert (await lab.engine.progress(opening.case_id)).version < newest.version
    said = await homeward(lab, "reconcile")
    assert said.code == 1
    assert "the engine is behind the ledger" in said.words
    # Who acts first notices nothing: the ledger wins by itself. Old keys are old answers.
    assert await lab.act(opening, a_note(2), key) == newest
    assert await lab.act(opening, ASK, answered_key) == answer
    taken = await lab.act(opening, a_note(3))
    assert taken.version == newest.version + 1
    # People are told until somebody has looked.
    said = await homeward(lab, "reconcile")
    assert said.code == 1
    assert "the engine came back without event" in said.words
    assert (await homeward(lab, "recover")).code == 0
    await no_differences(lab)
    await lab.days_pass(opening, 60)
    rungs = [event for event in lab.events(opening) if isinstance(event, RungFired)]
    assert len({(event.step, event.rung) for event in rungs}) == len(rungs) > 0


async def test_it_renews_every_older_copy_at_once_by_command(fragile: Fragile) -> None:
    lab = fragile.lab
    cases = [await lab.open() for _ in range(3)]
    ended = await lab.open()
    for command in (ASK, ANSWER):
        await lab.act(ended, command)
    copy = await fragile.keep_a_copy()
    for opening in cases:
        await lab.act(opening, ASK)
    await lab.act(ended, CLOSE)
    await fragile.come_back_with(copy)
    said = await homeward(lab, "recover")
    assert said.words.splitlines()[-1] == "3 case(s) started again from the ledger."
    assert f"{named(lab, ended)} {Recovery.ENDED.value}" in said.words
    await no_differences(lab)
    for opening in cases:
        assert lab.case(opening).version == ((await lab.engine.progress(opening.case_id)).version)


async def test_it_lets_the_ledger_win_over_a_timer_of_an_older_copy(fragile: Fragile) -> None:
    lab = fragile.lab
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    copy, first = await fragile.keep_a_copy(), len(lab.rows(opening)) + 1
    await lab.days_pass(opening, 2)
    await lab.act(opening, ANSWER)  # so that no rung of the answer ever falls due
    closing = an_act("note", "host.case", step="closure", note="text:1")
    await lab.act(opening, closing)  # with two acts lost, a run does not follow by itself
    await lab.act(opening, a_note(2))  # one act alone would be followed without a word
    kept = lab.rows(opening)

    await fragile.come_back_with(copy)
    stale = await lab.engine.progress(opening.case_id)
    assert stale.next_wake is not None
    due = stale.next_wake + timedelta(seconds=2)  # it still waits for the answer, and climbs
    with pytest.raises(VirtualTimeError):  # it never comes to rest: the ledger refuses it
        await fast_forward(lab.client, workflow_id("case", opening.case_id), due, limit_seconds=4)
    assert lab.rows(opening) == kept
    with lab.database.begin() as connection:
        raised = alarms.of_subject(connection, opening.case_id)
    assert [(one.kind, one.settled_at) for one in raised] == [("conflict", None)]
    assert raised[0].body is not None
    assert raised[0].seq == first
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, a_note(1))
    assert (refused.value.slug, refused.value.status) == ("ledger-trouble", 503)

    said = await homeward(lab, "recover")
    assert f"{named(lab, opening)} {Recovery.RENEWED.value}" in said.words
    await no_differences(lab)
    assert (await lab.act(opening, CLOSE)).state == "closed"


async def test_it_gives_nothing_up_that_only_the_engine_knows_unless_told(lab: Lab) -> None:
    from tests.ledger.test_reconcile import ahead  # noqa: PLC0415 - the same damage

    opening = await lab.open()
    await lab.act(opening, a_note(1))
    version = (await lab.act(opening, a_note(2))).version
    await ahead(lab, opening)
    said = await homeward(lab, "recover")
    assert (said.code, Recovery.AHEAD.value in said.words) == (1, True)
    assert (await lab.engine.progress(opening.case_id)).version == version
    said = await homeward(lab, "recover", "--discard")
    assert (said.code, Recovery.RENEWED.value in said.words) == (0, True)
    await no_differences(lab)
    assert (await lab.act(opening, a_note(3))).version == version


async def test_it_finds_an_open_case_that_nothing_runs_and_starts_it(lab: Lab) -> None:
    lost, running, closed = [await lab.open() for _ in range(3)]
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(closed, command)
    await lab.client.get_workflow_handle(workflow_id("case", closed.case_id)).result()
    await lab.client.get_workflow_handle(workflow_id("case", lost.case_id)).terminate("lost")
    while (found := await start_lost_subjects(lab.engine, 5)) == (set(), 0):  # noqa: ASYNC110 - the engine lists late
        await asyncio.sleep(0.1)
    assert found == ({lost.case_id}, 1)
    assert await lab.engine.start_if_lost(running.case_id) is Recovery.NOTHING
    assert (await lab.act(lost, ASK)).version > 3
    await no_differences(lab)


async def test_it_leaves_many_lost_cases_to_a_person(lab: Lab) -> None:
    for _ in range(3):
        opening = await lab.open()
        await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")
    while (found := await start_lost_subjects(lab.engine, 2))[1] < 3:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.1)
    assert (len(found[0]), found[1]) == (2, 3)


async def test_it_runs_a_reopened_case_though_the_run_that_wrote_it_was_lost(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(opening, command)
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).result()
    first = await lab.act(opening, REOPEN, key)
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")
    assert await lab.act(opening, REOPEN, key) == first
    assert (await lab.engine.progress(opening.case_id)).version == first.version


# -- a ledger that was changed by hand


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET key = 'another' WHERE subject_id = :case AND seq = 4",
        "DELETE FROM events WHERE subject_id = :case AND seq = 1",
        "DELETE FROM events WHERE subject_id = :case AND seq = 5",
        "DELETE FROM events WHERE subject_id = :case",
    ],
    ids=["changed", "no first", "cut off", "all gone"],
)
async def test_it_starts_no_run_from_a_ledger_that_was_changed_by_hand(
    lab: Lab, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken, lost = await lab.open(), await lab.open()
    for number in (1, 2):
        await lab.act(broken, a_note(number))
    for opening in (broken, lost):
        await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")
    tamper(lab.database, damage, case=broken.case_id)
    kept = lab.rows(broken)

    # Who acts is told that somebody must look.
    with pytest.raises(ActRefused) as refused:
        await lab.act(broken, a_note(3))
    assert (refused.value.slug, refused.value.status) == (LEDGER_TROUBLE, 503)
    # The watch starts the other one only, however few it may start.
    while (await start_lost_subjects(lab.engine, 1))[0] != {lost.case_id}:  # noqa: ASYNC110 - the engine lists late
        await asyncio.sleep(0.1)
    assert (await start_lost_subjects(lab.engine, 5))[0] == set()
    assert broken.case_id in caplog.text
    assert "changed by hand" in caplog.text
    # So does the command.
    said = await homeward(lab, "recover")
    assert said.code == 1
    assert f"{named(lab, broken)} {Recovery.BROKEN.value}" in said.words.splitlines()
    assert not await lab.engine.lives(broken.case_id)
    assert await lab.engine.lives(lost.case_id)
    assert lab.rows(broken) == kept
    # And people see it.
    with lab.database.begin() as connection:
        assert alarms.subjects_open(connection) == [broken.case_id]


async def test_it_sees_no_damage_in_a_case_that_was_admitted_and_never_opened(
    lab: Lab,
) -> None:
    opening = an_opening()
    with lab.database.begin() as connection:
        subjects.admit(connection, "case", opening.case_id)
    with pytest.raises(NoSuchSubject):
        await lab.engine.start_if_lost(opening.case_id)
    assert (await homeward(lab, "recover")).code == 0
    await no_differences(lab)
