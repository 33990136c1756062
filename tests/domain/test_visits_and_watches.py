"""Visits after the handover, a child's longer ones too, and watches (stories.md 2.2, 3.9, 3.12, 4.8).

Each test stands for rule mutants of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.case.reading import is_unknown
from domain.work import events
from domain.work.calendar import Calendar
from domain.work.calendars import calendar_of_task
from domain.work.state import Task
from tests.scenario import PURPOSES, Told

GROWN = ("1m", "3m", "6m", "12m")
EVERY = (*GROWN, "18m", "24m")
ASKED_AGAIN = (("tracing_acknowledgement", "origin.focal"), ("tracing", "origin.tracing"))
LATER = date(2028, 6, 1)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def a_child_home() -> Told:
    told = Told(adult_on=date(2032, 1, 1))
    told.complete("guardian", "appointed")
    told.complete("best_interests", "approved")
    for purpose in PURPOSES:
        told.act("consent", "host.case", for_="guardian", purpose=purpose)
    told.go_well("handover")
    told.plan()
    told.go_well("handover")
    assert told.case.handover is not None
    told.at = told.case.handover.at
    told.go_well("handover", rounds=1)
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.complete("reception", "arrived")
    return told


# -- visits


def test_it_visits_a_child_six_times_by_the_same_rules() -> None:
    for visit in EVERY:
        told = a_child_home()
        step = f"follow_up/{visit}"
        task = task_of(told, step)
        assert (task.holder, told.case.state) == ("origin.province", "returned"), visit
        assert task.due_at is not None
        told.act("hold", "host.case", until=LATER)
        assert task_of(told, step).due_at == task.due_at, visit
        told.at = task.due_at + timedelta(days=1)
        assert is_unknown(told.case, task_of(told, step), told.at), visit
        told.complete(step, "at_risk")
        assert told.case.state == "open", visit


def test_it_asks_for_feedback_after_every_visit_whatever_was_found() -> None:
    for visit, outcome in [(v, o) for v in EVERY for o in ("safe", "at_risk", "lost_contact")]:
        told = a_child_home()
        told.complete(f"follow_up/{visit}", outcome)
        step = f"feedback/{visit}"
        assert step in told.case.work.tasks, (visit, outcome)
        asked = task_of(told, step)
        assert (asked.holder, asked.is_open) == ("origin.focal", True), visit
        assert asked.due_at == datetime(2026, 2, 11, 9, 30, tzinfo=UTC), visit  # 5 working days
        told.act("complete", "origin.focal", step=step, outcome="sent")
        left = [
            e for e in told.events if isinstance(e, events.MessageReleased) if e.kind == "feedback"
        ]
        assert [(e.to, e.carries) for e in left] == [("host.focal", ("reference", "outcome"))]


def test_it_looks_for_the_family_again_after_any_visit_that_lost_contact() -> None:
    again = {"step": "tracing_request", "outcome": "sent"}
    for visit in EVERY:
        told = a_child_home()
        told.wait(minutes=10)
        assert told.refused("complete", "host.case", **again) == "wrong-state"
        told.complete(f"follow_up/{visit}", "lost_contact")
        told.wait(minutes=10)
        assert told.refused("complete", "host.case", **again) == "", visit
        for step, holder in ASKED_AGAIN:
            task = task_of(told, step)
            assert (task.is_open, task.attempt, task.holder) == (True, 2, holder), step
            assert task.started_at == told.at


def test_it_visits_a_grown_woman_four_times() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    found = {step for step in told.case.work.tasks if step.startswith("follow_up/")}
    assert found == {f"follow_up/{visit}" for visit in GROWN}


# -- watches


def reached(told: Told, step: str) -> list[tuple[str, date]]:
    return [
        (e.what if isinstance(e, events.Recorded) else e.rung, e.at.date())
        for e in told.events
        if isinstance(e, events.RungFired | events.Recorded)
        if e.step == step
    ]


def test_it_says_after_90_and_180_days_that_her_state_has_not_confirmed_her() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("verification")
    asked = task_of(told, "verification_request").happened_at
    assert asked is not None
    told.wait(days=200)
    assert reached(told, "unconfirmed") == [
        ("E5", asked.date() + timedelta(days=90)),
        ("national_report", asked.date() + timedelta(days=180)),
    ]
    told.complete("verification", "confirmed")
    assert not task_of(told, "unconfirmed").is_open
    heard = Told()
    heard.yes("tracing", "notify_state")
    heard.go_well("verification")
    heard.wait(days=60)
    heard.complete("verification", "confirmed")
    heard.wait(days=200)
    assert reached(heard, "unconfirmed") == []


def test_it_counts_the_first_request_only() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("verification")
    asked = task_of(told, "verification_request").happened_at
    assert asked is not None
    told.wait(days=40)
    told.complete("verification", "refused")
    again = {"step": "verification_request", "outcome": "sent", "evidence": "text:e"}
    told.act("complete", "host.focal", **again)
    told.wait(days=60)
    assert reached(told, "unconfirmed") == [("E5", asked.date() + timedelta(days=90))]


def test_it_watches_a_detention_while_the_flag_stands() -> None:
    told = Told(flags=("detained",))
    assert task_of(told, "detained").is_open
    told.act("unflag", "host.case", flag="detained")
    assert not task_of(told, "detained").is_open
    told.wait(days=60)
    assert reached(told, "detained") == []
    told.act("flag", "host.case", flag="detained")
    assert task_of(told, "detained").is_open


def test_it_counts_every_watch_on_the_calendar_of_the_host() -> None:
    told = Told(flags=("detained",))
    told.act("world_calendar", "admin", calendar=Calendar("LA", zone_minutes=480))
    told.yes("tracing", "notify_state")
    told.go_well("verification")
    for step in ("detained", "in_care", "unconfirmed"):
        assert calendar_of_task(told.case, task_of(told, step)).country == "TH", step


def test_it_asks_thirty_days_before_eight_months_in_care() -> None:
    told = Told()
    told.go_well()
    told.wait(days=300)
    sent = [e.at.date() for e in told.events if isinstance(e, events.Reminded)]
    placed = [e for e in told.events if isinstance(e, events.Reminded) if e.step == "in_care"]
    assert placed[0].at.date() == date(2026, 9, 2)  # placed on 2 February: 2 October, less 30
    assert placed[0].at.date() in sent
