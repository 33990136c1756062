from dataclasses import replace
from datetime import timedelta

import pytest

from domain.case.apply import apply, blank, fold
from domain.case.projection import (
    changed_rows,
    changes_between,
    late_at,
    marks_after,
    rows_of,
    touches_escalations,
)
from domain.work.events import (
    EscalationDecided,
    EscalationOvertaken,
    MessageQueued,
    RungFired,
    TaskMoved,
)
from domain.work.rows import Marks
from domain.work.subject import open_tasks, with_work
from tests.builders import (
    ANSWERED_AND_CLOSED,
    MONDAY,
    STALLED,
    a_case,
    a_life,
    an_act,
    an_opening,
    office_of,
    with_procedure,
)
from tests.scenario import Told
from tests.shipped import OPENS


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
    moved = with_work(case, roles={**case.work.roles, "host.focal": office_of("host.case")})
    changes = changed_rows(rows_of(case), rows_of(moved))
    assert changes.offices_gone == (office_of("host.focal"),)
    assert [row.roles for row in changes.offices] == [("host.case", "host.focal")]


def test_it_shows_no_row_to_an_excluded_office() -> None:
    case = a_case()
    embassy = office_of("origin.embassy")
    out = replace(case.work.offices[embassy], excluded=True)
    held = {row.office for row in rows_of(case).offices}
    left = {
        row.office
        for row in rows_of(with_work(case, offices={**case.work.offices, embassy: out})).offices
    }
    assert held - left == {embassy}


def test_it_is_late_when_the_first_clock_ends() -> None:
    case = a_life(*STALLED).case
    (task,) = open_tasks(case)
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
    case, marks = blank(begin.case_id, begin.procedure, begin.procedure_digest), Marks()
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
    case = blank(life.opening.case_id, life.opening.procedure, life.opening.procedure_digest)
    before = None
    for group in life.groups:
        case = fold(before or case, group)
        slow = changed_rows(rows_of(before) if before else None, rows_of(case))
        assert changes_between(before, case) == slow
        before = case


def a_rich_case() -> tuple[Told, list[int]]:
    """Told through holds, conflicts, decisions and new offices; and where each act ended."""
    told, ends = Told(flags=("detained",)), [0]

    def mark() -> None:
        ends.append(len(told.events))

    mark()
    told.yes("tracing", "notify_state")
    told.go_well("tracing", "verification")
    mark()
    told.act("flag", "host.case", flag="conflict:origin.tracing")
    mark()
    told.act("hold", "host.case", until=told.at.date() + timedelta(days=9))
    mark()
    told.act("unflag", "host.case", flag="conflict:origin.tracing")
    mark()
    told.act("resume", "host.focal")
    mark()
    told.wait(days=54)
    mark()
    told.act("decide", "host.committee", step="verification", decision="refer_up")
    mark()
    due = (told.at + timedelta(days=30)).date()
    told.act("decide", "host.focal", step="verification", decision="extend", due=due)
    mark()
    told.act("cancel", "host.case")
    mark()
    return told, ends


def test_it_finds_the_same_changes_in_a_case_whose_offices_and_clocks_change() -> None:
    told, ends = a_rich_case()
    gone, came = set(), set()
    before = told.folded(ends[1])
    for end in ends[2:]:
        after = fold(before, told.events[before.version : end])
        fast = changes_between(before, after)
        assert fast == changed_rows(rows_of(before), rows_of(after))
        gone |= set(fast.offices_gone)
        came |= {row.office for row in fast.offices}
        before = after
    assert (gone, came) == ({"origin.tracing"}, {"origin.tracing"})


def test_it_says_of_each_task_whether_somebody_can_act_and_what_comes_next() -> None:
    told, ends = a_rich_case()
    case = told.folded(ends[1])
    rows = {row.step: row for row in rows_of(case).tasks}
    watch, report = rows["detained"], rows["report"]
    assert (watch.watch, watch.is_open, watch.title) == (True, False, "Time in detention")
    assert (report.watch, report.is_open, report.title) == (
        False,
        True,
        "First report read and sorted",
    )
    assert (report.next_rung, report.next_rung_at) == ("E1", report.due_at)
    done = {row.step: row for row in rows_of(told.folded(ends[2])).tasks}["report"]
    assert (done.is_open, done.state, done.next_rung, done.next_rung_at) == (
        False,
        "done",
        "",
        None,
    )


def test_it_says_of_a_case_how_far_up_it_is_and_when_it_ended() -> None:
    told, ends = a_rich_case()
    fresh, climbed, over = (rows_of(told.folded(ends[n])).case for n in (1, 7, -1))
    assert (fresh.rung, fresh.ended_at, fresh.now_at) == ("none", None, OPENS)
    assert climbed.rung == "E4"  # the detention is late for longer than what her country owes
    assert (over.status, over.ended_at, over.late_at) == ("cancelled", told.at, None)
    first = min(t.due_at for t in told.folded(ends[1]).work.running() if t.due_at is not None)
    assert fresh.late_at == first


def test_it_keeps_each_question_as_it_was_decided_and_each_message_as_it_went() -> None:
    told, _ = a_rich_case()
    case, marks = told.folded(0), Marks()
    for event in told.events:
        after = apply(case, event)
        marks = marks_after(marks, case, after, event, after.version)
        if isinstance(event, RungFired | EscalationDecided | EscalationOvertaken | TaskMoved):
            assert touches_escalations(event)
        else:
            assert not touches_escalations(event)
        case = after
    ours = [row for row in marks.escalations.values() if row.step == "verification"]
    (row,) = ours
    assert (row.state, row.rung, row.decision, row.decided_by) == (
        "decided",
        "E3",
        "extend",
        "host.focal",
    )
    assert (row.reason, row.ended_at is not None) == ("text:x", True)
    assert {row.state for row in marks.outbox.values()} <= {"left", "dropped"}
    written = {e.id: e for e in told.events if isinstance(e, MessageQueued)}
    for number, event in written.items():
        assert marks.outbox[number].leaves_at == event.leaves_at


def test_it_has_no_rows_of_a_case_that_was_never_opened() -> None:
    opening = an_opening()
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    for at in (None, MONDAY):
        with pytest.raises(ValueError, match="never opened"):
            rows_of(case, at)


def test_it_sends_every_row_again_under_other_rules() -> None:
    before = a_case()
    cards = {name: replace(card, title="new") for name, card in before.procedure.cards.items()}
    newer = replace(before.procedure, version="newer", cards=cards)
    after = with_procedure(before, newer, "newer")
    assert changes_between(before, after) == changed_rows(rows_of(before), rows_of(after))
    assert {row.title for row in changes_between(before, after).tasks} == {"new"}


def test_it_counts_the_two_weeks_of_a_case_without_a_task_on_any_day() -> None:
    saturday = MONDAY + timedelta(days=5)
    skipped = a_life(
        (5, an_act("skip", "host.case", step="ask", reason="text:1")),
    ).case
    late = late_at(skipped)
    assert late is not None
    assert late.date() == (saturday + timedelta(days=14)).date()


def test_it_says_how_far_the_second_attempt_of_a_step_has_climbed() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("verification")
    told.complete("verification", "more_information")
    told.wait(days=54)
    case, marks = told.folded(0), Marks()
    for event in told.events:
        after = apply(case, event)
        marks = marks_after(marks, case, after, event, after.version)
        case = after
    assert rows_of(case).case.now_at == case.now != OPENS
    (row,) = [row for row in marks.escalations.values() if row.step == "verification"]
    task = case.work.newest("verification")
    assert task is not None
    assert (row.attempt, row.holder, row.deciders) == (2, task.holder, task.deciders)
    assert "origin.focal" in row.deciders
