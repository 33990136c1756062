"""Holds, extensions, changed calendars, new rules, plans and ends: what they do to a clock.

Each test stands for a mechanical mutant of `domain/acts/` (docs/mutants.md).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from domain.case import events
from domain.case.acts.ending import withdraw
from domain.case.acts.steering import adult_on
from domain.case.hooks import HOOKS
from domain.errors import InvalidField
from domain.work import events as work_events
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from domain.work.procedure import Need, Procedure
from domain.work.state import Task
from domain.work.transition import Transition
from tests.builders import a_card, a_life, a_procedure, an_act, an_opening
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)
TODAY = date(2026, 11, 22)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def due_of(told: Told, step: str) -> datetime:
    due = task_of(told, step).due_at
    assert due is not None, step
    return due


def tracing() -> Told:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    return told


def days_off(told: Told, country: str, *days: date) -> None:
    told.act("world_calendar", "admin", calendar=Calendar(country, off=days))


def rungs(told: Told, step: str) -> list[str]:
    return [e.rung for e in told.events if isinstance(e, work_events.RungFired) and e.step == step]


# -- a given date


def test_it_leaves_a_given_date_where_it_is_when_the_calendar_changes() -> None:
    told = tracing()
    told.act("extend", "host.focal", step="tracing", due=LATER)
    due = due_of(told, "tracing")
    days_off(told, "LA", LATER)
    assert due_of(told, "tracing") == due


def test_it_reminds_anew_whether_a_date_or_a_moment_was_given() -> None:
    for due in (LATER, datetime(2026, 5, 4, 3, 0, tzinfo=UTC)):
        told = tracing()
        told.act("extend", "host.focal", step="tracing", due=due)
        task = task_of(told, "tracing")
        assert task.unrolled_on == LATER
        assert [p.rung for p in task.pending].count("E0") == 2


def test_it_holds_back_the_attempt_whose_date_is_moved_during_a_hold() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("verification")
    told.complete("verification", "more_information")
    told.act("hold", "host.case", until=LATER)
    told.act("extend", "host.focal", step="verification", due=told.at.date() + timedelta(days=9))
    task = task_of(told, "verification")
    assert (task.attempt, task.due_at, task.left) == (2, None, Clock(9, "days"))


# -- a changed calendar


def test_it_gives_no_clock_to_a_held_step_when_the_calendar_changes() -> None:
    told = tracing()
    last = due_of(told, "tracing").date()
    told.act("hold", "host.case", until=LATER)
    days_off(told, "LA", last)
    task = task_of(told, "tracing")
    assert (task.due_at, task.pending, task.left is not None) == (None, (), True)


def test_it_reminds_and_climbs_anew_once_a_step_is_not_late_any_more() -> None:
    told = tracing()
    late = due_of(told, "tracing")
    told.at = late
    told.wait(hours=1)
    assert task_of(told, "tracing").rung == "E1"
    days_off(told, "LA", late.date())
    task = task_of(told, "tracing")
    assert (task.rung, task.due_at) == ("none", late + timedelta(days=1))
    assert [p.rung for p in task.pending] == ["E1", "E2", "E3", "E4", "E5"]
    told.wait(days=2)
    assert rungs(told, "tracing") == ["E1", "E1"]


def test_it_keeps_an_open_question_though_the_step_is_not_late_any_more() -> None:
    told = tracing()
    late = due_of(told, "tracing").date()
    told.at = due_of(told, "tracing")
    told.wait(days=7)
    assert task_of(told, "tracing").escalation == "open"
    days_off(told, "LA", *(late + timedelta(days=n) for n in range(9)))
    task = task_of(told, "tracing")
    assert (task.rung, task.escalation) == ("E2", "open")
    assert [p.rung for p in task.pending] == ["E1", "E2", "E3", "E4", "E5"]


def test_it_records_who_moved_a_due_date() -> None:
    told = tracing()
    days_off(told, "LA", due_of(told, "tracing").date())
    moved = [e for e in told.events if isinstance(e, work_events.ClockSet)]
    assert [(e.step, e.by, e.user) for e in moved] == [("tracing", "admin", "admin.head")]


def test_it_sends_no_reminder_twice_when_the_calendar_moves_a_step_that_is_not_late() -> None:
    told = tracing()
    told.wait(days=30)
    task = task_of(told, "tracing")
    assert (task.rung, task.reminders) == ("E0", 1)
    days_off(told, "LA", due_of(told, "tracing").date())
    task = task_of(told, "tracing")
    assert (task.rung, task.reminders) == ("E0", 1)
    assert [p.rung for p in task.pending if p.at < told.at] == []


def planned(days: int = 40) -> Told:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    told.plan(days=days)
    return told


def test_it_moves_what_falls_back_with_each_change_and_not_once_it_was_extended() -> None:
    told = planned()
    first = due_of(told, "notice")
    days_off(told, "TH", first.date())
    second = due_of(told, "notice")
    assert second < first
    days_off(told, "TH", first.date(), second.date())
    assert due_of(told, "notice") < second
    told.wait(hours=1)
    told.act("extend", "host.province", step="notice", due=first.date())
    days_off(told, "TH")
    days_off(told, "TH", first.date())
    assert due_of(told, "notice") == first


def test_it_keeps_the_rung_of_what_falls_back_further_when_it_is_late() -> None:
    told = planned(days=40)
    told.at = due_of(told, "notice")
    told.wait(hours=1)
    days_off(told, "TH", due_of(told, "notice").date())
    assert task_of(told, "notice").rung == "E1"
    told.wait(days=1)
    assert rungs(told, "notice") == ["E1"]


# -- newer rules


def test_it_never_rolls_a_watch_though_the_rules_give_it_another_length() -> None:
    told = Told(flags=("detained",))
    procedure = told.case.procedure
    watch = replace(procedure.cards["detained"], within=Clock(12, "days"))
    newer = replace(procedure, version="newer", cards={**procedure.cards, "detained": watch})
    for fields in ({"procedure": newer}, {"procedure_digest": "newer"}):
        assert told.refused("adopt_rules", "host.case", **fields) == "missing-field"
    adopt(told, newer)
    task = task_of(told, "detained")
    assert (task.clock, task.unrolled_on) == (Clock(12, "days", legal=True), date(2026, 2, 14))
    assert due_of(told, "detained").date() == date(2026, 2, 14)  # a Saturday


def test_it_gives_a_clock_to_none_that_had_none() -> None:
    told = Told()
    order = {"step": "protection_order", "outcome": "made", "valid_until": LATER}
    told.act("complete", "host.case", **order)
    told.act("return", "host.case", step="protection_order")
    procedure = told.case.procedure
    timed = replace(procedure.cards["protection_order"], within=Clock(12, "days"))
    adopt(told, replace(procedure, version="newer", cards={**procedure.cards, timed.id: timed}))
    task = task_of(told, "protection_order")
    assert (task.is_open, task.due_at) == (True, None)


def adopt(told: Told, newer: Procedure) -> None:
    told.case = replace(told.case, procedures={**told.case.procedures, "newer": newer})
    told.act("adopt_rules", "host.case", procedure=newer, procedure_digest="newer")


# -- a hold


def test_it_lets_the_clock_of_a_danger_run_on_during_a_hold() -> None:
    told = Told()
    told.complete("screening", "presumed_victim")
    told.act("flag", "host.case", flag="in_danger")
    due = due_of(told, "placement")
    assert due > told.at
    told.act("hold", "host.case", until=LATER)
    assert due_of(told, "placement") == due


def test_it_stops_a_clock_at_its_last_second_and_not_after_though_no_rung_fires() -> None:
    card = a_card("free", "host.case", "done", after=(Need(("opening",)),), ladder="")
    opening = an_opening(a_procedure(card))
    task = a_life(opening=opening).case.work.newest("free")
    assert task is not None
    assert task.due_at is not None
    opened = task.offered_at
    length = (task.due_at - opened) / timedelta(days=1)
    for late, left in ((0.0, Clock(0, "working days")), (0.1, None)):
        hold = an_act("hold", "host.case", until=LATER, reason="text:x")
        held = a_life((length + late, hold), opening=opening).case.work.newest("free")
        assert held is not None
        assert held.left == left


def test_it_ends_the_open_question_of_a_review_when_the_hold_ends() -> None:
    told = Told()
    told.act("hold", "host.case", until=told.at.date() + timedelta(days=2))
    told.wait(days=12)
    assert task_of(told, "hold_review").escalation == "open"
    told.act("resume", "host.focal")
    review = task_of(told, "hold_review")
    assert (review.state, review.outcome, review.escalation) == ("done", "end", "overtaken")
    told.act("hold", "host.case", until=LATER)
    told.act("resume", "host.focal")
    over = [e for e in told.events if isinstance(e, work_events.EscalationOvertaken)]
    assert [e.attempt for e in over if e.step == "hold_review"] == [1]


def test_it_lets_the_clock_of_a_permit_run_on_during_a_hold() -> None:
    told = Told()
    told.act("bar", "host.prosecutor", kind="witness", review=LATER)
    due = due_of(told, "stay_permit")
    told.act("hold", "host.case", until=LATER)
    assert due_of(told, "stay_permit") == due


# -- ends


def test_it_overtakes_an_open_question_when_the_case_ends() -> None:
    told = Told()
    told.wait(days=9)
    assert task_of(told, "screening").escalation == "open"
    told.act("cancel", "host.case")
    assert task_of(told, "screening").escalation == "overtaken"


def test_it_lets_a_watch_wait_and_not_be_left_out_when_the_case_ends() -> None:
    told = Told(flags=("detained",))
    told.act("cancel", "host.case")
    assert task_of(told, "detained").state == "waiting"
    assert task_of(told, "screening").state == "skipped"


def test_it_lets_a_watch_wait_when_only_the_legal_steps_go_on() -> None:
    told = Told(flags=("detained",))
    told.ready()
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.complete("reception", "arrived")
    fields = {"step": "closure", "outcome": "returned_legal_open", "approved_by": "somebody"}
    told.act("complete", "host.province", **fields)
    assert told.case.state == "returned_legal_open"
    assert task_of(told, "detained").state == "waiting"
    assert task_of(told, "follow_up/1m").state == "skipped"
    assert [t.step for t in told.case.work.running()] == ["claim"]


def test_it_records_no_withdrawal_of_what_was_never_given() -> None:
    told = Told()
    told.yes("tracing")
    transition = Transition(told.case, HOOKS)
    withdraw(transition, told.at, "photo")
    assert transition.events == []


# -- plans


def test_it_numbers_plans_and_takes_one_for_this_very_moment() -> None:
    told = planned()
    told.plan(days=30)
    told.plan(days=0)
    made = [e.number for e in told.events if isinstance(e, events.HandoverPlanned)]
    assert made == [1, 2, 3]
    past = told.at - timedelta(seconds=1)
    assert told.refused("plan_handover", "host.focal", day=past, crossing="m") == "invalid-field"


def test_it_departs_neither_without_a_plan_nor_after_the_handover() -> None:
    told = Told()
    assert told.refused("depart", "escort") == "wrong-state"
    told.ready()
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.yes("return")
    assert told.refused("depart", "escort") == "wrong-state"


# -- facts put right


def test_it_takes_the_facts_it_knows_in_the_words_it_knows() -> None:
    told = Told()
    for fact, value, word in (
        ("country", "Laos", "invalid-field"),
        ("country", "la", "invalid-field"),
        ("country", "LAO", "invalid-field"),
        ("country", "MM", ""),
        ("sex", "unsaid", "invalid-field"),
        ("sex", "unknown", ""),
        ("name", "x", "invalid-field"),
    ):
        assert told.refused("correct", "host.case", fact=fact, value=value) == word, value
    assert told.case.person.country == "MM"


def test_it_reads_a_birthday_an_age_or_that_nobody_knows() -> None:
    assert adult_on("unknown", TODAY) is None
    assert adult_on("17", TODAY) == date(2027, 11, 22)
    assert adult_on("0", TODAY) == date(2044, 11, 22)
    assert adult_on("120", TODAY) == date(1924, 11, 22)
    assert adult_on("2026-11-22", TODAY) == date(2044, 11, 22)
    assert adult_on("2008-02-29", TODAY) == date(2026, 2, 28)
    assert adult_on("1906-01-01", TODAY) == date(1924, 1, 1)
    for wrong in ("121", "2026-11-23", "1905-12-31", "soon"):
        with pytest.raises(InvalidField):
            adult_on(wrong, TODAY)


def test_it_goes_on_as_no_edition_that_nobody_wrote() -> None:
    told = Told()
    for number in (0, 99, -1):
        assert told.refused("world_edition", "admin", number=number) == "invalid-field", number
    assert told.act("world_edition", "admin", number=told.case.edition) == ()


def test_it_closes_at_four_thirty() -> None:
    assert due_of(tracing(), "tracing").astimezone(Calendar("LA").zone).time() == time(16, 30)
