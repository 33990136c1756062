import threading
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.exc import IntegrityError

from domain.case.projection import rows_of
from domain.kinds import CASE
from domain.work.rows import Marks
from records import cases, escalations, installation, outbox, subjects, tasks
from records.loading import Folded
from records.projection import write_one
from records.reproject import reproject
from records.rows import write_rows
from records.tables import cases as cases_table
from records.tables import events as events_table
from tests.builders import (
    ANSWERED_AND_CLOSED,
    MONDAY,
    STALLED,
    a_card,
    a_life,
    a_procedure,
    an_act,
    an_opening,
    many,
    office_of,
)
from tests.records.writing import admit, batches, every_row, write
from workflows.encoding import state_to_json
from workflows.ports import EventBatch


def test_it_keeps_the_case_as_the_core_has_it(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    kept = cases.folded(connection, life.case.id)
    assert kept is not None
    assert kept == replace(life.case, procedures=kept.procedures)
    assert state_to_json(CASE, kept) == state_to_json(CASE, life.case)


def test_it_keeps_the_order_of_steps(connection: Connection) -> None:
    procedure = a_procedure(
        a_card("zebra", "host.case", "done"), a_card("ant", "host.case", "done")
    )
    life = a_life(*STALLED, opening=an_opening(procedure))
    write(connection, life)
    kept = cases.folded(connection, life.case.id)
    assert kept is not None
    assert list(kept.procedure.cards) == ["ask", "answer", "hold_review", "zebra", "ant", "closure"]
    assert list(kept.work.tasks) == list(life.case.work.tasks)


def test_it_shows_what_the_case_waits_for(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    found = cases.find(connection, life.case.id)
    row = rows_of(life.case).case
    assert found is not None
    assert (found.turn, found.waits_step, found.status) == ("origin", "answer", "open")
    assert (found.late_at, found.next_rung_at) == (row.late_at, row.next_rung_at)


def test_it_finds_a_case_by_a_reference_typed_carelessly(connection: Connection) -> None:
    life = a_life()
    reference = admit(connection, life)
    write(connection, life)
    found = cases.find(connection, " " + reference.lower().replace("-", " "))
    assert found is not None
    assert found.case_id == life.case.id
    assert cases.find(connection, "nothing") is None


def test_it_gives_references_that_tell_nothing(connection: Connection) -> None:
    told = {subjects.new_reference() for _ in range(2000)}
    assert len(told) == 2000
    letters = set("".join(told)) - {"-"}
    assert letters == set(subjects.LETTERS)
    life = a_life()
    assert admit(connection, life) == admit(connection, life)


def test_it_shows_an_escalation_until_it_is_overtaken(connection: Connection) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    upto_stall = a_life(*STALLED, opening=life.opening)
    write(connection, upto_stall)
    (open_one,) = escalations.of_case(connection, life.case.id)
    assert (open_one.state, open_one.rung) == ("open", "E2")
    assert set(open_one.deciders) == {"host-committee", "origin-focal"}
    write(connection, life)
    (ended,) = escalations.of_case(connection, life.case.id)
    assert (ended.state, ended.number, ended.rung) == ("overtaken", open_one.number, "E3")


def test_it_keeps_every_escalation_of_a_step(connection: Connection) -> None:
    extend = an_act(
        "decide",
        "host.committee",
        step="answer",
        decision="extend",
        reason="text:1",
        due=(MONDAY.replace(month=5)).date(),
    )
    life = a_life(*STALLED, (61, extend), (120, None))
    write(connection, life)
    first, second = escalations.of_case(connection, life.case.id)
    assert (first.state, first.decision, first.decided_by) == (
        "decided",
        "extend",
        "host-committee",
    )
    assert first.reason == "text:1"
    assert (second.state, second.rung) == ("open", "E3")
    assert second.number > first.number
    before = every_row(connection)
    reproject(connection)
    assert every_row(connection) == before


def test_it_shows_every_message_that_left(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    left = outbox.of_case(connection, life.case.id)
    told = [type(event).__name__ for event in life.events]
    assert len(left) == told.count("MessageReleased") > 0
    assert {row.state for row in left} == {"left"}


def test_it_never_goes_back_when_an_old_batch_comes_late(connection: Connection) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    write(connection, life)
    before = every_row(connection)
    first = next(batches(life))
    assert write_one(connection, first).head.seq == life.case.version
    assert every_row(connection) == before


def test_it_never_writes_an_older_state_over_a_newer_one(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    older = a_life(*STALLED[:1], opening=life.opening)
    assert older.case.version < life.case.version
    write_rows(connection, CASE, Folded(older.case, Marks()))
    assert cases.version_of(connection, life.case.id) == life.case.version


def test_it_hides_a_case_from_an_office_with_a_conflict_of_interest(
    connection: Connection,
) -> None:
    embassy = office_of("origin.embassy")
    flag = an_act("flag", "host.case", flag=f"conflict:{embassy}")
    life = a_life(STALLED[0], (2, flag))
    write(connection, a_life(STALLED[0], opening=life.opening))
    assert cases.list_page(connection, limit=5, office=embassy).items
    write(connection, life)
    assert not cases.list_page(connection, limit=5, office=embassy).items
    before = every_row(connection)
    reproject(connection)
    assert every_row(connection) == before


def test_it_folds_anew_when_rows_are_gone(connection: Connection) -> None:
    life = a_life(*STALLED)
    *earlier, last = batches(life)
    admit(connection, life)
    for batch in earlier:
        write_one(connection, batch)
    connection.execute(delete(cases_table))
    write_one(connection, last)
    kept = every_row(connection)
    reproject(connection)
    assert every_row(connection) == kept


def test_it_reprojects_letter_for_letter(connection: Connection) -> None:
    write(connection, a_life(*ANSWERED_AND_CLOSED), a_life(*STALLED), a_life())
    before = every_row(connection)
    assert reproject(connection) == 3
    assert every_row(connection) == before
    assert all(before.values())


def test_it_reprojects_one_case_alone(connection: Connection) -> None:
    one, other = a_life(*STALLED), a_life(*STALLED)
    write(connection, one, other)
    before = every_row(connection)
    connection.execute(text("UPDATE cases SET turn = 'nobody', waits_for = ''"))
    reproject(connection, [one.case.id])
    turns = dict(connection.execute(select(cases_table.c.case_id, cases_table.c.turn)).all())
    assert turns == {one.case.id: "origin", other.case.id: "nobody"}
    reproject(connection)
    assert every_row(connection) == before


def test_it_lets_two_writers_of_one_case_take_turns(engine: Engine) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    everything = tuple(event for batch in batches(life) for event in batch.events)
    with engine.begin() as connection:
        admit(connection, life)
    wrong: list[BaseException] = []

    def send() -> None:
        try:
            for until in range(1, len(everything) + 1):
                with engine.begin() as mine:
                    write_one(mine, EventBatch("case", life.case.id, everything[:until]))
        except BaseException as e:  # noqa: BLE001 - told to the test below
            wrong.append(e)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert wrong == []
    with engine.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(events_table))
        assert count == life.case.version == cases.version_of(connection, life.case.id)


def test_it_never_leaves_an_open_case_without_a_late_moment(connection: Connection) -> None:
    write(connection, a_life())
    with pytest.raises(IntegrityError, match="open_has_late_at"):
        connection.execute(text("UPDATE cases SET late_at = NULL"))


def test_it_lets_cases_live_at_their_own_date_only_in_a_rehearsal(connection: Connection) -> None:
    life = a_life()
    with pytest.raises(IntegrityError, match="own_date_only_in_rehearsal"):
        subjects.admit(connection, "case", life.case.id, clock_offset=-86_400)
    connection.rollback()
    installation.make_rehearsal(connection)
    subjects.admit(connection, "case", life.case.id, clock_offset=-86_400)
    assert installation.is_rehearsal(connection)


def test_it_never_turns_real_cases_into_a_rehearsal(connection: Connection) -> None:
    write(connection, a_life())
    with pytest.raises(IntegrityError):
        installation.make_rehearsal(connection)


def test_it_lists_the_tasks_of_an_office_first_due_first(connection: Connection) -> None:
    lives = many(3)
    write(connection, *lives, a_life(*STALLED))
    page = tasks.of_office(connection, "host-case", limit=10)
    assert [(task.subject_id, task.step) for task in page.items] == [
        (life.case.id, "ask") for life in sorted(lives, key=lambda each: each.case.id)
    ]
    assert page.next is None
