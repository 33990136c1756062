"""A fact of the world reaches every open case it concerns, once, whatever is away meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from temporalio.worker import Replayer

from domain.case.events import CrossingChanged
from domain.work.calendar import Calendar
from domain.work.events import CalendarChanged, PostChanged, RulesAdopted
from engine.broadcasts import start_broadcast, start_missed, start_unfinished
from records import (
    broadcasts,
    ledger,
    offices,
    posts,
    procedures,
    subjects,
    users,
    world,
)
from records.offices import KnownOffice
from records.posts import Term
from records.world import Fact, NewFact
from tests.builders import ANSWERED_AND_CLOSED, a_procedure, an_act, an_opening, office_of
from tests.workflows.conftest import Lab, new_key
from worker import runner
from workflows.broadcast import BroadcastWorkflow
from workflows.bulk import TOLD, Counts, broadcast_id
from workflows.encoding import calendar_to_json, procedure_digest

pytestmark = pytest.mark.timeout(120)

CROSSING = "nong-khai"


def now() -> datetime:
    return datetime.now(UTC)


def write(lab: Lab, kind: str, subject: str, body: dict[str, Any], **more: Any) -> Fact:
    new = NewFact(kind, subject, body, "admin", "root", "The bridge is damaged", "a call", **more)
    with lab.database.begin() as connection:
        return world.write(connection, new, now())


def shut(lab: Lab, status: str = "closed") -> Fact:
    body = {"status": status, "corridors": ["th-la"]}
    return write(lab, world.CROSSING, CROSSING, body)


async def tell(lab: Lab, fact: Fact) -> Counts:
    await start_broadcast(lab.client, lab.settings.task_queue, fact.id)
    run: Any = BroadcastWorkflow.run
    handle = lab.client.get_workflow_handle_for(run, broadcast_id(fact.id))
    counts: Counts = await handle.result()
    return counts


def told(lab: Lab, fact: Fact) -> broadcasts.Told:
    with lab.database.begin() as connection:
        found = world.find(connection, fact.id)
        assert found is not None
        return broadcasts.told(connection, [found])[fact.id]


def statuses(lab: Lab, opening: Any) -> list[str]:
    return [e.status for e in lab.events(opening) if isinstance(e, CrossingChanged)]


async def test_it_tells_every_open_case_once(lab: Lab) -> None:
    opened = [await lab.open() for _ in range(3)]
    fact = shut(lab)
    assert await tell(lab, fact) == Counts(done=3)
    assert [statuses(lab, one) for one in opened] == [["closed"]] * 3
    assert told(lab, fact) == broadcasts.Told(done=3)
    assert await tell(lab, fact) == Counts()
    assert [statuses(lab, one) for one in opened] == [["closed"]] * 3
    handle = lab.client.get_workflow_handle(broadcast_id(fact.id))
    assert await handle.query(TOLD, result_type=Counts) == Counts()


async def test_it_leaves_cases_that_the_fact_does_not_concern(lab: Lab) -> None:
    procedure = a_procedure(corridor="th-vn")
    other = await lab.open(an_opening(procedure))
    fact = shut(lab)
    assert await tell(lab, fact) == Counts()
    assert statuses(lab, other) == []


async def test_facts_about_one_thing_reach_a_case_in_order(lab: Lab) -> None:
    opened = [await lab.open() for _ in range(2)]
    first, second, third = shut(lab), shut(lab, "open"), shut(lab)
    for fact in (third, second, first):
        await start_broadcast(lab.client, lab.settings.task_queue, fact.id)
    await tell(lab, third)
    assert [statuses(lab, one) for one in opened] == [["closed", "open", "closed"]] * 2


async def test_a_fact_that_was_written_while_the_engine_was_away_is_told_later(
    lab: Lab,
) -> None:
    opening = await lab.open()
    fact = shut(lab)
    queue = lab.settings.task_queue
    assert await start_unfinished(lab.client, queue, lab.database) == 1
    await tell(lab, fact)
    assert statuses(lab, opening) == ["closed"]
    assert await start_unfinished(lab.client, queue, lab.database) == 0


async def test_a_case_admitted_before_and_opened_after_the_broadcast_is_told(lab: Lab) -> None:
    opening = an_opening()
    with lab.database.begin() as connection:
        seen = world.seen_now(connection)
        procedures.keep(connection, opening.procedure, opening.procedure_digest)
        subjects.admit(connection, "case", opening.case_id, 0, seen.number)
    fact = shut(lab)
    assert await tell(lab, fact) == Counts()

    await lab.engine.open(opening, key=new_key())
    lab.opened.append(opening.case_id)
    with lab.database.begin() as connection:
        assert broadcasts.behind(connection, opening.case_id)
    assert await start_missed(lab.client, lab.settings.task_queue, lab.database) == 1
    assert await tell(lab, fact) in (Counts(done=1), Counts())
    assert statuses(lab, opening) == ["closed"]
    assert await start_missed(lab.client, lab.settings.task_queue, lab.database) == 0


async def test_no_case_is_admitted_while_a_fact_takes_effect(lab: Lab) -> None:
    """Either it begins with the fact, or the fact knows that it must be told."""
    with lab.database.begin() as admitting:
        seen = await asyncio.to_thread(world.seen_now, admitting)
        writing = asyncio.create_task(asyncio.to_thread(shut, lab))
        await asyncio.sleep(0.3)
        assert not writing.done()
    fact = await writing
    assert seen.number < (fact.number or 0)
    with lab.database.begin() as connection:
        assert world.seen_now(connection).crossings == {CROSSING: "closed"}


async def test_a_case_that_ended_is_not_asked_and_hears_of_it_once_it_is_open_again(
    lab: Lab,
) -> None:
    opening = await lab.open()
    for days, command in ANSWERED_AND_CLOSED:
        await lab.days_pass(opening, days)
        if command is not None:
            await lab.act(opening, command)
    fact = shut(lab)
    assert await tell(lab, fact) == Counts()
    await lab.act(opening, an_act("reopen", "host.case", reason="text:reopen"))
    assert await start_missed(lab.client, lab.settings.task_queue, lab.database) == 1
    await tell(lab, fact)
    assert statuses(lab, opening) == ["closed"]


async def test_a_fact_to_come_waits_for_its_moment(lab: Lab) -> None:
    opening = await lab.open()
    at = now() + timedelta(seconds=2)
    office = office_of("host.case")
    with lab.database.begin() as connection:
        offices.load(connection, [KnownOffice(office, "Case office", "case", "TH")])
        users.create(connection, "new.chief", "New chief", now(), None)
        posts.begin(connection, Term(office, posts.HEAD, "new.chief", at), "coordinator")
    fact = write(lab, world.POST, office, {}, effective_at=at)
    assert fact.number is None
    await start_broadcast(lab.client, lab.settings.task_queue, fact.id)
    await asyncio.sleep(0.5)
    assert not [e for e in lab.events(opening) if isinstance(e, PostChanged)]
    assert await tell(lab, fact) == Counts(done=1)
    assert now() >= at
    changed = [e.office for e in lab.events(opening) if isinstance(e, PostChanged)]
    bound = next(one for one in opening.offices if one.id == office)
    assert changed == [replace(bound, head="new.chief")]


async def test_a_calendar_reaches_open_clocks_and_the_same_once_more_changes_nothing(
    lab: Lab,
) -> None:
    opening = await lab.open()
    calendar = Calendar("TH", off=(date(2026, 2, 4),))
    body = {"calendar": calendar_to_json(calendar), "corridors": ["th-la"]}
    before = lab.case(opening).work.tasks["ask"][-1].due_at
    for _ in range(2):
        await tell(lab, write(lab, world.CALENDAR, "TH", body))
    assert len([e for e in lab.events(opening) if isinstance(e, CalendarChanged)]) == 1
    after = lab.case(opening).work.tasks["ask"][-1].due_at
    assert before is not None
    assert after == before + timedelta(days=1)


async def test_newer_rules_are_adopted_by_every_open_case_of_the_corridor(lab: Lab) -> None:
    opened = [await lab.open() for _ in range(2)]
    newer = a_procedure(version="newer")
    known = procedure_digest(newer)
    with lab.database.begin() as connection:
        procedures.keep(connection, newer, known)
    fact = write(lab, world.RULES, "th-la", {"digest": known})
    assert await tell(lab, fact) == Counts(done=2)
    for one in opened:
        adopted = [e.procedure_digest for e in lab.events(one) if isinstance(e, RulesAdopted)]
        assert adopted == [known]


async def test_it_goes_on_after_the_worker_was_stopped_in_between(lab: Lab) -> None:
    opened = [await lab.open() for _ in range(5)]
    fact = shut(lab)
    await start_broadcast(lab.client, lab.settings.task_queue, fact.id)
    while told(lab, fact).done < 2:  # noqa: ASYNC110 - what is waited for is in the database
        await asyncio.sleep(0.02)
    await lab.stop_worker()
    await lab.start_worker()
    await tell(lab, fact)
    assert told(lab, fact) == broadcasts.Told(done=5)
    assert [statuses(lab, one) for one in opened] == [["closed"]] * 5


async def test_a_case_that_cannot_be_asked_stops_nobody_and_is_asked_again(lab: Lab) -> None:
    """One whose run is gone and whose ledger was changed by hand answers nothing."""
    well, ill = await lab.open(), await lab.open()
    await lab.client.get_workflow_handle(f"case/{ill.case_id}").terminate("lost")
    with lab.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER written_once")
        connection.exec_driver_sql(
            f"UPDATE events SET digest = 'x' WHERE subject_id = '{ill.case_id}' AND seq = 1"  # noqa: S608
        )
        assert ledger.verify(connection, ill.case_id)
    fact = shut(lab)
    assert await tell(lab, fact) == Counts(done=1, failed=1)
    assert statuses(lab, well) == ["closed"]
    assert told(lab, fact) == broadcasts.Told(done=1, failed=1, left=1)
    with lab.database.begin() as connection:
        assert broadcasts.missed(connection) == [fact.id]
        assert broadcasts.outcome_of(connection, fact.id, ill.case_id) == (
            "failed",
            "ledger-trouble",
        )


async def test_it_continues_as_new_and_its_history_can_be_replayed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.stop_worker()
    monkeypatch.setattr("activities.bulk.PAGE", 1)
    monkeypatch.setattr("workflows.bulk.PAGES_OF_A_RUN", 2)
    monkeypatch.setattr("workflows.broadcast.PAGES_OF_A_RUN", 2)
    await lab.start_worker()
    opened = [await lab.open() for _ in range(5)]
    fact = shut(lab)
    assert await tell(lab, fact) == Counts(done=5)
    assert [statuses(lab, one) for one in opened] == [["closed"]] * 5
    handle = lab.client.get_workflow_handle(broadcast_id(fact.id))
    history = await handle.fetch_history()
    assert history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    replayer = Replayer(
        workflows=[BroadcastWorkflow],
        data_converter=lab.client.data_converter,
        workflow_runner=runner(sandbox=True),
    )
    await replayer.replay_workflow(history)
