"""What stays ended, what a correction brings about, how a hold reads (stories.md 4.8, 4.9, 4.10).

Each test stands for mutants of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.case.reading import shown_state
from domain.work.calendars import calendar_of
from domain.work.deadlines import Clock, due
from domain.work.state import Task
from domain.work.subject import open_tasks
from tests.scenario import Told

LATER = date(2026, 5, 4)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def test_it_leaves_a_step_ended_by_a_decision_when_the_case_is_reopened() -> None:
    told = Told()
    told.wait(days=9)
    told.act("decide", "host.committee", step="screening", decision="cancel")
    assert (task_of(told, "screening").state, told.case.state) == ("skipped", "open")
    told.act("cancel", "host.case")
    told.wait(days=1)
    told.act("reopen", "host.case")
    assert [t.state for t in told.case.work.tasks["screening"]] == ["skipped"]
    assert task_of(told, "report").is_open


def test_it_follows_the_right_outcome_once_a_wrong_one_is_corrected() -> None:
    right = {"step": "identification", "fact": "outcome", "value": "not_victim"}
    told = Told()
    told.complete("identification", "victim")
    assert told.case.work.newest("closure") is None
    told.act("correct", "host.case", **right)
    assert task_of(told, "identification").outcome == "not_victim"
    assert task_of(told, "closure").is_open
    assert not task_of(told, "compensation_rights").is_open
    assert not [t for t in open_tasks(told.case) if t.step.startswith("allowance/")]
    told.act("correct", "host.case", **{**right, "value": "victim"})
    assert not task_of(told, "closure").is_open
    assert task_of(told, "allowance/subsistence/request").is_open


def test_it_ends_a_plan_by_a_corrected_word_about_her_safety() -> None:
    told = Told()
    told.ready("handover")
    assert told.open("safety")
    wrong = {"step": "final_safety_origin", "fact": "outcome", "value": "no_go"}
    told.act("correct", "host.case", **wrong)
    assert told.case.handover is None
    assert not told.open("safety")


def test_it_shows_a_hold_over_open_and_returned_alike() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.complete("reception", "arrived")
    assert shown_state(told.case) == "returned"
    told.act("hold", "host.case", until=LATER)
    assert shown_state(told.case) == "on_hold"
    told.act("resume", "host.case")
    assert shown_state(told.case) == "returned"


def test_it_counts_weeks_and_years_to_the_closing_hour_of_their_last_day() -> None:
    told = Told()
    calendar = calendar_of(told.case, "TH")
    for clock, last in (
        (Clock(2, "weeks"), date(2026, 2, 16)),
        (Clock(1, "years"), date(2027, 2, 2)),
        (Clock(2, "years"), date(2028, 2, 2)),
        (Clock(4, "years"), date(2030, 2, 4)),  # the 2nd is a Saturday
    ):
        found = due(clock, told.at, calendar)
        assert found.at == calendar.closing(last), clock
    leap = told.at.replace(year=2028) + timedelta(days=27)  # 29 February
    assert due(Clock(1, "years", legal=True), leap, calendar).unrolled_on == date(2029, 2, 28)
