"""The same number with other contents: nobody passes over it, and people see it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from domain.case.commands import OpenCase
from local.postgres import RunningPostgres, clone_database, drop_database
from local.temporal import RunningTemporal
from records import alarms, stalled
from records.alarms import Alarm
from records.tables import events
from tests.api.conftest import Running, quiet, running_on, settings_for
from tests.builders import MONDAY
from tests.conftest import TEMPLATE
from tests.ledger.rooms import ASK, a_note, homeward, named
from tests.ledger.test_reconcile import behind
from tests.workflows.conftest import Lab, new_key
from workflows.encoding import command_to_json
from workflows.messages import ACT, Act, Answer, workflow_id

__all__ = ["quiet"]


def raised(lab: Lab, opening: OpenCase) -> list[Alarm]:
    with lab.database.begin() as connection:
        return alarms.of_subject(connection, opening.case_id)


def stands_still(lab: Lab) -> dict[str, bool]:
    with lab.database.begin() as connection:
        # On the day it began nothing is late yet.
        page = stalled.page(connection, MONDAY + timedelta(hours=1), limit=10)
    return {row.case_id: row.disagrees for row in page.items}


async def an_act_on_its_way(lab: Lab, opening: OpenCase) -> None:
    """What was sent before the ledger moved on: the run decides it as if nothing had happened."""
    asked = Act(command_to_json(ASK), "content")
    run = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    await run.execute_update(ACT, asked, id=new_key(), result_type=Answer)


async def test_it_is_seen_by_people_until_somebody_settles_it(lab: Lab) -> None:
    opening, innocent = await lab.open(), await lab.open()
    await behind(lab, opening)  # a second writer
    kept = lab.rows(opening)
    assert stands_still(lab) == {}
    await an_act_on_its_way(lab, opening)

    assert lab.rows(opening) == kept
    (alarm,) = raised(lab, opening)
    assert (alarm.kind, alarm.seq, alarm.settled_at) == ("conflict", 4, None)
    assert alarm.digest != kept[3].digest
    assert alarm.body is not None  # what was not recorded can be read
    assert alarm.body["event"] == "TaskDone"
    assert stands_still(lab) == {opening.case_id: True}
    said = await homeward(lab, "reconcile")
    assert said.code == 1
    assert (
        f"{named(lab, opening)} the records disagree: the ledger refused another event 4;"
        " recover settles it"
    ) in said.words
    assert innocent.case_id not in said.words

    assert (await homeward(lab, "recover")).code == 0
    assert (await homeward(lab, "reconcile")).code == 0
    (alarm,) = raised(lab, opening)
    assert alarm.settled_at is not None
    assert stands_still(lab) == {}
    assert (await lab.act(opening, a_note(3))).version == len(kept) + 1


async def test_it_is_raised_once_however_often_it_is_seen(lab: Lab) -> None:
    opening = await lab.open()
    await behind(lab, opening)
    await an_act_on_its_way(lab, opening)
    await lab.engine.renew(opening.case_id)  # tried again, refused again
    await asyncio.sleep(0.5)
    assert len(raised(lab, opening)) == 1


async def test_it_does_not_trust_a_ledger_that_was_changed_by_hand(lab: Lab) -> None:
    opening = await lab.open()
    await behind(lab, opening)
    with lab.database.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE events SET key = 'another' WHERE seq = 4"))
        connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))
    run = await lab.engine.progress(opening.case_id)
    said = await homeward(lab, "recover")
    assert said.code == 1
    assert "its ledger was changed by hand" in said.words
    assert await lab.engine.progress(opening.case_id) == run


# -- over HTTP


@pytest.fixture
def own_api(
    postgres_server: RunningPostgres, temporal: RunningTemporal, tmp_path: Path
) -> Iterator[Running]:
    """An API whose only case is the one that a test makes."""
    name = f"alarms_{new_key()[:16]}"
    url = clone_database(postgres_server.url, TEMPLATE, name)
    yield from running_on(settings_for(url, temporal, tmp_path, rehearsal=True))
    drop_database(postgres_server.url, name)


def figure(api: Running) -> float:
    lines = api.nobody.get("/metrics").text.splitlines()
    (line,) = [line for line in lines if line.startswith("homeward_ledger_alarms ")]
    return float(line.split()[1])


def a_forged_row(api: Running, case: str) -> None:
    with api.database.begin() as connection:
        asked = text("SELECT * FROM events WHERE subject_id = :case ORDER BY seq DESC LIMIT 1")
        newest = dict(connection.execute(asked, {"case": case}).mappings().one())
        forged = {"seq": newest["seq"] + 1, "digest": "0" * 64, "chain": "0" * 64, "key": None}
        connection.execute(insert(events).values(**{**newest, **forged}))


def test_it_shows_in_the_figures_and_on_the_stalled_list(own_api: Running) -> None:
    case = own_api.a_case()["case"]
    assert figure(own_api) == 0
    a_forged_row(own_api, case)
    answer = own_api.mali.do(f"/cases/{case}/acts", {"do": "hold", "reason": "r"})
    assert (answer.status_code, answer.json()["type"]) == (503, "records-disagree")
    assert figure(own_api) == 1
    rows = own_api.mali.read("/stalled").json()["items"]
    assert [(row["case"], row["blocker"]) for row in rows] == [(case, "the records disagree")]
