"""Every list and case row is a fold of the ledger: made again it is the same, byte for byte."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text

from engine.runs import Recovery
from records import access_log, deliveries, ledger, people, private_texts, reproject
from records.access_log import Access
from records.deliveries import Address
from records.people import Person
from records.session import make_engine
from tests.builders import ANSWERED_AND_CLOSED, STALLED, many
from tests.ledger.rooms import (
    ANSWER,
    ASK,
    CANCEL,
    CLOSE,
    REOPEN,
    a_note,
    every_row,
    forget,
    homeward,
    renewed,
    run_of,
    tamper,
)
from tests.records.writing import write
from tests.workflows.conftest import Lab
from workflows.messages import workflow_id

NOT_FOLDS = (
    "subjects",
    "procedures",
    "events",
    "people",
    "private_texts",
    "installation",
    "alarms",
    "deliveries",
    "access_log",
)


def everything_else(database: Engine) -> list[Any]:
    with database.begin() as connection:
        return [
            connection.execute(text(f"SELECT CAST({name} AS text) FROM {name}")).all()  # noqa: S608
            for name in NOT_FOLDS
        ]


def destroy_the_folds(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("DELETE FROM outbox"))
        connection.execute(text("UPDATE tasks SET title = 'spoilt', holder = 'nobody'"))
        connection.execute(text("UPDATE states SET state = '{}', version = 1"))
        connection.execute(text("UPDATE cases SET version = 1, status = 'spoilt'"))


async def test_it_is_made_again_byte_for_byte_once_the_engine_has_forgotten(lab: Lab) -> None:
    state, closed, again = [await lab.open() for _ in range(3)]
    for opening in (state, closed, again):
        await lab.days_pass(opening, 1)
        await lab.act(opening, ASK)
        await lab.days_pass(opening, 60)
    gone = []
    for number in range(3):
        await lab.act(state, a_note(number))
        gone.append((state, await renewed(lab, state)))
    for opening in (closed, again):
        await lab.act(opening, ANSWER)
        await lab.act(opening, CLOSE)
        await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).result()
        gone.append((opening, await run_of(lab, opening)))
    await lab.act(again, REOPEN)
    await lab.rest(again)
    await asyncio.gather(*(forget(lab, opening, run) for opening, run in gone))

    with lab.database.begin() as connection:
        written_at = datetime(2026, 2, 2, tzinfo=UTC)
        people.keep(connection, state.case_id, Person("A", "B", None, "female", written_at))
        private_texts.keep(connection, b"k" * 32, state.case_id, "words", written_at)
        deliveries.queue(connection, Address(state.case_id, 1, "la-desk", "email"), written_at)
        access = Access(written_at, "mali", "th-datip", state.case_id, ("names",), "to call")
        access_log.write(connection, access)
    before, rest = every_row(lab.database), everything_else(lab.database)
    destroy_the_folds(lab.database)
    assert every_row(lab.database) != before

    said = await homeward(lab, "reproject")
    assert (said.code, said.words) == (0, "3 case(s) folded again from the ledger.\n")
    assert every_row(lab.database) == before
    assert everything_else(lab.database) == rest
    # And the living go on from there.
    await lab.act(state, a_note(9))
    await lab.act(again, a_note(9))


@pytest.fixture
def database(postgres_url: str) -> Any:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


def test_it_holds_one_case_at_a_time_and_may_be_started_again(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = [*many(20, STALLED), *many(20, ANSWERED_AND_CLOSED)]
    with database.connect() as connection:
        write(connection, *lives)
    before = every_row(database)
    destroy_the_folds(database)

    read, count = ledger.events_of, 0

    def torn(*given: Any) -> Any:
        nonlocal count
        count += 1
        if count > 15:
            raise KeyboardInterrupt
        return read(*given)

    monkeypatch.setattr(ledger, "events_of", torn)
    with pytest.raises(KeyboardInterrupt):
        reproject.reproject_all(database)
    monkeypatch.undo()
    with database.connect() as connection:
        folded = connection.scalar(text("SELECT count(*) FROM cases WHERE status <> 'spoilt'"))
    assert folded == 15
    assert reproject.reproject_all(database) == reproject.Reprojected(len(lives), ())
    assert every_row(database) == before


# -- a ledger that was changed by hand


@pytest.mark.parametrize("gone", ["the last", "in the middle", "all"])
async def test_it_leaves_a_case_alone_whose_ledger_lost_rows(lab: Lab, gone: str) -> None:
    opening, innocent = await lab.open(), await lab.open()
    await lab.act(opening, a_note(1))
    await lab.act(opening, CANCEL)
    await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).result()
    rows = len(lab.rows(opening))
    where = {"the last": f"seq = {rows}", "in the middle": "seq = 4", "all": "true"}[gone]
    tamper(
        lab.database,
        f"DELETE FROM events WHERE subject_id = :case AND {where}",  # noqa: S608
        case=opening.case_id,
    )
    before, verified = every_row(lab.database), await homeward(lab, "audit", "verify")
    assert verified.code == 1
    with lab.database.begin() as connection:
        connection.execute(
            text("UPDATE cases SET turn = 'x' WHERE case_id <> :case"), {"case": opening.case_id}
        )

    said = await homeward(lab, "reproject")
    assert said.code == 1
    assert said.words.splitlines() == [
        *verified.words.splitlines(),
        "1 case(s) folded again from the ledger.",
        "1 case(s) left as they are: the ledger was changed by hand.",
    ]
    assert every_row(lab.database) == before
    assert (await homeward(lab, "audit", "verify")).words == verified.words
    # It is named, nobody is sent to `reproject`, and nothing brings it back to life.
    said = await homeward(lab, "reconcile")
    assert said.code == 1
    assert set(verified.words.splitlines()) <= set(said.words.splitlines())
    assert "reproject" not in said.words
    assert innocent.case_id not in said.words
    if gone != "in the middle":  # the row says that it is ended, and so does the ledger
        said = await homeward(lab, "recover")
        assert (said.code, Recovery.BROKEN.value in said.words) == (1, True)
    assert not await lab.engine.lives(opening.case_id)
