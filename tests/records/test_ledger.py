from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from records import idempotency, ledger
from records.errors import LedgerConflict, LedgerGap, UnknownProcedure
from records.projection import write_one
from tests.builders import ANSWERED_AND_CLOSED, STALLED, a_life
from tests.records.writing import admit, batches, every_row, write
from workflows.messages import NewEvent
from workflows.ports import EventBatch


def tamper(connection: Connection, *statements: str, **values: Any) -> None:
    """What only the owner of the database can do, by switching the guard off by name."""
    connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
    for statement in statements:
        assert connection.execute(text(statement), values).rowcount
    connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))
    connection.commit()


def test_it_reads_back_what_happened(connection: Connection) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    write(connection, life)
    assert ledger.events_of(connection, life.case.id) == list(life.events)


def test_it_takes_the_same_batch_twice(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    before = every_row(connection)
    for batch in batches(life):
        assert write_one(connection, batch).head.seq == life.case.version
    assert every_row(connection) == before


def test_it_takes_a_batch_that_overlaps(connection: Connection) -> None:
    life = a_life(*STALLED)
    first, second, third = batches(life)
    admit(connection, life)
    write_one(connection, first)
    both = EventBatch("case", life.case.id, first.events + second.events)
    assert write_one(connection, both).head.seq == len(both.events)
    everything = EventBatch("case", life.case.id, both.events + third.events)
    assert write_one(connection, everything).head.seq == life.case.version
    assert ledger.verify(connection, life.case.id) == []


@pytest.mark.parametrize("changes", [{"body": None}, {"key": "another"}, {"content": "another"}])
def test_it_alarms_when_a_number_says_something_else(
    connection: Connection, changes: dict[str, Any]
) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    batch = next(batches(life))
    second = batch.events[1]
    if "body" in changes:
        changes = {"body": second.body | {"holder": "host-focal"}}
    other = replace(batch, events=(batch.events[0], replace(second, **changes)))
    with pytest.raises(LedgerConflict) as refused:
        write_one(connection, other)
    assert (refused.value.subject_id, refused.value.seq) == (life.case.id, 2)


def test_it_refuses_a_gap_and_writes_nothing(engine: Engine) -> None:
    life = a_life(*STALLED)
    first, second, third = batches(life)
    with engine.begin() as connection:
        admit(connection, life)
        write_one(connection, first)
    torn = EventBatch("case", life.case.id, second.events[:-1] + third.events)
    with pytest.raises(LedgerGap), engine.begin() as connection:
        write_one(connection, torn)
    with engine.connect() as connection:
        assert ledger.head(connection, life.case.id).seq == len(first.events)


def test_it_refuses_events_whose_plan_nobody_kept(connection: Connection) -> None:
    life = a_life()
    unknown = {"procedure_digest": "0" * 64}
    batch = next(batches(life))
    opened = replace(batch.events[0], body=batch.events[0].body | unknown)
    with pytest.raises(UnknownProcedure):
        write_one(connection, EventBatch("case", life.case.id, (opened,)))


def test_it_is_never_changed_nor_emptied(connection: Connection) -> None:
    life = a_life()
    write(connection, life)
    for statement in ("UPDATE events SET kind = kind", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(DBAPIError, match="written once"):
            connection.execute(text(statement))
        connection.rollback()


def test_it_finds_nothing_wrong_with_an_honest_ledger(connection: Connection) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    write(connection, life)
    assert ledger.verify(connection, life.case.id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = replace(body::text, 'sent', 'told')::json WHERE seq = 4",
        "UPDATE events SET key = 'another' WHERE seq = 4",
        "UPDATE events SET at = at - interval '1 day' WHERE seq = 4",
        "UPDATE events SET kind = 'WorkHeld' WHERE seq = 4",
        "UPDATE events SET digest = repeat('0', 64) WHERE seq = 4",
    ],
)
def test_it_names_a_changed_row(connection: Connection, statement: str) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    tamper(connection, statement)
    found = ledger.verify(connection, life.case.id)
    assert [(finding.seq, finding.what) for finding in found] == [(4, "changed")]


def test_it_names_a_row_changed_with_a_digest_made_to_fit(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    row = ledger.read(connection, life.case.id, 3, 1)[0]
    forged = NewEvent(4, row.body | {"outcome": "told"}, row.key, row.content)
    tamper(
        connection,
        "UPDATE events SET body = CAST(:body AS json), digest = :digest WHERE seq = 4",
        body=str(forged.body).replace("'", '"'),
        digest=ledger.digest_of(life.case.id, forged),
    )
    found = ledger.verify(connection, life.case.id)
    assert [(finding.seq, finding.what) for finding in found] == [(4, "changed")]


def test_it_names_missing_rows_in_the_middle_and_at_the_end(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    last = life.case.version
    tamper(connection, "DELETE FROM events WHERE seq IN (3, 4, :last)", last=last)
    found = ledger.verify(connection, life.case.id)
    assert [(finding.seq, finding.what) for finding in found] == [
        (3, "missing"),
        (4, "missing"),
        (last, "missing"),
    ]


def test_it_names_rows_that_changed_places(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    tamper(
        connection,
        "UPDATE events SET seq = 1004 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 5",
        "UPDATE events SET seq = 5 WHERE seq = 1004",
    )
    found = ledger.verify(connection, life.case.id)
    assert [(finding.seq, finding.what) for finding in found] == [
        (4, "reordered"),
        (5, "reordered"),
    ]


def test_it_remembers_which_act_made_which_version(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    first_act = len(life.groups[0]) + len(life.groups[1])
    act = idempotency.act_of(connection, f"{life.case.id}/1")
    assert act == idempotency.Act(life.case.id, first_act, "content-1")
    assert idempotency.act_of(connection, "never sent") is None
