"""Ledger and engine compared: each kind of difference is made for real and named."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from domain.case.commands import OpenCase
from domain.case.core import advance
from domain.kinds import CASE
from local.postgres import RunningPostgres
from local.temporal import RunningTemporal
from records import ledger
from records.projection import write_one
from records.reconcile import of_subject
from records.reproject import reproject_all
from records.session import make_engine
from tests.builders import ANSWERED_AND_CLOSED, MONDAY, STALLED, Life, a_life
from tests.conftest import fresh_database
from tests.ledger.rooms import ANSWER, ASK, CLOSE, a_note, homeward, named, tamper
from tests.records.writing import write
from tests.workflows.conftest import Lab, lab_on, new_key, settings_for
from workflows.encoding import event_to_json
from workflows.messages import NewEvent, workflow_id
from workflows.ports import EventBatch

Break = Callable[[Lab, OpenCase], Awaitable[None]]


async def no_run(lab: Lab, opening: OpenCase) -> None:
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).terminate("lost")


async def behind(lab: Lab, opening: OpenCase) -> None:
    """The ledger goes on without the run."""
    case = lab.case(opening)
    events = advance(case, a_note(7), case.now or MONDAY)
    told = tuple(
        NewEvent(seq, event_to_json(event), new_key(), "content")
        for seq, event in enumerate(events, start=case.version + 1)
    )
    with lab.database.begin() as connection:
        write_one(connection, EventBatch("case", opening.case_id, told))


async def ahead(lab: Lab, opening: OpenCase) -> None:
    """The database comes back from a backup that is too old."""
    tamper(
        lab.database,
        "DELETE FROM events WHERE subject_id = :case AND seq ="
        " (SELECT max(seq) FROM events WHERE subject_id = :case)",
        "DELETE FROM states WHERE subject_id = :case",
        case=opening.case_id,
    )
    await asyncio.to_thread(reproject_all, lab.database)


def by_hand(statement: str) -> Break:
    async def do(lab: Lab, opening: OpenCase) -> None:
        with lab.database.begin() as connection:
            assert connection.execute(text(statement)).rowcount

    return do


def rows_of(table: str) -> str:
    return f"the rows of {table} do not say what the ledger says; reproject makes them anew"


NOT_FOLDED = "the rows do not stand at event 5 of the ledger; reproject makes them"


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (no_run, "is open in the ledger, but does not run in the engine"),
        (behind, "the engine is behind the ledger: event 5 instead of 6"),
        (ahead, "the engine is ahead of the ledger: event 5 instead of 4"),
        (by_hand("UPDATE cases SET version = version - 1"), NOT_FOLDED),
        (by_hand("DELETE FROM cases"), NOT_FOLDED),
        (by_hand("UPDATE states SET version = version - 1"), NOT_FOLDED),
        (by_hand("DELETE FROM states"), NOT_FOLDED),
    ],
)
async def test_it_names_the_difference_and_ends_with_one(
    lab: Lab, breaks: Break, words: str
) -> None:
    opening = await lab.open()
    await lab.act(opening, a_note(1))
    await lab.act(opening, a_note(2))
    assert len(lab.rows(opening)) == 5
    said = await homeward(lab, "reconcile")
    assert (said.code, said.words) == (0, "Ledger, rows and engine agree.\n")
    await breaks(lab, opening)
    said = await homeward(lab, "reconcile")
    assert (said.code, said.words) == (1, f"{named(lab, opening)} {words}\n")


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE cases SET status = 'on_hold'", "cases"),
        ("UPDATE states SET status = 'on_hold'", "states"),
        ("UPDATE states SET state = '{}'", "states"),
        ("UPDATE states SET procedure_digests = procedure_digests || '{nowhere}'", "states"),
        ("DELETE FROM tasks", "tasks"),
        ("UPDATE tasks SET holder = 'nobody'", "tasks"),
        ("UPDATE tasks SET due_at = due_at + interval '1 day'", "tasks"),
        ("UPDATE tasks SET due_or_never = due_or_never + interval '1 day'", "tasks"),
        (
            "INSERT INTO tasks SELECT (jsonb_populate_record(t, '{\"attempt\": 9}')).* FROM tasks t",
            "tasks",
        ),
        ("DELETE FROM case_offices", "case_offices"),
        ("DELETE FROM escalations", "escalations"),
        ("UPDATE escalations SET deciders = '{}'", "escalations"),
        ("DELETE FROM outbox", "outbox"),
        ("UPDATE outbox SET state = 'waiting'", "outbox"),
    ],
)
def test_it_names_the_table_that_says_something_else_until_it_is_made_anew(
    database: Engine, statement: str, table: str
) -> None:
    lives = [a_life(*STALLED), a_life(*ANSWERED_AND_CLOSED)]
    with database.connect() as connection:
        write(connection, *lives)
    with database.begin() as connection:
        assert all(differing(connection, life) == [] for life in lives)
        connection.execute(text(statement))
        for life in lives:
            assert differing(connection, life) == [rows_of(table)]
    reproject_all(database)
    with database.begin() as connection:
        assert all(differing(connection, life) == [] for life in lives)


def differing(connection: Connection, life: Life) -> list[str]:
    _, found = of_subject(connection, life.case.id)
    return [one.what for one in found]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


async def test_it_compares_the_rows_of_every_case_also_of_ended_ones(lab: Lab) -> None:
    state, ended = await lab.open(), await lab.open()
    for command in (ASK, ANSWER, CLOSE):
        await lab.act(ended, command)
    await lab.client.get_workflow_handle(workflow_id("case", ended.case_id)).result()
    with lab.database.begin() as connection:
        connection.execute(text("DELETE FROM tasks"))
        connection.execute(text("UPDATE case_offices SET office = 'x' || office"))
    said = await homeward(lab, "reconcile")
    words = rows_of("case_offices, tasks")
    assert sorted(said.words.splitlines()) == sorted(
        f"{named(lab, one)} {words}" for one in (state, ended)
    )
    assert (await homeward(lab, "reproject")).code == 0
    assert (await homeward(lab, "reconcile")).code == 0


async def test_it_still_says_that_the_engine_knows_more_where_the_end_was_cut_off(
    lab: Lab,
) -> None:
    opening = await lab.open()
    await lab.act(opening, a_note(1))
    tamper(lab.database, "DELETE FROM events WHERE seq = 4")
    said = await homeward(lab, "reconcile")
    first, second = said.words.splitlines()
    assert first.startswith(f"{named(lab, opening)} event 4 of the ledger is missing")
    assert second.endswith("the engine is ahead of the ledger: event 4 instead of 3")


async def test_it_names_a_run_that_the_ledger_does_not_know(
    lab: Lab, postgres_server: RunningPostgres, temporal: RunningTemporal, tmp_path: Path
) -> None:
    # Another database, the same queue: as after the wrong backup was restored.
    await lab.stop_worker()
    for url in fresh_database(postgres_server):
        settings = settings_for(url, temporal, tmp_path)
        settings = settings.model_copy(update={"task_queue": lab.settings.task_queue})
        other = await lab_on(settings)
        await other.start_worker()
        opening = await other.open()
        await other.act(opening, ASK)
        await other.stop_worker()
        await lab.start_worker()
        said = await homeward(lab, "reconcile")
        await other.end()
    assert said.code == 1
    assert f"{opening.case_id} runs in the engine, but the ledger does not know it" in said.words
    with lab.database.begin() as connection:
        assert ledger.subject_ids(connection) == []


async def test_it_names_a_case_that_gives_no_answer(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine import upkeep  # noqa: PLC0415 - only its patience is changed
    from engine.subjects import SubjectEngine  # noqa: PLC0415

    opening = await lab.open()
    await lab.stop_worker()

    async def hurried(*_: object) -> SubjectEngine:
        queue = lab.settings.task_queue
        return SubjectEngine(lab.client, lab.database, CASE, task_queue=queue, patience=1)

    monkeypatch.setattr(upkeep, "_engine", hurried)
    found = await upkeep.compare_with_engine(lab.database, lab.settings)
    assert [(one.subject_id, one.what) for one in found] == [
        (opening.case_id, "the engine gives no answer; is a worker running?")
    ]
