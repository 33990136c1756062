"""Ledger and engine compared: each kind of difference is made for real and named."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.commands import Opening
from domain.core import advance
from local.postgres import RunningPostgres
from local.temporal import RunningTemporal
from records import ledger
from records.projection import Batch, NewEvent, write_one
from records.reproject import reproject_all
from tests.builders import MONDAY
from tests.conftest import fresh_database
from tests.ledger.rooms import ASK, a_note, homeward, tamper
from tests.workflows.conftest import House, house_on, new_key, settings_for
from workflows.encoding import event_to_json
from workflows.messages import workflow_id

Break = Callable[[House, Opening], Awaitable[None]]


async def no_run(house: House, opening: Opening) -> None:
    await house.client.get_workflow_handle(workflow_id(opening.case_id)).terminate("lost")


async def behind(house: House, opening: Opening) -> None:
    """The ledger goes on without the run."""
    case = house.case(opening)
    events = advance(case, a_note(7), case.now or MONDAY)
    told = tuple(
        NewEvent(seq, event_to_json(event), new_key(), "content")
        for seq, event in enumerate(events, start=case.version + 1)
    )
    with house.database.begin() as connection:
        write_one(connection, Batch(opening.case_id, told))


async def ahead(house: House, opening: Opening) -> None:
    """The database comes back from a backup that is too old."""
    tamper(
        house.database,
        "DELETE FROM events WHERE case_id = :case AND seq ="
        " (SELECT max(seq) FROM events WHERE case_id = :case)",
        case=opening.case_id,
    )
    await asyncio.to_thread(reproject_all, house.database)


async def other_status(house: House, opening: Opening) -> None:
    with house.database.begin() as connection:
        connection.execute(text("UPDATE cases SET status = 'on_hold'"))


async def not_folded(house: House, opening: Opening) -> None:
    with house.database.begin() as connection:
        connection.execute(text("UPDATE cases SET version = version - 1"))


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (no_run, "is open in the ledger, but does not run in the engine"),
        (behind, "the engine is behind the ledger: event 5 instead of 6"),
        (ahead, "the engine is ahead of the ledger: event 5 instead of 4"),
        (other_status, "is on_hold in the ledger, but open in the engine"),
        (not_folded, "the rows do not stand at event 5 of the ledger; reproject makes them"),
    ],
)
async def test_it_names_the_difference_and_ends_with_one(
    house: House, breaks: Break, words: str
) -> None:
    opening = await house.open()
    await house.act(opening, a_note(1))
    await house.act(opening, a_note(2))
    assert len(house.rows(opening)) == 5
    said = await homeward(house, "reconcile")
    assert (said.code, said.words) == (0, "Ledger and engine agree.\n")
    await breaks(house, opening)
    said = await homeward(house, "reconcile")
    assert (said.code, said.words) == (1, f"{opening.case_id} {words}\n")


async def test_it_names_a_run_that_the_ledger_does_not_know(
    house: House, postgres_server: RunningPostgres, temporal: RunningTemporal, tmp_path: Path
) -> None:
    # Another database, the same queue: as after the wrong backup was restored.
    await house.stop_worker()
    for url in fresh_database(postgres_server):
        settings = settings_for(url, temporal, tmp_path)
        settings = settings.model_copy(update={"task_queue": house.settings.task_queue})
        other = await house_on(settings)
        await other.start_worker()
        opening = await other.open()
        await other.act(opening, ASK)
        await other.stop_worker()
        await house.start_worker()
        said = await homeward(house, "reconcile")
        await other.end()
    assert said.code == 1
    assert f"{opening.case_id} runs in the engine, but the ledger does not know it" in said.words
    with house.database.begin() as connection:
        assert ledger.case_ids(connection) == []


async def test_it_names_a_case_that_gives_no_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from activities import upkeep  # noqa: PLC0415 - only its patience is changed
    from activities.cases import CaseEngine  # noqa: PLC0415

    opening = await house.open()
    await house.stop_worker()

    async def hurried(*_: object) -> CaseEngine:
        queue = house.settings.task_queue
        return CaseEngine(house.client, house.database, task_queue=queue, patience=1)

    monkeypatch.setattr(upkeep, "_engine", hurried)
    found = await upkeep.compare_with_engine(house.database, house.settings)
    assert [(one.case_id, one.what) for one in found] == [
        (opening.case_id, "the engine gives no answer; is a worker running?")
    ]
