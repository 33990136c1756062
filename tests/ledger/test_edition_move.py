"""An operator moves open cases to a newer edition: each move is an act in the case's own ledger."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.behaviour import EDITION, EDITIONS
from domain.case.acts.world import ChangeEdition
from domain.case.core import next_wake
from domain.case.state import Case
from domain.kinds import CASE
from domain.work.events import EditionMoved, TaskNoted
from engine import editions
from engine.broadcasts import content_of, key_of
from engine.editions import Became, Move, moves
from records import subjects, world
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
from tests.workflows.conftest import Lab
from worker import runner
from workflows.case import CaseWorkflow
from workflows.messages import workflow_id

pytestmark = pytest.mark.timeout(180)

TO = str(THE_NEXT)
NEW = "text:new"


async def upgraded(lab: Lab, *arguments: str) -> Said:
    """A command of the new program."""
    return await homeward(lab, "edition", *arguments, program="tests.ledger.upgraded")


async def release(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the old worker and start the new one, as an upgrade does."""
    await lab.stop_worker()
    monkeypatch.setitem(EDITIONS, THE_NEXT, made_up())
    await lab.start_worker()


def reference(lab: Lab, opening: Any) -> str:
    with lab.database.begin() as connection:
        found = subjects.find(connection, opening.case_id)
    assert found is not None
    return found.reference


def notes(lab: Lab, opening: Any) -> list[str]:
    return [event.note for event in lab.events(opening) if isinstance(event, TaskNoted)]


async def closed(lab: Lab) -> Any:
    opening = await lab.open()
    for days, command in ANSWERED_AND_CLOSED:
        await lab.days_pass(opening, days)
        if command is not None:
            await lab.act(opening, command)
    return opening


async def history(lab: Lab, opening: Any) -> WorkflowHistory:
    """Of the newest run."""
    run = await run_of(lab, opening)
    handle = lab.client.get_workflow_handle(workflow_id("case", opening.case_id), run_id=run)
    return await handle.fetch_history()


def replayer(lab: Lab) -> Replayer:
    return Replayer(
        workflows=[CaseWorkflow],
        data_converter=lab.client.data_converter,
        workflow_runner=runner(sandbox=True),
    )


async def test_it_moves_what_an_operator_names_and_nothing_else(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, other = await lab.open(), await lab.open()
    for opening in (chosen, other):
        await lab.act(opening, a_note(1))
    await release(lab, monkeypatch)

    before = await asyncio.to_thread(every_row, lab.database)
    said = await upgraded(lab, "move", TO, "--dry-run")
    assert said.code == 0
    *lines, last = said.words.splitlines()
    assert sorted(lines) == sorted(
        f"{reference(lab, one)} would move from edition 1 to 2" for one in (chosen, other)
    )
    assert last == "2 case(s) would move to edition 2; 0 passed over."
    assert await asyncio.to_thread(every_row, lab.database) == before

    typed = reference(lab, chosen).lower().replace("-", "")
    said = await upgraded(lab, "move", TO, "--case", typed)
    assert said == Said(
        0,
        f"{reference(lab, chosen)} moved from edition 1 to 2\n"
        "1 case(s) moved to edition 2; 0 passed over.\n",
    )
    for opening in (chosen, other):
        await lab.act(opening, a_note(2))
    assert notes(lab, chosen) == ["text:1", "text:2", NEW]
    assert notes(lab, other) == ["text:1", "text:2"]
    assert [lab.case(one).edition for one in (chosen, other)] == [THE_NEXT, EDITION]

    # What was done before the release, before the move and after it, all in one history.
    for opening in (chosen, other):
        await replayer(lab).replay_workflow(await history(lab, opening))
    monkeypatch.delitem(EDITIONS, THE_NEXT)
    await replayer(lab).replay_workflow(await history(lab, other))
    with pytest.raises(NondeterminismError):
        await replayer(lab).replay_workflow(await history(lab, chosen))


async def test_it_records_each_move_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = await lab.open()
    await release(lab, monkeypatch)
    assert (await upgraded(lab, "move", TO)).code == 0
    rows = lab.rows(opening)
    assert isinstance(lab.events(opening)[-1], EditionMoved)
    with lab.database.begin() as connection:
        fact = world.newest(connection, world.EDITION, TO)
    assert fact is not None
    key = key_of(fact.id, opening.case_id)
    assert rows[-1].key == key

    named = await upgraded(lab, "move", TO, "--case", opening.case_id)
    assert named == Said(
        0,
        f"{reference(lab, opening)} is there already (edition 2)\n"
        "0 case(s) moved to edition 2; 1 passed over.\n",
    )
    assert (await upgraded(lab, "move", TO)).words == (
        "0 case(s) moved to edition 2; 0 passed over.\n"
    )
    # Two operators at the same time, and one whose answer was lost.
    move = replace(
        an_act("world_edition", "host.case"),
        by="admin",
        user="",
        body=ChangeEdition(number=THE_NEXT),
    )
    answer = await lab.engine.act(opening.case_id, move, key=key, content=content_of(fact.id))
    assert answer.version == rows[-1].seq
    assert lab.rows(opening) == rows
    back = await upgraded(lab, "move", str(EDITION), "--case", opening.case_id)
    assert (back.code, lab.rows(opening)) == (1, rows)
    assert "is of a newer edition, and never goes back (edition 2)" in back.words


async def test_it_leaves_what_is_ended_until_it_is_reopened(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, going = await closed(lab), await lab.open()
    await release(lab, monkeypatch)
    said = await upgraded(
        lab, "move", TO, "--case", ended.case_id, "--case", going.case_id, "--case", "BCDFG-HJKMN"
    )
    assert said.code == 1
    assert said.words.splitlines() == [
        f"{reference(lab, ended)} is ended, and was left (edition 1)",
        f"{reference(lab, going)} moved from edition 1 to 2",
        "BCDFG-HJKMN was not moved: there is no such case",
        "1 case(s) moved to edition 2; 1 passed over.",
        "1 case(s) not moved; it is safe to run this again.",
    ]
    assert not [e for e in lab.events(ended) if isinstance(e, EditionMoved)]
    shown = await upgraded(lab, "show")
    assert shown == Said(
        0, "edition 1: 0 open, 1 ended\nedition 2: 1 open, 0 ended\nNew cases are of edition 1.\n"
    )

    await lab.act(ended, REOPEN)
    assert lab.case(ended).edition == EDITION
    assert (await upgraded(lab, "move", TO)).code == 0
    assert [lab.case(one).edition for one in (ended, going)] == [THE_NEXT, THE_NEXT]


async def test_it_names_each_case_that_could_not_move(lab: Lab) -> None:
    # The commands were upgraded and the workers were not: nothing changes, and it says so.
    two = [await lab.open(), await lab.open()]
    said = await upgraded(lab, "move", TO)
    assert said.code == 1
    assert said.words.count(" was not moved: ") == 2
    for opening in two:
        assert f"{reference(lab, opening)} was not moved: " in said.words
        assert lab.case(opening).edition == EDITION
    assert "2 case(s) not moved" in said.words


async def test_it_says_so_when_the_program_is_older_than_a_case(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await release(lab, monkeypatch)
    await lab.open(replace(an_opening(), edition=THE_NEXT))
    said = await homeward(lab, "edition", "show")
    assert said.code == 1
    assert "edition 2: 1 open, 0 ended; this program does not know it" in said.words
    said = await homeward(lab, "edition", "move", TO)
    assert said == Said(2, "This program does not know edition 2.\n")


async def test_it_goes_on_anew_after_the_engine_was_lost(
    fragile: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = fragile.lab
    moved, stayed = await lab.open(), await lab.open()
    for opening in (moved, stayed):
        await lab.days_pass(opening, 1)
        await lab.act(opening, ASK)
    await release(lab, monkeypatch)
    assert (await upgraded(lab, "move", TO, "--case", moved.case_id)).code == 0
    await fragile.come_back_with(None)
    assert (await homeward(lab, "recover", program="tests.ledger.upgraded")).code == 0
    for opening in (moved, stayed):
        await lab.act(opening, an_act("note", "origin.tracing", step="answer", note="text:1"))
        await lab.days_pass(opening, 60)
        await lab.act(opening, ANSWER)
    assert notes(lab, moved) == ["text:1", NEW]
    assert notes(lab, stayed) == ["text:1"]
    assert (await homeward(lab, "reconcile")).code == 0
    before = await asyncio.to_thread(every_row, lab.database)
    assert (await homeward(lab, "reproject")).code == 0
    assert await asyncio.to_thread(every_row, lab.database) == before


async def test_it_shows_beforehand_what_would_come_at_another_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(case: Case) -> datetime | None:
        at = next_wake(case)
        return at + timedelta(days=1) if at and case.edition == THE_NEXT else at

    monkeypatch.setitem(EDITIONS, THE_NEXT, EDITIONS[EDITION])
    monkeypatch.setattr(editions, "CASE", replace(CASE, next_wake=later))
    opening = await lab.open()
    await lab.days_pass(opening, STALLED[0][0])
    await lab.act(opening, ASK)
    told = [one async for one in moves(lab.database, lab.settings, THE_NEXT, dry_run=True)]
    first = next_wake(lab.case(opening))
    assert first is not None
    assert first > MONDAY
    assert told == [
        Move(
            reference(lab, opening),
            EDITION,
            Became.WOULD_MOVE,
            "",
            first,
            first + timedelta(days=1),
        )
    ]
    words = told[0].in_words(THE_NEXT)
    assert f"{first + timedelta(days=1):%Y-%m-%d %H:%M} UTC instead of {first:%Y-%m-%d}" in words
