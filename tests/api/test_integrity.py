"""Whether ledger, rows and engine agree, as whoever keeps the system running sees it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from engine.connection import connect
from records import alarms
from records.reproject import reproject
from tests.api.conftest import Running
from workflows.messages import workflow_id


def found_in(api: Running, case: dict[str, Any]) -> list[str]:
    answer = api.root.read(f"/integrity/{case['reference']}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["engine"] == "ok"
    assert {item["reference"] for item in body["items"]} <= {case["reference"]}
    return [item["what"] for item in body["items"]]


def found_over_all(api: Running, case: dict[str, Any]) -> list[str]:
    body = api.root.read("/integrity").json()
    assert body["cases"] > 0
    return [item["what"] for item in body["items"] if item["case_id"] == case["case"]]


@contextmanager
def by_hand(api: Running, case: dict[str, Any], there: str, back: str) -> Iterator[None]:
    """What only the owner of the database can do; undone afterwards, for others share it."""

    def do(statement: str) -> None:
        with api.database.begin() as connection:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
            assert connection.execute(text(statement), {"case": case["case"]}).rowcount == 1
            connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))

    do(there)
    try:
        yield
    finally:
        do(back)


def lose(api: Running, case: dict[str, Any]) -> None:
    """Take its run away from a case."""

    async def end() -> None:
        client = await connect(api.settings)
        await client.get_workflow_handle(workflow_id("case", case["case"])).terminate("lost")

    asyncio.run(end())


def test_it_finds_nothing_wrong_with_a_case_that_is_well(api: Running) -> None:
    case = api.at_placement()
    assert found_in(api, case) == []
    assert found_over_all(api, case) == []


def test_it_names_a_row_of_the_ledger_that_was_changed_by_hand(api: Running) -> None:
    case = api.a_case()
    with by_hand(
        api,
        case,
        "UPDATE events SET content = 'x' || content WHERE subject_id = :case AND seq = 1",
        "UPDATE events SET content = substr(content, 2) WHERE subject_id = :case AND seq = 1",
    ):
        assert found_in(api, case) == ["event 1 of the ledger was changed"]
    assert found_in(api, case) == []


def test_it_names_rows_that_were_changed_or_stand_elsewhere(api: Running) -> None:
    case = api.a_case()
    with by_hand(
        api,
        case,
        "UPDATE cases SET turn = 'x' || turn WHERE case_id = :case",
        "UPDATE cases SET turn = substr(turn, 2) WHERE case_id = :case",
    ):
        (what,) = found_in(api, case)
        assert (
            what == "the rows of cases do not say what the ledger says; reproject makes them anew"
        )
    with by_hand(
        api,
        case,
        "UPDATE states SET version = version - 1 WHERE subject_id = :case",
        "UPDATE states SET version = version + 1 WHERE subject_id = :case",
    ):
        (what,) = found_in(api, case)
        assert "the rows do not stand at event" in what
        assert what in found_over_all(api, case)[0]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("DELETE FROM tasks WHERE subject_id = :case", "tasks"),
        ("UPDATE tasks SET holder = 'nobody' WHERE subject_id = :case", "tasks"),
        ("DELETE FROM case_offices WHERE case_id = :case", "case_offices"),
        ("DELETE FROM outbox WHERE subject_id = :case", "outbox"),
    ],
)
def test_it_names_the_table_whose_rows_are_not_those_of_the_ledger(
    api: Running, statement: str, table: str
) -> None:
    case = api.at_placement()
    with made_anew(api, case, statement):
        assert found_in(api, case) == [
            f"the rows of {table} do not say what the ledger says; reproject makes them anew"
        ]
    assert found_in(api, case) == []


@contextmanager
def made_anew(api: Running, case: dict[str, Any], statement: str) -> Iterator[None]:
    with api.database.begin() as connection:
        assert connection.execute(text(statement), {"case": case["case"]}).rowcount
    try:
        yield
    finally:
        with api.database.begin() as connection:
            assert reproject(connection, [case["case"]]) == 1


def test_it_names_a_case_whose_own_row_is_gone(api: Running) -> None:
    case = api.a_case()
    with made_anew(api, case, "DELETE FROM cases WHERE case_id = :case"):
        (what,) = found_in(api, case)
        assert "the rows do not stand at event" in what
        assert found_over_all(api, case) == [what]
    assert found_over_all(api, case) == []


def test_it_says_of_a_row_that_counts_too_far_what_it_may_be(api: Running) -> None:
    case = api.a_case()
    with by_hand(
        api,
        case,
        "UPDATE states SET version = version + 1 WHERE subject_id = :case",
        "UPDATE states SET version = version - 1 WHERE subject_id = :case",
    ):
        (what,) = found_in(api, case)
        assert what.endswith("the end was cut off, or its row counts too far")
        assert found_over_all(api, case) == [what]


def test_it_promises_no_start_from_a_ledger_that_was_changed_by_hand(api: Running) -> None:
    case = api.a_case()
    lose(api, case)
    with by_hand(
        api,
        case,
        "UPDATE events SET content = 'x' || content WHERE subject_id = :case AND seq = 1",
        "UPDATE events SET content = substr(content, 2) WHERE subject_id = :case AND seq = 1",
    ):
        while not found_over_all(api, case):  # the engine lists a moment late
            pass
        assert found_over_all(api, case) == ["event 1 of the ledger was changed"]
        assert found_in(api, case) == ["event 1 of the ledger was changed"]
        answer = api.mali.do(f"/cases/{case['case']}/acts", {"do": "hold", "reason": "r"})
        assert (answer.status_code, answer.json()["type"]) == (503, "records-disagree")
    with api.database.begin() as connection:
        alarms.mended(connection, (), datetime.now(UTC))


def test_it_names_an_open_case_that_nothing_runs(api: Running) -> None:
    case = api.a_case()
    lose(api, case)
    (what,) = found_in(api, case)
    assert "does not run in the engine" in what
    while not found_over_all(api, case):  # the engine lists a moment late
        pass
    assert found_over_all(api, case) == [
        "is open in the ledger, but does not run in the engine; recover starts it"
    ]
    assert api.imm.do(
        f"/tasks/{case['case']}/screening/complete", {"outcome": "presumed_victim"}
    ).is_success
    assert found_in(api, case) == []


def test_it_knows_no_case_that_was_never_opened(api: Running) -> None:
    assert api.root.read("/integrity/BBBBB-BBBBB").status_code == 404
