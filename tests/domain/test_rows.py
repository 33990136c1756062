from dataclasses import replace
from datetime import timedelta

from domain.apply import apply, blank, fold
from domain.rows import Marks, changed_rows, changes_between, late_at, marks_after, rows_of
from tests.builders import ANSWERED_AND_CLOSED, MONDAY, STALLED, a_case, a_life, an_act, office_of


def test_it_sends_only_the_rows_that_changed() -> None:
    before = a_life(*STALLED[:1])
    accepted = a_life(
        STALLED[0], (2, an_act("accept", "origin.tracing", step="answer")), opening=before.opening
    )
    changes = changed_rows(rows_of(before.case), rows_of(accepted.case))
    assert [(row.step, row.state) for row in changes.tasks] == [("answer", "accepted")]
    assert changes.offices == ()
    assert changes.offices_gone == ()
    assert changes.case.version == accepted.case.version


def test_it_sends_everything_where_nothing_is_known() -> None:
    rows = rows_of(a_case())
    changes = changed_rows(None, rows)
    assert (changes.tasks, changes.offices) == (rows.tasks, rows.offices)


def test_it_forgets_an_office_that_lost_its_last_role() -> None:
    case = a_case()
    moved = replace(case, roles={**case.roles, "host.focal": office_of("host.case")})
    changes = changed_rows(rows_of(case), rows_of(moved))
    assert changes.offices_gone == (office_of("host.focal"),)
    assert [row.roles for row in changes.offices] == [("host.case", "host.focal")]


def test_it_shows_no_row_to_an_excluded_office() -> None:
    case = a_case()
    embassy = office_of("origin.embassy")
    out = replace(case.offices[embassy], excluded=True)
    held = {row.office for row in rows_of(case).offices}
    left = {
        row.office for row in rows_of(replace(case, offices={**case.offices, embassy: out})).offices
    }
    assert held - left == {embassy}


def test_it_is_late_when_the_first_clock_ends() -> None:
    case = a_life(*STALLED).case
    (task,) = case.open_tasks()
    assert late_at(case) == task.due_at
    assert late_at(a_life(*ANSWERED_AND_CLOSED).case) is None


def test_it_is_late_two_weeks_after_the_last_task_ended() -> None:
    skipped = a_life((1, an_act("skip", "host.case", step="ask", reason="text:1"))).case
    late = late_at(skipped)
    assert late is not None
    assert (late - MONDAY).days == 15
    assert late_at(replace(skipped, now=MONDAY + timedelta(days=9))) == late


def test_it_tells_the_same_from_one_event_at_a_time_or_many() -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    begin = life.opening
    case, marks = blank(begin.case_id, begin.plan, begin.plan_digest), Marks()
    for event in life.events:
        after = apply(case, event)
        marks = marks_after(marks, case, after, event, after.version)
        case = after
    assert rows_of(case) == rows_of(life.case)
    (escalation,) = marks.escalations.values()
    assert escalation.state == "overtaken"
    assert all(row.state == "left" for row in marks.outbox.values())


def test_it_finds_the_same_changes_without_making_every_row() -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    case = blank(life.opening.case_id, life.opening.plan, life.opening.plan_digest)
    before = None
    for group in life.groups:
        case = fold(before or case, group)
        slow = changed_rows(rows_of(before) if before else None, rows_of(case))
        assert changes_between(before, case) == slow
        before = case
