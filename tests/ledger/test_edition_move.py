"""An operator moves open cases to a newer edition: each move is an act in the case's own ledger."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.editions import Became, Move, key_of, moves
from domain.case import EDITION, Case
from domain.core import EDITIONS
from domain.editions import Edition
from domain.events import EditionMoved, TaskNoted
from records import openings
from tests.builders import ANSWERED_AND_CLOSED, MONDAY, STALLED, an_act, an_opening
from tests.ledger.rooms import (
    ANSWER,
    ASK,
    REOPEN,
    Fragile,
    Said,
    a_note,
    every_row,
    homeward,
    run_of,
)
from tests.ledger.upgraded import THE_NEXT, made_up
from tests.workflows.conftest import House
from worker import runner
from workflows.case import CaseWorkflow
from workflows.messages import workflow_id

pytestmark = pytest.mark.timeout(180)

TO = str(THE_NEXT)
NEW = "text:new"


async def upgraded(house: House, *arguments: str) -> Said:
    """A command of the new program."""
    return await homeward(house, "edition", *arguments, program="tests.ledger.upgraded")


async def release(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the old worker and start the new one, as an upgrade does."""
    await house.stop_worker()
    monkeypatch.setitem(EDITIONS, THE_NEXT, made_up())
    await house.start_worker()


def reference(house: House, opening: Any) -> str:
    with house.database.begin() as connection:
        found = openings.of_case(connection, opening.case_id)
    assert found is not None
    return found.reference


def notes(house: House, opening: Any) -> list[str]:
    return [event.note for event in house.events(opening) if isinstance(event, TaskNoted)]


async def closed(house: House) -> Any:
    opening = await house.open()
    for days, command in ANSWERED_AND_CLOSED:
        await house.days_pass(opening, days)
        if command is not None:
            await house.act(opening, command)
    return opening


async def history(house: House, opening: Any) -> WorkflowHistory:
    """Of the newest run."""
    run = await run_of(house, opening)
    handle = house.client.get_workflow_handle(workflow_id(opening.case_id), run_id=run)
    return await handle.fetch_history()


def replayer(house: House) -> Replayer:
    return Replayer(
        workflows=[CaseWorkflow],
        data_converter=house.client.data_converter,
        workflow_runner=runner(sandbox=True),
    )


async def test_it_moves_what_an_operator_names_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, other = await house.open(), await house.open()
    for opening in (chosen, other):
        await house.act(opening, a_note(1))
    await release(house, monkeypatch)

    before = await asyncio.to_thread(every_row, house.database)
    said = await upgraded(house, "move", TO, "--dry-run")
    assert said.code == 0
    *lines, last = said.words.splitlines()
    assert sorted(lines) == sorted(
        f"{reference(house, one)} would move from edition 1 to 2" for one in (chosen, other)
    )
    assert last == "2 case(s) would move to edition 2; 0 passed over."
    assert await asyncio.to_thread(every_row, house.database) == before

    typed = reference(house, chosen).lower().replace("-", "")
    said = await upgraded(house, "move", TO, "--case", typed)
    assert said == Said(
        0,
        f"{reference(house, chosen)} moved from edition 1 to 2\n"
        "1 case(s) moved to edition 2; 0 passed over.\n",
    )
    for opening in (chosen, other):
        await house.act(opening, a_note(2))
    assert notes(house, chosen) == ["text:1", "text:2", NEW]
    assert notes(house, other) == ["text:1", "text:2"]
    assert [house.case(one).edition for one in (chosen, other)] == [THE_NEXT, EDITION]

    # What was done before the release, before the move and after it, all in one history.
    for opening in (chosen, other):
        await replayer(house).replay_workflow(await history(house, opening))
    monkeypatch.delitem(EDITIONS, THE_NEXT)
    await replayer(house).replay_workflow(await history(house, other))
    with pytest.raises(NondeterminismError):
        await replayer(house).replay_workflow(await history(house, chosen))


async def test_it_records_each_move_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = await house.open()
    await release(house, monkeypatch)
    assert (await upgraded(house, "move", TO)).code == 0
    rows = house.rows(opening)
    assert isinstance(house.events(opening)[-1], EditionMoved)
    assert rows[-1].key == key_of(opening.case_id, THE_NEXT)

    named = await upgraded(house, "move", TO, "--case", opening.case_id)
    assert named == Said(
        0,
        f"{reference(house, opening)} is there already (edition 2)\n"
        "0 case(s) moved to edition 2; 1 passed over.\n",
    )
    assert (await upgraded(house, "move", TO)).words == (
        "0 case(s) moved to edition 2; 0 passed over.\n"
    )
    # Two operators at the same time, and one whose answer was lost.
    move = replace(an_act("world_edition", "host.case"), by="admin", user="", value=TO)
    answer = await house.act(opening, move, key_of(opening.case_id, THE_NEXT))
    assert answer.version == rows[-1].seq
    assert house.rows(opening) == rows
    back = await upgraded(house, "move", str(EDITION), "--case", opening.case_id)
    assert (back.code, house.rows(opening)) == (1, rows)
    assert "is of a newer edition, and never goes back (edition 2)" in back.words


async def test_it_leaves_what_is_ended_until_it_is_reopened(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, going = await closed(house), await house.open()
    await release(house, monkeypatch)
    said = await upgraded(
        house, "move", TO, "--case", ended.case_id, "--case", going.case_id, "--case", "BCDFG-HJKMN"
    )
    assert said.code == 1
    assert said.words.splitlines() == [
        f"{reference(house, ended)} is ended, and was left (edition 1)",
        f"{reference(house, going)} moved from edition 1 to 2",
        "BCDFG-HJKMN was not moved: there is no such case",
        "1 case(s) moved to edition 2; 1 passed over.",
        "1 case(s) not moved; it is safe to run this again.",
    ]
    assert not [e for e in house.events(ended) if isinstance(e, EditionMoved)]
    shown = await upgraded(house, "show")
    assert shown == Said(
        0, "edition 1: 0 open, 1 ended\nedition 2: 1 open, 0 ended\nNew cases are of edition 1.\n"
    )

    await house.act(ended, REOPEN)
    assert house.case(ended).edition == EDITION
    assert (await upgraded(house, "move", TO)).code == 0
    assert [house.case(one).edition for one in (ended, going)] == [THE_NEXT, THE_NEXT]


async def test_it_names_each_case_that_could_not_move(house: House) -> None:
    # The commands were upgraded and the workers were not: nothing changes, and it says so.
    two = [await house.open(), await house.open()]
    said = await upgraded(house, "move", TO)
    assert said.code == 1
    assert said.words.count(" was not moved: ") == 2
    for opening in two:
        assert f"{reference(house, opening)} was not moved: " in said.words
        assert house.case(opening).edition == EDITION
    assert "2 case(s) not moved" in said.words


async def test_it_says_so_when_the_program_is_older_than_a_case(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await release(house, monkeypatch)
    await house.open(replace(an_opening(), edition=THE_NEXT))
    said = await homeward(house, "edition", "show")
    assert said.code == 1
    assert "edition 2: 1 open, 0 ended; this program does not know it" in said.words
    said = await homeward(house, "edition", "move", TO)
    assert said == Said(2, "This program does not know edition 2.\n")


async def test_it_goes_on_anew_after_the_engine_was_lost(
    fragile: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fragile.house
    moved, stayed = await house.open(), await house.open()
    for opening in (moved, stayed):
        await house.days_pass(opening, 1)
        await house.act(opening, ASK)
    await release(house, monkeypatch)
    assert (await upgraded(house, "move", TO, "--case", moved.case_id)).code == 0
    await fragile.come_back_with(None)
    assert (await homeward(house, "recover", program="tests.ledger.upgraded")).code == 0
    for opening in (moved, stayed):
        await house.act(opening, an_act("note", "origin.tracing", step="answer", note="text:1"))
        await house.days_pass(opening, 60)
        await house.act(opening, ANSWER)
    assert notes(house, moved) == ["text:1", NEW]
    assert notes(house, stayed) == ["text:1"]
    assert (await homeward(house, "reconcile")).code == 0
    before = await asyncio.to_thread(every_row, house.database)
    assert (await homeward(house, "reproject")).code == 0
    assert await asyncio.to_thread(every_row, house.database) == before


async def test_it_shows_beforehand_what_would_come_at_another_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = EDITIONS[EDITION]

    def later(case: Case) -> datetime | None:
        at = present.next_wake(case)
        return at + timedelta(days=1) if at else None

    monkeypatch.setitem(EDITIONS, THE_NEXT, Edition(present.open_case, present.advance, later))
    opening = await house.open()
    await house.days_pass(opening, STALLED[0][0])
    await house.act(opening, ASK)
    told = [one async for one in moves(house.database, house.settings, THE_NEXT, dry_run=True)]
    first = present.next_wake(house.case(opening))
    assert first is not None
    assert first > MONDAY
    assert told == [
        Move(
            reference(house, opening),
            EDITION,
            Became.WOULD_MOVE,
            "",
            first,
            first + timedelta(days=1),
        )
    ]
    words = told[0].in_words(THE_NEXT)
    assert f"{first + timedelta(days=1):%Y-%m-%d %H:%M} UTC instead of {first:%Y-%m-%d}" in words
