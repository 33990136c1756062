"""Completing a step, at its edges: who, when, what follows, what is told in a refusal.

Each test stands for a mechanical mutant of `domain/case/acts/complete.py` or `domain/steps/`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from domain.case import events
from domain.case.core import advance, command_of
from domain.errors import Refused
from domain.work import events as work_events
from domain.work.procedure import Need
from domain.work.state import Task
from domain.work.subject import with_work
from tests.builders import a_card, a_life, a_procedure, an_act, an_opening, with_procedure
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def states(told: Told, step: str) -> list[str]:
    return [task.state for task in told.case.work.tasks.get(step, ())]


def words_of(told: Told, do: str, by: str, **fields: Any) -> str:
    """What the refusal says; empty when it was taken."""
    command = command_of(do, by=by, user=f"{by}.head", reason="text:x", **fields)
    try:
        advance(told.case, command, told.at)
    except Refused as no:
        return no.detail
    return ""


def recorded(told: Told) -> list[str]:
    return [e.step for e in told.events if isinstance(e, work_events.Recorded)]


# -- reviews of bars


def two_bars() -> Told:
    """The case manager set both; the prosecutor owns the first, the police the second."""
    told = Told()
    for kind, owner in (("witness", "host.prosecutor"), ("warrant", "host.police")):
        told.act("bar", "host.case", kind=kind, owner=owner, review=LATER)
    return told


def test_it_completes_the_review_of_the_bar_that_is_named() -> None:
    told = two_bars()
    keep = {"step": "bar_review", "outcome": "keep", "review": date(2026, 6, 1)}
    assert told.refused("complete", "host.case", kind="witness", **keep) == ""
    found = [(t.about, t.state) for t in told.case.work.tasks["bar_review"]]
    assert found == [("witness", "done"), ("warrant", "offered"), ("witness", "offered")]


def test_it_completes_the_newest_review_where_no_bar_is_named() -> None:
    told = two_bars()
    told.act("complete", "host.case", step="bar_review", outcome="keep", review=date(2026, 6, 1))
    assert [t.about for t in told.case.work.tasks["bar_review"] if t.state == "done"] == ["warrant"]


def test_it_lets_the_owner_of_a_bar_end_it_by_review_and_who_set_it_only_keep_it() -> None:
    told = two_bars()
    end = {"step": "bar_review", "outcome": "end", "kind": "witness"}
    assert told.refused("complete", "host.case", **end) == "not-yours"
    assert told.refused("complete", "host.police", **end) == "not-yours"
    assert told.refused("complete", "host.prosecutor", **end) == ""
    assert set(told.case.person.bars) == {"warrant"}
    told.complete("bar_review", "keep", review=date(2026, 6, 1))
    told.act("complete", "host.police", step="bar_review", outcome="end")
    assert not told.case.person.bars


def test_it_ends_only_the_review_of_the_bar_that_is_lifted() -> None:
    told = two_bars()
    told.act("lift_bar", "host.prosecutor", kind="witness")
    assert states(told, "bar_review") == ["done", "offered"]
    none = Told()
    review = {"step": "bar_review", "outcome": "end"}
    assert none.refused("complete", "host.case", **review) == "not-yours"


# -- may it be


def test_it_names_the_gate_and_what_shut_it() -> None:
    told = Told()
    told.ready("return_plan", "handover")
    hand_over = {"step": "handover", "outcome": "handed_over"}
    for do, fields in (("complete", hand_over), ("depart", {})):
        assert words_of(told, do, "escort", **fields) == "gate reintegration: return_plan"
    bare = Told()
    bare.yes("return")
    day = {"day": bare.at + timedelta(days=3), "crossing": "m"}
    assert words_of(bare, "plan_handover", "host.focal", **day) == "gate identity: verification"


def test_it_sends_where_the_consent_reaches_and_nowhere_else() -> None:
    told = Told()
    cards = told.case.procedure.cards
    request = cards["verification_request"]
    both = replace(request.outcomes["sent"], sends_to=("origin.focal", "origin.identity"))
    changed = {**cards, request.id: replace(request, outcomes={"sent": both})}
    told.case = with_procedure(told.case, replace(told.case.procedure, cards=changed))
    told.yes("notify_state", receiver="origin.identity")
    told.complete("verification_request", "sent")
    assert told.left("request", "origin.identity")
    assert not told.left("request", "origin.focal")


def test_it_takes_the_safety_check_from_the_very_second_72_hours_before() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    told.plan(days=4)
    go = {"step": "final_safety_host", "outcome": "go"}
    assert told.refused("complete", "host.case", **go) == "wrong-state"
    told.plan(days=3)
    assert told.refused("complete", "host.case", **go) == ""


def test_it_grants_early_what_is_not_offered_yet_and_nothing_twice() -> None:
    told = Told()
    paper = {"step": "stay_permit", "outcome": "granted", "valid_until": date(2027, 1, 4)}
    assert told.refused("complete", "host.immigration", **paper) == ""
    told.wait(days=1)
    assert told.refused("complete", "host.immigration", **paper) == "wrong-state"


def test_it_asks_the_office_named_meanwhile_for_a_step_that_waits() -> None:
    told = Told()
    told.act("bar", "host.prosecutor", kind="witness", review=LATER)
    assert task_of(told, "stay_permit").holder == "host.immigration"
    told.act("lift_bar", "host.prosecutor", kind="witness")
    assert task_of(told, "stay_permit").state == "waiting"
    told.act("reassign", "host.focal", step="stay_permit", to="host.police")
    paper = {"step": "stay_permit", "outcome": "granted", "valid_until": date(2027, 1, 4)}
    assert told.refused("complete", "host.immigration", **paper) == "not-yours"
    assert told.refused("complete", "host.police", **paper) == ""


def test_it_records_for_the_person_only_by_the_offices_named() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("return_decision")
    said = {"step": "return_decision", "outcome": "return", "for_": "person"}
    assert told.refused("complete", "host.police", **said) == "not-yours"
    assert told.refused("complete", "host.case", **said) == ""


def test_it_takes_an_answer_that_happened_this_very_second() -> None:
    told = Told()
    told.wait(hours=1)
    fields = {"step": "report", "outcome": "accepted"}
    assert told.refused("complete", "host.desk", happened_at=told.at, **fields) == ""


def test_it_says_conflict_only_of_an_end_the_caller_had_not_seen() -> None:
    told = Told()
    told.complete("report", "accepted")
    seen = task_of(told, "report").ended_version
    told.wait(hours=1)
    fields = {"step": "report", "outcome": "accepted"}
    assert told.refused("complete", "host.desk", seen=seen, **fields) == "wrong-state"
    assert told.refused("complete", "host.desk", seen=seen - 1, **fields) == "conflict"


# -- papers and money


def test_it_takes_a_paper_that_ends_today_and_none_that_ended_before() -> None:
    told = Told()
    today = told.at.date()
    fields = {"step": "stay_permit", "outcome": "granted"}
    yesterday = today - timedelta(days=1)
    no = told.refused("complete", "host.immigration", valid_until=yesterday, **fields)
    assert no == "invalid-field"
    assert told.refused("complete", "host.immigration", valid_until=today, **fields) == ""


def test_it_takes_one_baht_and_not_nothing() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    for part, outcome in (("request", "requested"), ("approval", "approved")):
        told.complete(f"allowance/subsistence/{part}", outcome)
    step = {"step": "allowance/subsistence/payment", "outcome": "paid"}
    for amount, word in (("0.00", "invalid-field"), ("0", "invalid-field"), ("1", "")):
        fields = {"amount": amount, "currency": "THB"}
        assert told.refused("complete", "host.payer", result=fields, **step) == word


def test_it_takes_today_as_the_next_date_of_a_review() -> None:
    told = Told()
    told.act("hold", "host.case", until=LATER)
    keep = {"step": "hold_review", "outcome": "keep"}
    today = told.at.date()
    yesterday = today - timedelta(days=1)
    assert told.refused("complete", "host.case", until=yesterday, **keep) == "invalid-field"
    assert told.refused("complete", "host.case", until=today, **keep) == ""


def test_it_leaves_the_due_date_of_a_step_whose_paper_nobody_watches() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("travel_document")
    due = task_of(told, "travel_document").due_at
    told.complete("travel_document", "issued", valid_until=date(2026, 9, 1))
    assert task_of(told, "travel_document").due_at == due


def test_it_sets_no_clock_for_a_renewed_paper_that_nobody_watches() -> None:
    told = Told()
    paper = {"step": "stay_permit", "outcome": "granted", "valid_until": date(2026, 8, 3)}
    told.act("complete", "host.immigration", **paper)
    due = task_of(told, "stay_permit").due_at
    told.complete("stay_permit/renewal", "granted", valid_until=date(2027, 8, 3))
    assert task_of(told, "stay_permit").due_at == due
    assert not [e for e in told.events if isinstance(e, work_events.ClockSet)]


# -- in time, recorded late


def test_it_marks_an_answer_of_the_last_second_that_was_recorded_late() -> None:
    told = Told()
    due = task_of(told, "screening").due_at
    assert due is not None
    told.at = due + timedelta(hours=1)
    told.wait()
    assert task_of(told, "screening").rung == "E1"
    told.complete("screening", "presumed_victim", happened_at=due)
    assert recorded(told) == ["screening"]


def test_it_marks_nothing_that_was_recorded_in_time_though_it_was_a_danger() -> None:
    told = Told()
    told.complete("screening", "presumed_victim")
    told.act("flag", "host.case", flag="in_danger")
    task = task_of(told, "placement")
    assert (task.rung, task.due_at is not None) == ("E5", True)
    told.at = task.due_at or told.at
    told.complete("placement", "placed")
    assert recorded(told) == []


def test_it_marks_nothing_where_no_rung_had_fired() -> None:
    rules = a_procedure(a_card("free", "host.case", "done", after=(Need(("opening",)),), ladder=""))
    opening = an_opening(rules)
    life = a_life((20, None), opening=opening)
    task, now = life.case.work.newest("free"), life.case.now
    assert task is not None
    assert now is not None
    assert (task.rung, task.reminders) == ("E0", 2)
    done = an_act("complete", "host.case", step="free", outcome="done", happened_at=task.due_at)
    happened = advance(life.case, done, now + timedelta(days=3))
    assert not [e for e in happened if isinstance(e, work_events.Recorded)]


# -- what follows


def test_it_names_the_answers_of_a_first_request_no_repetition() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing", "tracing_acknowledgement")
    assert [task_of(told, s).about for s in ("tracing", "tracing_acknowledgement")] == ["", ""]
    assert [e.version for e in told.left("request", "origin.focal")] == [0]


def test_it_offers_to_nobody_what_is_completed_in_the_same_act() -> None:
    told = Told()
    order = {"step": "protection_order", "outcome": "made", "valid_until": date(2026, 8, 3)}
    told.act("complete", "host.case", **order)
    assert "protection_order" not in [e.step for e in told.left("offer", "host.case")]


def test_it_asks_the_answer_once_more_unless_it_is_still_open() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("verification")
    told.complete("verification", "refused")
    sent = {"step": "verification_request", "outcome": "sent", "evidence": "text:e"}
    for _ in range(2):
        told.wait(days=1)
        told.act("complete", "host.focal", **sent)
    assert states(told, "verification") == ["done", "offered"]


def test_it_offers_closure_once() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("identification", "return_decision")
    told.complete("return_decision", "third_country")
    told.complete("identification", "not_victim")
    assert states(told, "closure") == ["offered"]


def test_it_gives_a_manifest_its_people_and_its_number() -> None:
    told = Told()
    told.ready("handover")
    told.act("world_crossing", "admin", crossing="m", status="closed")
    made = [(e.version, e.empty) for e in told.events if isinstance(e, events.ManifestMade)]
    assert made == [(1, False), (2, True)]
    home = Told("la-th")
    home.act("consent", "origin.case", for_="person", purpose="return")
    for days in (2, 3):
        day = home.at + timedelta(days=days)
        home.act("plan_handover", "origin.focal", day=day, crossing="m")
    made = [(e.version, e.empty) for e in home.events if isinstance(e, events.ManifestMade)]
    assert made == [(1, False), (2, False)]


# -- corrections


def correct(told: Told, step: str, value: str) -> None:
    told.act("correct", "host.case", step=step, fact="outcome", value=value)


def test_it_takes_nothing_back_that_was_left_out_meanwhile() -> None:
    told = Told()
    told.complete("screening", "not_presumed")
    told.act("skip", "host.focal", step="closure")
    correct(told, "screening", "presumed_victim")
    assert states(told, "closure") == ["skipped"]


def test_it_takes_back_nothing_that_was_never_offered() -> None:
    told = Told()
    told.complete("screening", "not_presumed")
    told.case = with_work(
        told.case, tasks={k: v for k, v in told.case.work.tasks.items() if k != "closure"}
    )
    correct(told, "screening", "presumed_victim")
    assert task_of(told, "placement").is_open


def test_it_asks_again_from_the_day_the_right_outcome_happened() -> None:
    told = Told()
    happened = told.at
    told.complete("identification", "victim")
    told.wait(days=4)
    correct(told, "identification", "undetermined")
    again = task_of(told, "identification")
    assert (again.attempt, again.started_at) == (2, happened)


def test_it_asks_again_only_once_what_was_returned_already() -> None:
    told = Told()
    told.complete("identification", "victim")
    told.act("return", "host.case", step="identification")
    correct(told, "identification", "undetermined")
    assert states(told, "identification") == ["done", "offered"]
