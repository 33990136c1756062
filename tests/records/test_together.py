import threading
from collections.abc import Iterator

import pytest
from pydantic_core import to_json
from sqlalchemy import Connection, Engine, create_engine, delete, select, text
from sqlalchemy.exc import IntegrityError

from domain.case.apply import blank, fold
from domain.kinds import CASE
from domain.work.rows import Marks
from records import cases, ledger, projection
from records.loading import Folded, LedgerPosition
from records.position_cache import PositionCache
from records.reproject import reproject
from records.rows import entry_between
from records.rows import write as write_entries
from records.session import make_engine
from records.state_json import NO_TEXT, state_text
from records.tables import case_offices, states
from tests.builders import ANSWERED_AND_CLOSED, STALLED, Life, a_life, an_act
from tests.records.writing import admit, batches, every_row
from workflows.encoding import state_to_json
from workflows.ports import EventBatch


@pytest.fixture
def alone(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements are each a transaction of their own."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def begun(engine: Engine, *lives: Life) -> dict[str, LedgerPosition]:
    """Write the first batch of each, as a worker does; where each stands then."""
    known = {}
    for life in lives:
        with engine.begin() as connection:
            admit(connection, life)
            known[life.case.id] = projection.write_one(connection, next(batches(life)))
    return known


def the_rest(life: Life) -> list[EventBatch]:
    return list(batches(life))[1:]


def test_it_writes_many_cases_in_one_journey_as_one_by_one(
    engine: Engine, alone: Connection
) -> None:
    lives = [a_life(*STALLED), a_life(*ANSWERED_AND_CLOSED), a_life(*STALLED)]
    known = begun(engine, *lives)
    moves = [the_rest(life) for life in lives]
    while any(moves):
        group = [waiting.pop(0) for waiting in moves if waiting]
        stand = projection.write_together(alone, known, group)
        assert set(stand) == {batch.subject_id for batch in group}
        known |= stand
    for life in lives:
        assert cases.version_of(alone, life.case.id) == life.case.version
        assert ledger.verify(alone, life.case.id) == []
        assert ledger.events_of(alone, life.case.id) == list(life.events)
    before = every_row(alone)
    with engine.begin() as connection:
        reproject(connection)
    assert every_row(alone) == before


def test_it_begins_cases_together_and_none_twice(engine: Engine, alone: Connection) -> None:
    lives = [a_life(*STALLED) for _ in range(3)]
    with engine.begin() as connection:
        for life in lives:
            admit(connection, life)
    first = [next(batches(life)) for life in lives]
    with engine.begin() as connection:
        projection.write_one(connection, first[0])
    stand = projection.write_together(alone, {}, first)
    assert set(stand) == {life.case.id for life in lives[1:]}
    for life in lives:
        assert ledger.verify(alone, life.case.id) == []
    before = every_row(alone)
    with engine.begin() as connection:
        reproject(connection)
    assert every_row(alone) == before


def test_it_leaves_out_what_others_wrote_meanwhile_and_writes_the_rest(
    engine: Engine, alone: Connection
) -> None:
    mine, others = a_life(*STALLED), a_life(*STALLED)
    known = begun(engine, mine, others)
    with engine.begin() as connection:
        projection.write_one(connection, the_rest(others)[0])
    group = [the_rest(mine)[0], the_rest(others)[0]]
    before = every_row(alone)["tasks"]
    assert set(projection.write_together(alone, known, group)) == {mine.case.id}
    assert [row for row in every_row(alone)["tasks"] if others.case.id in row] == [
        row for row in before if others.case.id in row
    ]


def test_it_never_follows_a_ledger_that_was_changed_by_hand(
    engine: Engine, alone: Connection
) -> None:
    life = a_life(*STALLED)
    known = begun(engine, life)
    alone.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
    alone.execute(text("UPDATE events SET chain = 'by hand'"))
    assert projection.write_together(alone, known, the_rest(life)[:1]) == {}
    assert ledger.head(alone, life.case.id).seq == len(next(batches(life)).events)


def test_it_leaves_rows_that_lag_to_the_way_that_reads_them(
    engine: Engine, alone: Connection
) -> None:
    life = a_life(*STALLED)
    known = begun(engine, life)
    alone.execute(delete(states))
    assert projection.write_together(alone, known, the_rest(life)[:1]) == {}
    with engine.begin() as connection:
        projection.write_one(connection, the_rest(life)[0])
    assert cases.version_of(alone, life.case.id) is not None


def test_it_does_not_wait_for_a_case_that_somebody_holds(engine: Engine, alone: Connection) -> None:
    held, free = a_life(*STALLED), a_life(*STALLED)
    known = begun(engine, held, free)
    group = [the_rest(held)[0], the_rest(free)[0]]
    with engine.begin() as holding:
        holding.execute(
            text("SELECT 1 FROM subjects WHERE id = :c FOR UPDATE"), {"c": held.case.id}
        )
        assert set(projection.write_together(alone, known, group)) == {free.case.id}


def test_it_leaves_an_office_that_goes_to_the_way_that_looks_under_the_lock(
    engine: Engine, alone: Connection
) -> None:
    excluded = an_act("flag", "host.focal", flag="conflict:host-national")
    life, other = a_life((1, excluded)), a_life(*STALLED)
    known = begun(engine, life, other)
    group = [the_rest(life)[0], the_rest(other)[0]]
    assert set(projection.write_together(alone, known, group)) == {other.case.id}
    with engine.begin() as connection:
        projection.write_one(connection, group[0])
    held = select(case_offices.c.office).where(case_offices.c.case_id == life.case.id)
    assert "host-national" not in alone.scalars(held).all()


def test_it_writes_nothing_twice_when_two_believe_the_same(engine: Engine) -> None:
    life = a_life(*STALLED)
    known = begun(engine, life)
    wrote: list[int] = []

    def send() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as mine:
            try:
                wrote.append(len(projection.write_together(mine, known, the_rest(life)[:1])))
            except IntegrityError:
                wrote.append(0)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(wrote) == [0, 0, 0, 1]
    with engine.connect() as connection:
        assert ledger.verify(connection, life.case.id) == []


def test_it_writes_all_of_an_entry_or_nothing(engine: Engine, alone: Connection) -> None:
    life = a_life(*STALLED)
    stands = begun(engine, life)[life.case.id]
    before = every_row(alone)
    fresh = the_rest(life)[0]
    rows, _ = ledger.rows_after(stands.head, life.case.id, fresh.events)
    taken = rows[-1] | {"seq": 1}  # the ledger has a first row already
    state = state_text(CASE, life.case)
    folded = Folded(life.case, Marks())
    with pytest.raises(IntegrityError):
        write_entries(
            alone, [entry_between(CASE, None, folded, state, stands.head, [*rows, taken])]
        )
    assert every_row(alone) == before
    assert ledger.head(alone, life.case.id) == stands.head


def test_it_takes_over_texts_of_parts_and_comes_to_the_same_text() -> None:
    life = a_life(*STALLED)
    case = blank(life.case.id, life.opening.procedure, life.opening.procedure_digest)
    told = NO_TEXT
    for event in life.events:
        case = fold(case, [event])
        told = state_text(CASE, case, told)
        assert told.text() == to_json(state_to_json(CASE, case))


def test_it_remembers_no_more_than_it_may_and_no_ended_case() -> None:
    one, two, three = (a_life(*STALLED) for _ in range(3))
    ended = a_life(*ANSWERED_AND_CLOSED)
    assert ended.case.ended
    memory = PositionCache(2)
    for life in (one, two, ended):
        memory.keep({life.case.id: LedgerPosition(ledger.Head(1, "x"), life.case)})
    memory.of([one.case.id])
    memory.keep({three.case.id: LedgerPosition(ledger.Head(1, "x"), three.case)})
    everybody = [life.case.id for life in (one, two, three, ended)]
    assert set(memory.of(everybody)) == {one.case.id, three.case.id}
    memory.forget([one.case.id])
    assert set(memory.of(everybody)) == {three.case.id}


def test_it_finds_out_that_the_server_hung_up_before_it_asks(each_postgres_url: str) -> None:
    ours, other = make_engine(each_postgres_url), create_engine(make_engine(each_postgres_url).url)
    with ours.connect() as connection:
        before = connection.scalar(text("SELECT pg_backend_pid()"))
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": before})
    with ours.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != before
    ours.dispose()
    other.dispose()
