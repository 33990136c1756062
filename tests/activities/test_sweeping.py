"""Words of acts that never happened are swept up; nothing that may still be named is."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, text

from domain.case.commands import OpenCase
from domain.kinds import CASE
from engine.subjects import SubjectEngine
from engine.sweeping import Swept, sweep_texts
from records import alarms, people, private_texts, subjects
from records.errors import LedgerConflict
from records.people import Person
from records.tables import folds_of, subject_column
from tests.builders import an_act
from tests.ledger.rooms import homeward, tamper
from tests.workflows.conftest import Lab, lab
from workflows.messages import NewEvent, workflow_id

__all__ = ["lab"]

KEY = b"k" * 32
NOW = datetime.now(UTC)
OLD = NOW - timedelta(hours=30)
LIMIT = NOW - timedelta(hours=24)


def keep(lab: Lab, opening: OpenCase, words: str, at: datetime = OLD) -> str:
    with lab.database.begin() as connection:
        return private_texts.keep(connection, KEY, opening.case_id, words, at)


def kept(lab: Lab, opening: OpenCase) -> set[str]:
    with lab.database.begin() as connection:
        return set(
            connection.scalars(
                text("SELECT body FROM private_texts WHERE subject_id = :case"),
                {"case": opening.case_id},
            )
        )


async def sweep(lab: Lab) -> Swept:
    return await sweep_texts(lab.database, lab.engine, LIMIT)


async def test_it_removes_what_nothing_names_and_nothing_else(lab: Lab) -> None:
    one, other = await lab.open(), await lab.open()
    named = keep(lab, one, "named")
    await lab.act(one, an_act("note", "host.case", step="ask", note=named))
    keep(lab, one, "lost")
    keep(lab, one, "young", NOW)
    keep(lab, other, "lost too")
    assert await sweep(lab) == Swept(gone=2, left=0)
    assert kept(lab, one) == {"named", "young"}
    assert kept(lab, other) == set()
    assert await sweep(lab) == Swept(gone=0, left=0)


async def test_it_looks_at_each_page_of_many(lab: Lab) -> None:
    opening = await lab.open()
    many = private_texts.AT_A_TIME + 7
    for number in range(many):
        keep(lab, opening, f"lost {number}", OLD if number % 2 else OLD - timedelta(hours=1))
    assert await sweep(lab) == Swept(gone=many, left=0)


async def test_it_looks_no_further_back_than_it_is_told(lab: Lab) -> None:
    opening = await lab.open()
    keep(lab, opening, "of last month", NOW - timedelta(days=30))
    keep(lab, opening, "of yesterday")
    since = NOW - timedelta(days=7)
    assert await sweep_texts(lab.database, lab.engine, LIMIT, since) == Swept(1, 0)
    assert kept(lab, opening) == {"of last month"}


async def test_it_leaves_the_words_of_an_act_that_the_ledger_does_not_know_yet(
    lab: Lab,
) -> None:
    """The act was answered while nothing could be written; the sweep comes before the writer."""
    opening = await lab.open()
    name = keep(lab, opening, "said before the disk was full")
    with lab.database.begin() as connection:
        connection.execute(text(FULL))
        connection.execute(
            text("CREATE TRIGGER disk_full BEFORE INSERT ON events EXECUTE FUNCTION full_disk()")
        )
    await lab.act(opening, an_act("note", "host.case", step="ask", note=name))
    assert await sweep(lab) == Swept(gone=0, left=1)
    with lab.database.begin() as connection:
        connection.execute(text("DROP TRIGGER disk_full ON events"))
    for _ in range(300):
        if any(name in str(row.body) for row in lab.rows(opening)):
            break
        await asyncio.sleep(0.1)
    assert await sweep(lab) == Swept(gone=0, left=0)
    assert kept(lab, opening) == {"said before the disk was full"}


FULL = """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END$$"""


async def test_it_leaves_the_words_of_what_the_ledger_refused(lab: Lab) -> None:
    """A person has yet to look at the event, and will want to read it."""
    opening = await lab.open()
    name = keep(lab, opening, "refused by the ledger")
    row = lab.rows(opening)[0]
    body = {**dict(row.body), "note": name, "at": NOW.isoformat()}
    event = NewEvent(seq=1, body=body)
    with lab.database.begin() as connection:
        alarms.refused(connection, LedgerConflict(opening.case_id, 1), [event])
    assert await sweep(lab) == Swept(gone=0, left=0)
    assert kept(lab, opening) == {"refused by the ledger"}


async def test_it_leaves_the_words_of_a_case_that_gives_no_answer(lab: Lab) -> None:
    opening, lost = await lab.open(), await lab.open()
    keep(lab, opening, "perhaps on its way")
    keep(lab, lost, "perhaps to be recovered")
    await lab.client.get_workflow_handle(workflow_id("case", lost.case_id)).terminate("lost")
    await lab.stop_worker()
    hasty = SubjectEngine(
        lab.client, lab.database, CASE, task_queue=lab.settings.task_queue, patience=2
    )
    assert await sweep_texts(lab.database, hasty, LIMIT) == Swept(gone=0, left=2)
    await lab.start_worker()
    assert await sweep(lab) == Swept(gone=1, left=1)


async def test_it_sweeps_up_after_a_case_that_has_ended(lab: Lab) -> None:
    opening = await lab.open()
    await lab.act(opening, an_act("cancel", "host.case", reason=keep(lab, opening, "why")))
    keep(lab, opening, "lost")
    for _ in range(100):
        if await sweep(lab) == Swept(gone=1, left=0):
            break
        await asyncio.sleep(0.1)
    assert kept(lab, opening) == {"why"}


async def test_it_is_a_command(lab: Lab) -> None:
    opening = await lab.open()
    keep(lab, opening, "lost")
    said = await homeward(lab, "sweep")
    assert (said.code, said.words) == (0, "1 text(s) that nothing names were removed.\n")
    assert kept(lab, opening) == set()


# -- who a first report was about


def a_report(lab: Lab, at: datetime) -> str:
    """It was written down, and its sender never came back; nothing reached the engine."""
    case_id = str(uuid4())
    with lab.database.begin() as connection:
        subjects.admit(connection, "case", case_id)
        people.keep(connection, case_id, Person("Somebody fictional", None, None, None, at))
    return case_id


def is_known(lab: Lab, case_id: str) -> bool:
    with lab.database.begin() as connection:
        return people.read(connection, case_id) is not None


async def test_it_forgets_whom_a_report_was_about_that_became_no_case(lab: Lab) -> None:
    lost, young, opening = a_report(lab, OLD), a_report(lab, NOW), await lab.open()
    with lab.database.begin() as connection:
        people.keep(connection, opening.case_id, Person("Somebody else", None, None, None, OLD))
    assert (await sweep(lab)).reports == 1
    known = [is_known(lab, case_id) for case_id in (lost, young, opening.case_id)]
    assert known == [False, True, True]


async def test_it_keeps_whom_a_report_was_about_that_the_engine_knows_and_the_ledger_does_not_yet(
    lab: Lab,
) -> None:
    running = await lab.open()
    with lab.database.begin() as connection:
        people.keep(connection, running.case_id, Person("Somebody", None, None, None, OLD))
        for fold in folds_of(CASE):
            connection.execute(delete(fold).where(subject_column(fold) == running.case_id))
    tamper(lab.database, "DELETE FROM events WHERE subject_id = :case", case=running.case_id)
    assert (await sweep(lab)).reports == 0
    assert is_known(lab, running.case_id)


async def test_it_keeps_whom_a_report_is_about_that_came_again(lab: Lab) -> None:
    lost, forgotten = a_report(lab, OLD), a_report(lab, OLD)
    assert (await sweep(lab)).reports == 2
    assert not is_known(lab, forgotten)
    again = Person("Somebody fictional", None, None, None, NOW)
    with lab.database.begin() as connection:
        people.ask_again(connection, forgotten, again)
        people.keep(connection, lost, Person("Somebody fictional", None, None, None, OLD))
        people.ask_again(connection, lost, again)
        assert not people.forget(connection, lost, LIMIT)
    assert is_known(lab, forgotten)
    assert is_known(lab, lost)
