import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from domain.case.state import Case
from domain.work.wake import idle_at
from records import installation, procedures, stalled, subjects
from records.projection import write_one
from tests.builders import ANSWERED_AND_CLOSED, MONDAY, STALLED, Life, a_life, an_act, office_of
from tests.records.writing import batches, write

SKIPPED = (1, an_act("skip", "host.case", step="ask", reason="text:1"))
HELD = (
    2,
    an_act("hold", "host.case", reason="text:1", until=(MONDAY + timedelta(days=100)).date()),
)
SHAPES = (
    (),
    ((20, None),),
    STALLED[:1],
    STALLED,
    ANSWERED_AND_CLOSED[:3],
    ANSWERED_AND_CLOSED,
    (SKIPPED,),
    (STALLED[0], HELD),
)


def stands_still(case: Case, as_of: datetime) -> bool:
    """The oracle: asks each case by itself, with none of the columns that the query uses."""
    if case.ended:
        return False
    overdue = any(task.due_at is not None and task.due_at <= as_of for task in case.work.running())
    idle = idle_at(case)
    return overdue or case.work.idle_reported or (idle is not None and idle <= as_of)


def some_lives(seed: int, count: int = 24) -> list[Life]:
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    return [
        a_life(
            *chance.choice(SHAPES), opened_at=MONDAY + timedelta(minutes=chance.randrange(100_000))
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_it_lists_exactly_the_cases_that_stand_still(connection: Connection, seed: int) -> None:
    lives = some_lives(seed)
    write(connection, *lives)
    seen = set()
    for days in range(0, 160, 9):
        as_of = MONDAY + timedelta(days=days)
        listed = [row.case_id for row in stalled.page(connection, as_of, limit=200).items]
        expected = {life.case.id for life in lives if stands_still(life.case, as_of)}
        assert set(listed) == expected
        seen.add(len(expected))
    assert len(seen) > 3


def test_it_puts_first_what_has_stood_still_longest(connection: Connection) -> None:
    write(connection, *some_lives(3))
    rows = stalled.page(connection, MONDAY + timedelta(days=160), limit=200).items
    assert len(rows) > 5
    late = [row.late_at for row in rows if row.late_at is not None]
    assert late == sorted(late)
    assert stalled.late_days(rows[0], MONDAY + timedelta(days=160)) >= 1


def test_it_keeps_those_of_a_corridor_a_turn_and_an_office(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    as_of = MONDAY + timedelta(days=60)

    def found(**words: str) -> list[str]:
        return [r.case_id for r in stalled.page(connection, as_of, limit=5, **words).items]  # type: ignore[arg-type]

    assert found(corridor="th-la", turn="origin", office=office_of("host.committee"))
    assert not found(corridor="la-th")
    assert not found(turn="host")
    assert not found(office="a-stranger")


def test_it_counts_each_case_by_its_own_date_in_a_rehearsal(connection: Connection) -> None:
    installation.make_rehearsal(connection)
    year_ago, now = a_life(STALLED[0]), a_life(STALLED[0], opened_at=MONDAY + timedelta(days=365))
    for life, offset in ((year_ago, -365 * 86_400), (now, 0)):
        procedures.keep(connection, life.opening.procedure, life.opening.procedure_digest)
        subjects.admit(connection, "case", life.case.id, offset)
        for batch in batches(life):
            write_one(connection, batch)
    day = MONDAY + timedelta(days=365)

    def found(days: int) -> set[str]:
        as_of = day + timedelta(days=days)
        rows = stalled.page(connection, as_of, limit=5, rehearsal=True).items
        return {row.case_id for row in rows}

    assert found(40) == set()
    assert found(50) == {year_ago.case.id, now.case.id}


def test_it_shows_a_case_whose_clock_was_wound_forward(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    assert not stalled.page(connection, MONDAY, limit=5).items
    assert stalled.page(connection, MONDAY, limit=5, rehearsal=True).items


def test_it_reads_an_index_and_sorts_nothing(connection: Connection) -> None:
    write(connection, *some_lives(4, 10))
    connection.execute(text("SET enable_seqscan = off; SET enable_sort = off"))
    procedure = connection.execute(
        text(
            "EXPLAIN SELECT case_id FROM cases WHERE ended_at IS NULL AND late_at <= now() "
            "ORDER BY late_at, case_id LIMIT 50"
        )
    ).scalars()
    told = "\n".join(procedure)
    assert "cases_late" in told
    assert "Sort" not in told
