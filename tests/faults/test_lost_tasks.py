"""A task that wrote to the ledger and died before its end: the case goes on from what is written."""

import asyncio
from datetime import timedelta

from temporalio.common import WorkflowIDReusePolicy

from domain.case.core import advance
from records import alarms
from records.projection import write_one
from records.recovery import from_ledger
from tests.builders import MONDAY, STALLED, a_life, an_act
from tests.workflows.conftest import Lab, lab, new_key
from workflows.encoding import command_to_json, event_to_json
from workflows.messages import ACT, Act, Answer, NewEvent, Start, workflow_id
from workflows.ports import EventBatch

__all__ = ["lab"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")
ANSWER = an_act("complete", "origin.tracing", step="answer", outcome="found")
CLOSE = an_act("complete", "host.case", step="closure", outcome="closed")
REOPEN = an_act("reopen", "host.case", reason="text:2")
NOTE = an_act("note", "host.case", step="ask", note="text:1")


async def written_and_lost(lab: Lab, opening: object, command: object, key: str) -> int:
    """Write what a worker wrote that was killed a moment later; return the version."""
    case = lab.case(opening)  # type: ignore[arg-type]
    events = advance(case, command, case.now or MONDAY)  # type: ignore[arg-type]
    told = tuple(
        NewEvent(seq, event_to_json(event), key, "content")
        for seq, event in enumerate(events, start=case.version + 1)
    )
    with lab.database.begin() as connection:
        return write_one(connection, EventBatch("case", case.id, told)).head.seq


def open_alarms(lab: Lab) -> int:
    with lab.database.begin() as connection:
        return alarms.count_open(connection)


async def test_it_follows_the_ledger_when_the_same_act_is_done_anew_a_little_later(
    lab: Lab,
) -> None:
    opening, key = await lab.open(), new_key()
    version = await written_and_lost(lab, opening, ASK, key)
    await lab.days_pass(opening, 0.01)  # now the same act has another moment
    run = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    asked = Act(command_to_json(ASK), "content")
    again = await run.execute_update(ACT, asked, id=key, result_type=Answer)
    assert again.version == version
    await lab.rest(opening)
    assert len(lab.rows(opening)) == version
    assert open_alarms(lab) == 0
    assert (await lab.act(opening, NOTE)).version == version + 1


async def test_it_keeps_an_act_that_came_in_the_same_task_as_the_lost_one(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    version = await written_and_lost(lab, opening, ASK, key)
    await lab.stop_worker()
    run = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    sent = [
        asyncio.create_task(
            run.execute_update(
                ACT, Act(command_to_json(command), "content"), id=name, result_type=Answer
            )
        )
        for command, name in ((ASK, key), (NOTE, new_key()))
        if await asyncio.sleep(1, result=True)  # in this order
    ]
    await lab.start_worker()
    first, second = await asyncio.gather(*sent)
    assert (first.version, second.version) == (version, version + 1)
    await lab.rest(opening)
    assert len(lab.rows(opening)) == version + 1
    assert open_alarms(lab) == 0
    assert (await lab.act(opening, NOTE)).version == version + 2


async def test_it_follows_the_ledger_when_a_timer_comes_first(lab: Lab) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    version = await written_and_lost(lab, opening, NOTE, new_key())
    await lab.days_pass(opening, 60)
    note_at = MONDAY + timedelta(days=1)
    expected = list(a_life(STALLED[0], (1, NOTE), STALLED[1], opening=opening).events)
    told = lab.events(opening)
    assert told[version - 1].at - note_at < timedelta(minutes=5)
    assert [(type(e), e.at) for e in told[version:]] == [
        (type(e), e.at) for e in expected[version:]
    ]
    assert open_alarms(lab) == 0


async def test_it_goes_on_from_the_ledger_without_a_word_when_one_act_was_lost(
    lab: Lab,
) -> None:
    opening = await lab.open()
    version = await written_and_lost(lab, opening, ASK, new_key())
    assert (await lab.act(opening, NOTE)).version == version + 1
    assert open_alarms(lab) == 0


async def test_it_follows_the_ledger_when_the_task_that_reopened_a_case_was_lost(
    lab: Lab,
) -> None:
    opening, key = await lab.open(), new_key()
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(opening, command)
    with lab.database.begin() as connection:
        before = from_ledger(connection, opening.case_id)
    assert before is not None
    version = await written_and_lost(lab, opening, REOPEN, key)
    await asyncio.sleep(2)  # the same act has another moment now
    start = Start(opening.case_id, before.clock_offset, snapshot=before.snapshot)
    operation = lab.engine.starting(start, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
    asked = Act(command_to_json(REOPEN), "content")
    again = await lab.client.execute_update_with_start_workflow(
        ACT, asked, id=key, result_type=Answer, start_workflow_operation=operation
    )
    assert again.version == version
    await lab.rest(opening)
    assert (await lab.act(opening, NOTE)).version == version + 1
    assert open_alarms(lab) == 0
