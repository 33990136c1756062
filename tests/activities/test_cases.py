"""The way in to a case: what comes back when there is no case, no run, no worker or no engine."""

import asyncio
import gc
from dataclasses import replace

import pytest

from domain.kinds import CASE
from engine.connection import connect
from engine.errors import ActRefused, EngineAway, NoSuchSubject, OutcomeUnknown
from engine.runs import Recovery
from engine.subjects import SubjectEngine
from local.ports import free_port
from records.tables import events
from tests.builders import ANSWERED_AND_CLOSED, MONDAY, STALLED, a_life, an_act, an_opening
from tests.workflows.conftest import Lab, lab, new_key
from workflows.encoding import command_to_json
from workflows.messages import ACT, Act, Answer, workflow_id
from workflows.ports import LEDGER_TROUBLE

__all__ = ["lab"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


async def test_it_says_that_there_is_no_such_case(lab: Lab) -> None:
    with pytest.raises(NoSuchSubject):
        await lab.act(an_opening(), ASK)
    with pytest.raises(NoSuchSubject):
        await lab.engine.progress(an_opening().case_id)


async def test_it_says_that_the_engine_is_away(lab: Lab) -> None:
    nowhere = lab.settings.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
    client = await connect(nowhere, lazy=True)
    away = SubjectEngine(client, lab.database, CASE, patience=3)
    with pytest.raises((EngineAway, OutcomeUnknown)) as said:
        await away.act(an_opening().case_id, ASK, key=new_key())
    assert isinstance(said.value, EngineAway | OutcomeUnknown)
    assert said.value.retry_after > 0


async def test_it_says_that_it_may_still_happen_and_the_same_key_is_safe(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    await lab.stop_worker()
    hurried = replace(lab.engine, patience=1)
    with pytest.raises(OutcomeUnknown):
        await hurried.act(opening.case_id, ASK, key=key)
    await lab.start_worker()
    answer = await lab.act(opening, ASK, key)
    assert sum(row.kind == "TaskDone" for row in lab.rows(opening)) == 1
    assert len(lab.rows(opening)) == answer.version


async def test_it_goes_on_from_the_ledger_when_the_engine_lost_a_case(lab: Lab) -> None:
    opening, key = await lab.open(), new_key()
    await lab.days_pass(opening, 1)
    taken = await lab.act(opening, ASK, key)
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")
    assert await lab.engine.go_on_from_ledger(opening.case_id) is Recovery.STARTED
    assert await lab.engine.go_on_from_ledger(opening.case_id) is Recovery.NOTHING
    assert await lab.act(opening, ASK, key) == taken
    await lab.days_pass(opening, 60)
    assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)


async def test_it_does_not_start_an_ended_case_again(lab: Lab) -> None:
    opening = await lab.open()
    for days, command in ANSWERED_AND_CLOSED:
        await lab.days_pass(opening, days)
        if command is not None:
            last = await lab.act(opening, command)
    assert last.state == "closed"
    assert await lab.engine.go_on_from_ledger(opening.case_id) is Recovery.NOTHING


async def test_it_answers_an_old_key_of_an_ended_case_from_the_ledger(lab: Lab) -> None:
    opening, keys = await lab.open(), [new_key() for _ in range(3)]
    moves = [command for _, command in ANSWERED_AND_CLOSED if command is not None]
    answers = [
        await lab.act(opening, command, key) for command, key in zip(moves, keys, strict=True)
    ]
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).result()
    assert (await lab.act(opening, moves[0], keys[0])).version == answers[0].version
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, moves[1], keys[0])
    assert refused.value.slug == "key-reused"


async def test_it_takes_nothing_more_once_the_ledger_says_otherwise(lab: Lab) -> None:
    opening = await lab.open()
    life = a_life(opening=opening)
    # Somebody else wrote event 4: a second writer, or a backup put back under a living case.
    with lab.database.begin() as connection:
        row = lab.rows(opening)[-1]
        connection.execute(
            events.insert().values(
                subject_id=life.case.id,
                seq=row.seq + 1,
                kind=row.kind,
                at=row.at,
                body=row.body,
                digest="0" * 64,
                chain="0" * 64,
                key=None,
                content=None,
            )
        )
    # As an act that was on its way when it happened: it does not know where the ledger stands.
    asked = Act(command_to_json(ASK), "content")
    run = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    await run.execute_update(ACT, asked, id=new_key(), result_type=Answer)
    for _ in range(100):
        if (await lab.engine.progress(opening.case_id)).trouble:
            break
        await asyncio.sleep(0.05)
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, an_act("note", "host.case", step="answer", note="text:1"))
    assert (refused.value.slug, refused.value.status) == (LEDGER_TROUBLE, 503)
    await lab.engine.renew(opening.case_id)  # somebody looked, and nothing is better
    await asyncio.sleep(0.5)
    assert (await lab.engine.progress(opening.case_id)).trouble == LEDGER_TROUBLE


async def test_it_tells_the_cases_own_time(lab: Lab) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 10)
    now = await lab.engine.now_of(opening.case_id)
    assert (now - MONDAY).days == 10


async def test_a_lazy_client_needs_no_engine_to_begin_with(lab: Lab) -> None:
    nowhere = lab.settings.model_copy(update={"temporal_address": "127.0.0.1:1"})
    assert (await connect(nowhere, lazy=True)).namespace == lab.settings.namespace


async def test_it_says_so_when_nobody_opens_a_case_in_time(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    await lab.stop_worker()
    hurried = replace(lab.engine, patience=1)
    opening, key = an_opening(), new_key()
    with pytest.raises(OutcomeUnknown):
        await hurried.open(opening, key=key)
    gc.collect()
    assert [
        record.message for record in caplog.records if "never retrieved" in record.message
    ] == []
    await lab.start_worker()
    answer = await lab.engine.open(opening, key=key)
    lab.opened.append(opening.case_id)
    assert len(lab.rows(opening)) == answer.version
