"""Acts on a task, and decisions about one: which attempt, in which order, what they leave alone.

Each test stands for a mechanical mutant of `domain/acts/` (docs/mutants.md).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from domain.case import consent
from domain.case.core import advance, command_of
from domain.errors import MissingField
from domain.work import events
from domain.work.calendar import Calendar
from domain.work.state import Task
from domain.work.subject import open_tasks, with_work
from tests.builders import a_life, an_opening
from tests.scenario import Told

LATER = date(2026, 5, 4)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def verifying(*leave: str, again: bool = False) -> Told:
    """Her country is asked who she is, and does not answer; `again`: asked for the second time."""
    told = Told()
    told.yes("notify_state")
    told.go_well("verification", *leave)
    if again:
        told.complete("verification", "more_information")
    return told


def fired(told: Told, step: str) -> list[str]:
    return [e.rung for e in told.events if isinstance(e, events.RungFired) and e.step == step]


# -- which attempt is decided about


def test_it_decides_about_the_second_attempt_when_that_is_late() -> None:
    for decision in ("extend", "reassign"):
        told = verifying(again=True)
        told.wait(days=60)
        fields: dict[str, Any] = (
            {"due": LATER} if decision == "extend" else {"to": "origin.tracing"}
        )
        told.act("decide", "host.committee", step="verification", decision=decision, **fields)
        task = task_of(told, "verification")
        assert (task.attempt, task.escalation) == (2, "decided")
        if decision == "extend":
            assert task.unrolled_on == LATER
        else:
            assert task.holder == "origin.tracing"
            assert told.left("decision", "origin.tracing")


def test_it_does_not_let_the_deciders_of_an_earlier_attempt_decide_about_the_next() -> None:
    told = verifying()
    told.wait(days=60)
    told.complete("verification", "more_information")
    told.wait(days=1)
    fields = {"step": "verification", "decision": "extend", "due": LATER}
    assert told.refused("decide", "host.committee", **fields) == "not-yours"


def test_it_decides_about_the_review_that_is_late_and_not_about_the_newest() -> None:
    told = Told()
    told.act("bar", "host.case", kind="witness", review=date(2026, 2, 20))
    told.act("bar", "host.case", kind="warrant", review=date(2026, 8, 3))
    told.wait(days=30)
    told.act("decide", "host.committee", step="bar_review", decision="extend", due=LATER)
    first, second = told.case.work.tasks["bar_review"]
    assert (first.escalation, first.unrolled_on) == ("decided", LATER)
    assert second.unrolled_on == date(2026, 8, 3)


def test_it_lets_a_decision_end_the_question_of_a_watch() -> None:
    told = verifying()
    told.wait(days=95)
    assert task_of(told, "unconfirmed").escalation == "open"
    fields = {"step": "unconfirmed", "decision": "extend", "due": date(2026, 8, 3)}
    assert told.refused("decide", "host.national", **fields) == ""
    assert task_of(told, "unconfirmed").escalation == "decided"


def test_it_says_conflict_to_who_decides_at_the_same_moment_and_later_that_it_is_over() -> None:
    told = verifying()
    told.wait(days=60)
    fields = {"step": "verification", "decision": "extend", "due": LATER}
    told.act("decide", "host.committee", **fields)
    assert told.refused("decide", "origin.focal", **fields) == "conflict"
    told.wait(hours=1)
    assert told.refused("decide", "origin.focal", **fields) == "wrong-state"


def test_it_tells_who_was_left_behind_that_it_is_over_once_it_is() -> None:
    told = verifying()
    told.wait(days=53)
    up = {"step": "verification", "decision": "refer_up"}
    extend = {"step": "verification", "decision": "extend", "due": LATER}
    told.act("decide", "host.committee", **up)
    assert told.refused("decide", "host.committee", **extend) == "not-yours"
    told.act("decide", "host.focal", **extend)
    told.wait(hours=1)
    assert told.refused("decide", "host.committee", **extend) == "wrong-state"


def test_it_carries_upward_the_question_of_an_order_and_changes_nothing_else_of_it() -> None:
    told = Told()
    until = told.at.date() + timedelta(days=12)
    order = {"step": "protection_order", "outcome": "made", "valid_until": until}
    told.act("complete", "host.case", **order)
    told.wait(hours=1)
    due = task_of(told, "protection_order").due_at
    assert task_of(told, "protection_order").escalation == "open"
    fields = {"step": "protection_order", "due": LATER}
    told.act("decide", "host.focal", decision="refer_up", **fields)
    assert fired(told, "protection_order") == ["E3", "E4"]
    told.act("decide", "origin.embassy", decision="extend", **fields)
    assert task_of(told, "protection_order").due_at == due


def test_it_measures_a_given_date_by_the_hours_of_the_office_the_step_was_made_for() -> None:
    """Vientiane closes at ten today: at eleven this day is over, whatever Bangkok's hours are."""
    told = verifying()
    told.wait(days=60)
    told.act("world_calendar", "admin", calendar=Calendar("LA", closes=time(10)))
    told.at = datetime.combine(told.at.date(), time(4), told.at.tzinfo)  # eleven
    told.at += timedelta(days=1)
    told.wait()
    today = {"step": "verification", "due": told.at.date()}
    decide = told.refused("decide", "host.committee", decision="extend", **today)
    assert (decide, told.refused("extend", "host.committee", **today)) == ("invalid-field",) * 2
    now = {"step": "verification", "due": told.at}
    assert told.refused("decide", "host.committee", decision="extend", **now) == ""


# -- a decider extends


def test_it_takes_an_extension_by_a_decider_as_the_decision() -> None:
    told = verifying(again=True)
    told.wait(days=60)
    assert told.refused("extend", "host.province", step="verification", due=LATER) == "not-yours"
    told.act("extend", "host.committee", step="verification", due=LATER)
    task = task_of(told, "verification")
    assert (task.attempt, task.escalation, task.unrolled_on) == (2, "decided", LATER)
    told.wait(hours=1)
    assert told.refused("extend", "host.committee", step="verification", due=LATER) == "not-yours"
    told.act("extend", "host.focal", step="verification", due=date(2026, 6, 1))
    decided = [e for e in told.events if isinstance(e, events.EscalationDecided)]
    assert [(e.by, e.decision) for e in decided] == [("host.committee", "extend")]


# -- what has just ended


def test_it_says_conflict_of_what_ended_at_that_moment_before_any_field_is_missed() -> None:
    acts: dict[str, tuple[str, dict[str, Any], str]] = {
        "decline": ("host.immigration", {"reason": ""}, "missing-field"),
        "promise": ("host.immigration", {}, "missing-field"),
        "accept": ("host.immigration", {}, "wrong-state"),
        "extend": ("host.focal", {}, "missing-field"),
        "skip": ("host.focal", {"reason": ""}, "missing-field"),
        "reassign": ("host.focal", {}, "missing-field"),
        "withdraw": ("host.focal", {}, "wrong-state"),
    }
    for do, (by, fields, later) in acts.items():
        told = Told()
        told.complete("screening", "presumed_victim")
        assert told.refused(do, by, step="screening", **fields) == "conflict", do
        told.wait(hours=1)
        assert told.refused(do, by, step="screening", **fields) == later, do


def test_it_says_of_what_is_over_that_it_is_over() -> None:
    told = Told()
    told.complete("screening", "presumed_victim")
    told.wait(hours=1)
    own = told.refused("extend", "host.focal", step="screening", due=LATER)
    assert own == "wrong-state"
    assert told.refused("reassign", "host.focal", step="screening", to="host.team") == "wrong-state"
    told.complete("placement", "placed")
    told.complete("rights", "told")
    told.wait(hours=1)
    assert told.refused("extend", "host.case", step="rights", due=LATER) == "wrong-state"


def test_it_says_wrong_state_of_what_has_not_begun() -> None:
    told = Told()
    acts: dict[str, tuple[str, dict[str, Any]]] = {
        "accept": ("host.shelter", {}),
        "decline": ("host.shelter", {}),
        "promise": ("host.shelter", {"day": LATER}),
        "note": ("host.shelter", {}),
        "return": ("host.case", {}),
        "skip": ("host.focal", {}),
        "extend": ("host.focal", {"due": LATER}),
        "withdraw": ("host.focal", {}),
    }
    for do, (by, fields) in acts.items():
        assert told.refused(do, by, step="placement", **fields) == "wrong-state", do
    assert told.refused("return", "host.case", step="screening") == "wrong-state"


# -- handing on


def test_it_takes_an_acceptance_once() -> None:
    told = Told()
    told.act("accept", "host.immigration", step="screening")
    assert told.refused("accept", "host.immigration", step="screening") == "conflict"
    told.wait(hours=1)
    assert told.refused("accept", "host.immigration", step="screening") == "wrong-state"


def test_it_takes_back_what_it_sent_and_never_from_itself() -> None:
    told = verifying()
    due = task_of(told, "verification").due_at
    assert told.refused("withdraw", "origin.focal", step="verification") == "not-yours"
    told.act("withdraw", "host.focal", step="verification")
    task = task_of(told, "verification")
    assert (task.holder, task.due_at, task.attempt) == ("host.case", due, 1)
    assert told.refused("withdraw", "host.focal", step="verification") == "wrong-state"
    assert told.refused("decline", "host.case", step="verification") == "wrong-state"


def waiting_with_the_case() -> Told:
    """Exit clearance came back to the case manager; then a bar took the step itself back."""
    told = verifying("exit_clearance")
    told.complete("verification", "confirmed")
    told.go_well("exit_clearance")
    told.act("decline", "host.immigration", step="exit_clearance")
    told.act("bar", "host.prosecutor", kind="court", review=LATER)
    task = task_of(told, "exit_clearance")
    assert (task.state, task.holder) == ("waiting", "host.case")
    told.wait(hours=1)
    return told


def test_it_asks_of_a_step_that_waits_who_will_hold_it_and_not_who_held_it() -> None:
    told = waiting_with_the_case()
    fields = {"step": "exit_clearance", "day": LATER}
    assert told.refused("promise", "host.case", **fields) == "not-yours"
    assert told.refused("promise", "host.immigration", **fields) == "wrong-state"


def test_it_names_beforehand_who_gets_a_step_that_waits() -> None:
    told = waiting_with_the_case()
    told.act("reassign", "host.focal", step="exit_clearance", to="host.police")
    assert task_of(told, "exit_clearance").state == "waiting"
    told.act("lift_bar", "host.prosecutor", kind="court")
    task = task_of(told, "exit_clearance")
    assert (task.state, task.holder, task.attempt) == ("offered", "host.police", 2)


def test_it_says_of_a_step_that_waits_that_there_is_nothing_to_extend() -> None:
    told = waiting_with_the_case()
    fields = {"step": "exit_clearance", "due": LATER}
    assert told.refused("extend", "host.focal", **fields) == "wrong-state"


# -- notes and alarms


def test_it_takes_a_note_of_the_holder_and_of_her_own_side() -> None:
    told = verifying()
    for by, word in (("origin.identity", ""), ("host.shelter", ""), ("ngo", "not-yours")):
        assert told.refused("note", by, step="verification") == word, by
    told.act("note", "host.case", step="verification", note="text:n", reason="text:r")
    noted = [e.note for e in told.events if isinstance(e, events.TaskNoted)]
    assert noted == ["text:x", "text:x", "text:n"]


def test_it_raises_the_step_due_first_where_the_alarm_is_about_one_not_made() -> None:
    told = verifying()
    told.wait(days=1)
    told.act("flag", "host.case", flag="do_not_notify_state")
    told.act("alarm", "ngo", step="reception", kind="in_danger")
    raised = [e for e in told.events if isinstance(e, events.AlarmRaised)]
    assert [e.attempt for e in raised] == [0]
    first = min(t.due_at for t in open_tasks(told.case) if t.due_at is not None)
    ((step, due),) = [(t.step, t.due_at) for t in told.case.work.running() if t.danger]
    assert (due, len(fired(told, step))) == (first, 1)
    told.act("alarm", "ngo", step=step, kind="in_danger")
    assert len(fired(told, step)) == 1


def test_it_raises_a_step_with_a_due_date_before_one_without() -> None:
    told = Told()
    told.act("hold", "host.case", until=LATER)  # only the legal clock and the review have one now
    told.act("alarm", "ngo", step="reception", kind="in_danger")
    assert [t.step for t in told.case.work.running() if t.danger] == ["identification"]


def test_it_takes_an_alarm_when_nothing_is_asked_of_anybody() -> None:
    told = Told()
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    assert list(open_tasks(told.case)) == []
    assert told.refused("alarm", "ngo", step="reception", kind="in_danger") == ""


def test_it_takes_what_the_system_itself_says_only_where_no_office_has_its_name() -> None:
    case = a_life(opening=an_opening()).case
    assert "admin" not in case.work.offices
    command = command_of("alarm", by="admin", user="", step="ask", kind="gone")
    assert case.now is not None
    assert [e for e in advance(case, command, case.now) if isinstance(e, events.AlarmRaised)]
    told = Told()
    fields = {"step": "screening", "kind": "gone", "user": "somebody"}
    assert told.refused("alarm", "admin", **fields) == "not-yours"


# -- who may


def test_it_lets_only_those_named_flag_and_record_a_consent() -> None:
    told = Told()
    assert told.refused("flag", "origin.focal", flag="medical") == "not-yours"
    assert told.refused("flag", "escort", flag="medical") == "not-yours"
    assert told.refused("consent", "ngo", purpose="tracing") == "not-yours"
    assert told.refused("flag", "ngo", flag="medical") == ""


def test_it_lets_the_focal_there_record_what_a_province_found() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    found = {"step": "tracing", "outcome": "found_safe", "for_": "origin.tracing"}
    assert told.refused("complete", "host.police", **found) == "not-yours"
    assert told.refused("complete", "origin.focal", **found) == ""


def test_it_calls_a_missing_day_by_the_name_people_write() -> None:
    told = Told()
    for do, by, name in (("promise", "host.immigration", "date"), ("extend", "host.focal", "due")):
        command = command_of(do, by=by, user=f"{by}.head", step="screening", reason="text:x")
        with pytest.raises(MissingField) as said:
            advance(told.case, command, told.at)
        assert f"`{name}`" in said.value.detail


def test_it_lets_an_excluded_office_back_in() -> None:
    told = Told(flags=("conflict:host.immigration",))
    fields = {"step": "screening", "note": "text:n"}
    assert told.refused("note", "host.immigration", **fields) == "not-yours"
    told.act("unflag", "host.case", flag="conflict:host.immigration")
    assert told.refused("note", "host.immigration", **fields) == ""


def test_it_takes_back_no_consent_that_was_never_given() -> None:
    told = Told()
    told.yes("tracing")
    assert told.refused("withdraw_consent", "person", purpose="photo") == "wrong-state"
    told.act("withdraw_consent", "person", purpose="tracing")
    assert told.refused("withdraw_consent", "person", purpose="tracing") == "wrong-state"


def test_it_raises_the_step_due_first_and_not_the_one_offered_first() -> None:
    told = Told()
    told.act("skip", "host.focal", step="report")
    told.wait(days=2)
    told.complete("screening", "presumed_victim")
    told.act("alarm", "ngo", step="reception", kind="in_danger")
    assert [t.step for t in told.case.work.running() if t.danger] == ["placement"]


def test_it_takes_no_act_on_a_watch_but_a_decision() -> None:
    told = Told(flags=("detained",))
    for do in ("accept", "note", "complete", "extend", "skip"):
        assert told.refused(do, "host.case", step="detained") == "unknown-step", do


def test_it_takes_the_guardian_s_word_whatever_the_office_is_called() -> None:
    told = Told(adult_on=date(2032, 1, 1))
    aunt = replace(told.case.work.offices["guardian"], id="aunt")
    told.case = with_work(told.case, offices={**told.case.work.offices, "aunt": aunt})
    told.act("consent", "host.case", for_="aunt", purpose="tracing")
    assert told.case.person.consents[0].by_guardian
    assert consent.since(told.case, "tracing", told.at) == told.at


def test_it_takes_a_consent_that_ends_today_and_none_that_ended_before() -> None:
    told = Told()
    today = told.at.date()
    for days, word in ((-1, "invalid-field"), (0, "")):
        until = today + timedelta(days=days)
        said = told.refused("consent", "host.case", for_="person", purpose="photo", until=until)
        assert said == word


def test_it_says_conflict_of_the_newest_end_of_a_step_made_twice() -> None:
    told = Told()
    told.complete("identification", "undetermined")
    told.wait(hours=5)
    told.complete("identification", "victim")
    fields = {"step": "identification", "outcome": "victim"}
    assert told.refused("complete", "host.team", **fields) == "conflict"
