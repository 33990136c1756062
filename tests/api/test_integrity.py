"""Whether ledger, rows and engine agree, as whoever keeps the system running sees it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from activities.connection import connect
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


def test_it_finds_nothing_wrong_with_a_case_that_is_well(api: Running) -> None:
    case = api.at_placement()
    assert found_in(api, case) == []
    assert found_over_all(api, case) == []


def test_it_names_a_row_of_the_ledger_that_was_changed_by_hand(api: Running) -> None:
    case = api.a_case()
    with by_hand(
        api,
        case,
        "UPDATE events SET content = 'x' || content WHERE case_id = :case AND seq = 1",
        "UPDATE events SET content = substr(content, 2) WHERE case_id = :case AND seq = 1",
    ):
        assert found_in(api, case) == ["row 1 of the ledger was changed"]
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
        assert what.startswith("the rows do not say what the ledger says")
    with by_hand(
        api,
        case,
        "UPDATE cases SET version = version - 1 WHERE case_id = :case",
        "UPDATE cases SET version = version + 1 WHERE case_id = :case",
    ):
        (what,) = found_in(api, case)
        assert "the rows do not stand at event" in what
        assert what in found_over_all(api, case)[0]


def test_it_names_an_open_case_that_nothing_runs(api: Running) -> None:
    case = api.a_case()

    async def lose() -> None:
        client = await connect(api.settings)
        await client.get_workflow_handle(workflow_id(case["case"])).terminate("lost")

    asyncio.run(lose())
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
