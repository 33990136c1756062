"""`homeward audit verify`: a row that was changed, removed or moved is found and named."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from records import alarms, ledger, stalled
from records.projection import write_one
from records.session import make_engine
from tests.builders import MONDAY, STALLED, a_life
from tests.ledger.rooms import a_note, homeward, named, tamper
from tests.records.writing import batches, write
from tests.workflows.conftest import Lab

SWAP = (
    "UPDATE events SET seq = 1004 WHERE subject_id = :case AND seq = 4",
    "UPDATE events SET seq = 4 WHERE subject_id = :case AND seq = 5",
    "UPDATE events SET seq = 5 WHERE subject_id = :case AND seq = 1004",
)
CHANGE = (
    """UPDATE events SET body = replace(CAST(body AS text), 'text:1', 'text:9')::json
    WHERE subject_id = :case AND seq = 4""",
)
CUT = "is missing: the end was cut off, or its row counts too far"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (CHANGE, ["event 4 of the ledger was changed"]),
        (
            ("DELETE FROM events WHERE subject_id = :case AND seq = 2",),
            ["event 2 of the ledger is missing"],
        ),
        (SWAP, ["event 4 of the ledger was moved", "event 5 of the ledger was moved"]),
        (
            ("DELETE FROM events WHERE subject_id = :case AND seq >= 4",),
            [f"event 4 of the ledger {CUT}", f"event 5 of the ledger {CUT}"],
        ),
        (
            ("DELETE FROM events WHERE subject_id = :case",),
            [f"event {seq} of the ledger is missing" for seq in range(1, 6)],
        ),
    ],
    ids=["changed", "missing", "reordered", "cut off", "all gone"],
)
async def test_it_names_case_and_event_and_what(
    lab: Lab, statements: tuple[str, ...], found: list[str]
) -> None:
    opening, innocent = await lab.open(), await lab.open()
    for number in (1, 2):
        await lab.act(opening, a_note(number))
        await lab.act(innocent, a_note(number))
    said = await homeward(lab, "audit", "verify")
    assert (said.code, said.words) == (0, "The chains of 2 case(s) hold.\n")
    tamper(lab.database, *statements, case=opening.case_id)
    said = await homeward(lab, "audit", "verify")
    assert said.code == 1
    assert said.words.splitlines() == [f"{named(lab, opening)} {what}" for what in found]


async def test_it_names_a_row_that_was_moved_to_another_case(lab: Lab) -> None:
    opening, other = await lab.open(), await lab.open()
    await lab.act(opening, a_note(1))
    move = "UPDATE events SET subject_id = :other WHERE subject_id = :case AND seq = 4"
    tamper(lab.database, move, case=opening.case_id, other=other.case_id)
    said = await homeward(lab, "audit", "verify")
    assert set(said.words.splitlines()) == {
        f"{named(lab, opening)} event 4 of the ledger {CUT}",
        f"{named(lab, other)} event 4 of the ledger was changed",
    }


async def test_it_sees_a_tail_cut_off_even_where_the_rows_were_made_to_fit(lab: Lab) -> None:
    # Whoever also turns back the version of the row has not turned back the folded state.
    opening = await lab.open()
    await lab.act(opening, a_note(1))
    tamper(lab.database, "DELETE FROM events WHERE seq = 4")
    with lab.database.begin() as connection:
        connection.execute(text("UPDATE states SET version = 3"))
    said = await homeward(lab, "audit", "verify")
    assert said.words.splitlines() == [f"{named(lab, opening)} event 4 of the ledger {CUT}"]


async def test_it_says_that_a_row_may_count_too_far(lab: Lab) -> None:
    # The ledger is whole here: nobody can tell that from an end that was cut off.
    opening = await lab.open()
    with lab.database.begin() as connection:
        connection.execute(text("UPDATE states SET version = 4"))
    said = await homeward(lab, "audit", "verify")
    assert said.words.splitlines() == [f"{named(lab, opening)} event 4 of the ledger {CUT}"]


async def test_it_lets_people_see_what_it_found_until_the_ledger_is_whole_again(
    lab: Lab,
) -> None:
    opening, innocent = await lab.open(), await lab.open()
    for one in (opening, innocent):
        await lab.act(one, a_note(1))
    tamper(lab.database, *CHANGE, case=opening.case_id)
    for _ in range(2):  # once, however often it is found
        assert (await homeward(lab, "audit", "verify")).code == 1
        with lab.database.begin() as connection:
            assert alarms.subjects_open(connection) == [opening.case_id]
            assert alarms.count_open(connection) == 1
            (row,) = stalled.page(connection, MONDAY + timedelta(hours=1), limit=10).items
            assert (row.case_id, row.disagrees) == (opening.case_id, True)
    # That its run is well says nothing of its ledger.
    await homeward(lab, "recover")
    said = await homeward(lab, "reconcile")
    assert (
        f"{named(lab, opening)} the records disagree: event 4 of the ledger was not as it was"
        " written; audit verify settles it once it is again"
    ) in said.words.splitlines()

    tamper(
        lab.database,
        CHANGE[0].replace("'text:1', 'text:9'", "'text:9', 'text:1'"),
        case=opening.case_id,
    )
    assert (await homeward(lab, "audit", "verify")).code == 0
    with lab.database.begin() as connection:
        assert alarms.subjects_open(connection) == []
    assert (await homeward(lab, "reconcile")).code == 0


def test_it_takes_no_act_for_a_cut_that_comes_while_it_reads(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(postgres_url)
    life = a_life(*STALLED)
    *_, last = batches(life)
    with engine.connect() as connection:
        write(connection, a_life(*STALLED[:1], opening=life.opening))
    read = ledger.read

    def read_and_go_on(*given: Any) -> Any:
        rows = read(*given)
        monkeypatch.undo()
        with engine.begin() as other:
            write_one(other, last)
        return rows

    monkeypatch.setattr(ledger, "read", read_and_go_on)
    with engine.begin() as connection:
        assert ledger.verify(connection, life.case.id) == []
    engine.dispose()


async def test_it_looks_through_many_cases(lab: Lab) -> None:
    def fill() -> None:
        engine = make_engine(str(lab.settings.database_url))
        with engine.connect() as connection:
            write(connection, *(a_life(*STALLED) for _ in range(100)))
        engine.dispose()

    await asyncio.to_thread(fill)
    said = await homeward(lab, "audit", "verify")
    assert said.words == "The chains of 100 case(s) hold.\n"
