"""`homeward audit verify`: a row that was changed, removed or moved is found and named."""

import asyncio

import pytest
from sqlalchemy import text

from records.session import make_engine
from tests.builders import STALLED, a_life
from tests.ledger.rooms import a_note, homeward, tamper
from tests.records.writing import write
from tests.workflows.conftest import House

SWAP = (
    "UPDATE events SET seq = 1004 WHERE case_id = :case AND seq = 4",
    "UPDATE events SET seq = 4 WHERE case_id = :case AND seq = 5",
    "UPDATE events SET seq = 5 WHERE case_id = :case AND seq = 1004",
)
CHANGE = (
    """UPDATE events SET body = replace(CAST(body AS text), 'text:1', 'text:9')::json
    WHERE case_id = :case AND seq = 4""",
)


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (CHANGE, ["event 4: changed"]),
        (("DELETE FROM events WHERE case_id = :case AND seq = 2",), ["event 2: missing"]),
        (SWAP, ["event 4: reordered", "event 5: reordered"]),
        (
            ("DELETE FROM events WHERE case_id = :case AND seq >= 4",),
            ["event 4: missing", "event 5: missing"],
        ),
        (
            ("DELETE FROM events WHERE case_id = :case",),
            [f"event {seq}: missing" for seq in range(1, 6)],
        ),
    ],
    ids=["changed", "missing", "reordered", "cut off", "all gone"],
)
async def test_it_names_case_and_event_and_what(
    house: House, statements: tuple[str, ...], named: list[str]
) -> None:
    opening, innocent = await house.open(), await house.open()
    for number in (1, 2):
        await house.act(opening, a_note(number))
        await house.act(innocent, a_note(number))
    said = await homeward(house, "audit", "verify")
    assert (said.code, said.words) == (0, "The chains of 2 case(s) hold.\n")
    tamper(house.database, *statements, case=opening.case_id)
    said = await homeward(house, "audit", "verify")
    assert said.code == 1
    assert said.words.splitlines() == [f"{opening.case_id} {what}" for what in named]


async def test_it_names_a_row_that_was_moved_to_another_case(house: House) -> None:
    opening, other = await house.open(), await house.open()
    await house.act(opening, a_note(1))
    move = "UPDATE events SET case_id = :other WHERE case_id = :case AND seq = 4"
    tamper(house.database, move, case=opening.case_id, other=other.case_id)
    said = await homeward(house, "audit", "verify")
    assert set(said.words.splitlines()) == {
        f"{opening.case_id} event 4: missing",
        f"{other.case_id} event 4: changed",
    }


async def test_it_sees_a_tail_cut_off_even_where_the_rows_were_made_to_fit(house: House) -> None:
    # Whoever also turns back the version of the row has not turned back the folded state.
    opening = await house.open()
    await house.act(opening, a_note(1))
    tamper(house.database, "DELETE FROM events WHERE seq = 4")
    with house.database.begin() as connection:
        connection.execute(text("UPDATE cases SET version = 3"))
    said = await homeward(house, "audit", "verify")
    assert said.words.splitlines() == [f"{opening.case_id} event 4: missing"]


async def test_it_looks_through_many_cases(house: House) -> None:
    def fill() -> None:
        engine = make_engine(str(house.settings.database_url))
        with engine.connect() as connection:
            write(connection, *(a_life(*STALLED) for _ in range(100)))
        engine.dispose()

    await asyncio.to_thread(fill)
    said = await homeward(house, "audit", "verify")
    assert said.words == "The chains of 100 case(s) hold.\n"
