"""What follows by itself, and with which clock: steps made, taken back, asked again, watches.

Each test stands for a mechanical mutant of `domain/work/consequences.py`, `offers.py` or `wake.py`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.case import events
from domain.work import events as work_events
from domain.work.calendar import Calendar
from domain.work.procedure import side_of
from domain.work.state import Task
from domain.work.subject import open_tasks
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def states(told: Told, step: str) -> list[str]:
    return [task.state for task in told.case.work.tasks.get(step, ())]


def handed_over() -> Told:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    return told


# -- conflicts


def test_it_moves_nothing_from_a_focal_that_is_excluded_to_itself() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing_acknowledgement", "tracing")
    told.act("flag", "host.case", flag="conflict:origin.focal")
    moved = [e for e in told.events if isinstance(e, work_events.TaskMoved)]
    assert moved == []
    told.act("flag", "host.case", flag="conflict:origin.tracing")
    moved = [e for e in told.events if isinstance(e, work_events.TaskMoved)]
    assert [(e.step, e.to, e.how) for e in moved] == [("tracing", "origin.focal", "excluded")]


# -- watches


def test_it_ends_the_time_in_care_when_a_handover_is_planned_and_takes_it_up_again() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    assert task_of(told, "in_care").is_open
    told.plan(days=20)
    assert task_of(told, "in_care").state == "waiting"
    told.wait(days=1)
    told.act("withdraw_consent", "person", purpose="return")
    assert task_of(told, "in_care").is_open


def test_it_offers_a_watch_to_nobody() -> None:
    told = Told(flags=("detained",))
    assert task_of(told, "detained").is_open
    offers = [
        e.step
        for e in told.events
        if isinstance(e, work_events.MessageReleased)
        if e.kind == "offer"
    ]
    assert "detained" not in offers
    assert "screening" in offers


# -- once more


def test_it_asks_for_fitness_again_for_a_new_plan_after_a_no() -> None:
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "not_fit")
    assert told.case.handover is None
    told.plan(days=2)
    assert states(told, "fitness") == ["done", "offered"]


def test_it_asks_for_tracing_once_after_contact_was_lost() -> None:
    told = handed_over()
    told.wait(days=100)
    told.act("complete", "origin.province", step="follow_up/3m", outcome="lost_contact")
    told.wait(days=1)
    told.yes("tracing")
    assert task_of(told, "tracing_request").is_open
    told.complete("tracing_request", "sent")
    told.wait(days=1)
    assert states(told, "tracing_request") == ["done", "done"]
    assert task_of(told, "tracing").is_open


def test_it_takes_up_what_the_end_of_the_case_left_out_and_nothing_else() -> None:
    told = Told()
    told.act("skip", "host.focal", step="report")
    told.wait(hours=1)
    told.act("cancel", "host.case")
    told.act("reopen", "host.case")  # at the same moment
    assert states(told, "report") == ["skipped"]
    assert states(told, "screening") == ["skipped", "offered"]


def test_it_renews_after_the_last_paper_when_the_case_is_reopened() -> None:
    told = Told()
    first, last = date(2026, 8, 3), date(2027, 8, 3)
    told.act(
        "complete", "host.immigration", step="stay_permit", outcome="granted", valid_until=first
    )
    told.complete("stay_permit/renewal", "granted", valid_until=last)
    told.wait(days=1)
    told.act("cancel", "host.case")
    told.wait(days=1)
    told.act("reopen", "host.case")
    task = task_of(told, "stay_permit/renewal")
    assert (task.is_open, task.valid_until, task.unrolled_on) == (True, last, date(2027, 6, 4))


def test_it_goes_on_with_the_legal_steps_only() -> None:
    told = Told()
    told.ready("handover", "compensation_rights")
    told.complete("compensation_rights", "claim_wanted")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.complete("reception", "arrived")
    fields = {"step": "closure", "outcome": "returned_legal_open", "approved_by": "somebody"}
    told.act("complete", "host.province", **fields)
    told.wait(days=1)
    assert [t.step for t in told.case.work.running()] == ["claim"]
    told.act("flag", "host.case", flag="detained")
    told.complete("claim", "ordered", result={"amount": "1", "currency": "THB"})
    assert [t.step for t in told.case.work.running()] == ["payment_review"]


# -- with which clock, for whom


def test_it_asks_the_office_that_the_plan_names_as_receiving() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("handover")
    day = told.at + timedelta(days=2)
    told.act("plan_handover", "host.focal", day=day, crossing="m", receiving="origin.province")
    told.go_well("handover")
    told.at = day
    told.go_well("handover", rounds=1)
    told.act("complete", "escort", step="handover", outcome="handed_over")
    for step in ("certificate", "reception"):
        assert task_of(told, step).holder == "origin.province"
    assert side_of("origin.province") == "origin"


def test_it_counts_only_dated_steps_to_a_plan() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("exit_clearance")
    told.act("bar", "host.prosecutor", kind="court", review=LATER)
    told.act("lift_bar", "host.prosecutor", kind="court")
    told.wait(hours=1)
    told.plan(days=30)
    told.act("return", "host.case", step="travel_document")
    assert task_of(told, "travel_document").handover_no == 0
    assert task_of(told, "exit_clearance").is_open
    assert task_of(told, "notice").handover_no == 1


def test_it_keeps_the_date_given_to_a_review_when_the_calendar_changes() -> None:
    told = Told()
    told.act("hold", "host.case", until=LATER)
    due = task_of(told, "hold_review").due_at
    told.act("world_calendar", "admin", calendar=Calendar("TH", off=(LATER,)))
    assert task_of(told, "hold_review").due_at == due


def test_it_moves_the_second_look_at_an_unpaid_order_with_the_calendar() -> None:
    told = Told()
    told.go_well("compensation_rights")
    told.complete("compensation_rights", "claim_wanted")
    told.complete("claim", "ordered", result={"amount": "1", "currency": "THB"})
    told.wait(days=60)
    told.complete("payment_review", "unpaid")
    due = task_of(told, "payment_review").due_at
    assert due is not None
    told.act("world_calendar", "admin", calendar=Calendar("TH", off=(due.date(),)))
    moved = task_of(told, "payment_review").due_at
    assert moved is not None
    assert moved > due


# -- by time alone


def test_it_counts_two_weeks_without_a_task_on_any_day() -> None:
    saturday = datetime(2026, 2, 7, 2, 0, tzinfo=UTC)
    told = Told(opens=saturday)
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    since = told.at
    told.wait(days=20)
    (found,) = [e for e in told.events if isinstance(e, work_events.IdleFound)]
    assert (found.since, found.at.date()) == (since, date(2026, 2, 21))


def test_it_comes_of_age_once_and_not_at_an_opening_on_her_birthday() -> None:
    midnight = datetime(2026, 2, 1, 17, 0, tzinfo=UTC)
    for opens, times in ((midnight, 0), (midnight - timedelta(seconds=1), 1)):
        told = Told(adult_on=date(2026, 2, 2), opens=opens)
        told.wait(days=3)
        assert len([e for e in told.events if isinstance(e, events.TurnedAdult)]) == times


def test_it_asks_either_office_again_that_wants_more_information() -> None:
    told = Told("th-vn")
    told.yes("notify_state")
    told.go_well("verification_local", "verification_central")
    for step in ("verification_local", "verification_central"):
        told.complete(step, "more_information")
        assert states(told, step) == ["done", "offered"], step
        told.complete(step, "confirmed")


def rungs(told: Told, step: str) -> list[tuple[str, int]]:
    fired = [e for e in told.events if isinstance(e, work_events.RungFired) and e.step == step]
    return [(e.rung, e.attempt) for e in fired]


def test_it_warns_of_the_end_of_the_newest_order_only() -> None:
    told = Told()
    order = {"step": "protection_order", "outcome": "made"}
    for days in (40, 80):
        until = told.at.date() + timedelta(days=days)
        told.act("complete", "host.case", valid_until=until, **order)
        told.wait(days=1)
    told.wait(days=60)
    assert rungs(told, "protection_order") == []
    told.wait(days=17)
    assert rungs(told, "protection_order") == [("E3", 2), ("E5", 2)]


def test_it_calls_a_step_that_is_only_late_no_danger() -> None:
    told = Told()
    told.wait(days=100)
    task = task_of(told, "screening")
    assert (task.rung, task.danger) == ("E5", False)


def test_it_counts_her_at_home_from_the_handover() -> None:
    told = Told()
    assert told.case.place == "TH"
    told = handed_over()
    assert (told.case.place, told.case.segment.returned_at) == ("LA", None)
    corrected = Told()
    corrected.ready("handover")
    assert corrected.case.place == "TH"


def test_it_lets_a_timer_of_the_same_second_come_after_the_act() -> None:
    told = Told()
    due = task_of(told, "report").due_at
    assert due is not None
    told.at = due
    told.act("note", "host.case", step="screening", note="text:n")
    assert rungs(told, "report") == []
    told.complete("report", "accepted")
    told.wait(days=1)
    assert rungs(told, "report") == []


def test_it_records_nothing_before_what_it_knows_already() -> None:
    told = Told()
    told.wait(hours=2)
    told.complete("report", "accepted")
    newest = told.at
    told.at -= timedelta(hours=1)
    told.act("note", "host.case", step="screening", note="text:n")
    assert told.events[-1].at == newest


def test_it_warns_of_an_order_made_after_one_that_had_ended() -> None:
    told = Told()
    order = {"step": "protection_order"}
    told.act("complete", "host.case", outcome="ended", **order)
    told.act("return", "host.focal", **order)
    until = told.at.date() + timedelta(days=12)
    told.act("complete", "host.case", outcome="made", valid_until=until, **order)
    told.wait(days=6)
    assert rungs(told, "protection_order") == [("E3", 2), ("E5", 2)]


def test_it_sends_the_second_reminder_though_the_calendar_moved_the_step() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    task = told.case.work.newest("tracing")
    assert task is not None
    assert task.due_at is not None
    told.wait(days=30)  # the first reminder went on day 23; the second is due on day 36
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=(task.due_at.date(),)))
    told.wait(days=14)
    sent = [e for e in told.events if isinstance(e, work_events.Reminded) and e.step == "tracing"]
    assert len(sent) == 2
