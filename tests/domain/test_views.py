"""How a case reads: states, days, whose turn, the sentence, what is shown to whom.

Each test stands for a mechanical mutant of `domain/case/reading.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.case import reading
from domain.case.projection import rows_of
from domain.work.state import Task
from domain.work.subject import open_tasks
from tests.builders import STALLED, a_life, with_procedure
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def state_of(told: Told, step: str) -> str:
    return reading.step_state(told.case, step, told.at)


def sentence(told: Told) -> str:
    return reading.waits_for(told.case, told.at).text


def handed_over() -> Told:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    return told


# -- states


def test_it_shows_that_only_a_handover_that_did_not_happen_waits_again() -> None:
    told = Told()
    told.ready("handover")
    told.complete("handover", "absent")
    assert state_of(told, "handover") == "waiting"
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "not_fit")
    assert state_of(told, "fitness") == "done"


def test_it_shows_the_newest_attempt_where_none_is_open() -> None:
    told = Told()
    told.complete("identification", "undetermined")
    told.complete("identification", "victim")
    shown = reading.shown_task(told.case, "identification")
    assert shown is not None
    assert (shown.attempt, shown.outcome) == (2, "victim")


def test_it_shows_the_newest_of_several_open_reviews() -> None:
    told = Told()
    for kind in ("witness", "warrant"):
        told.act("bar", "host.case", kind=kind, review=LATER)
    shown = reading.shown_task(told.case, "bar_review")
    assert shown is not None
    assert shown.about == "warrant"


def test_it_calls_a_visit_unknown_once_it_is_late_and_nothing_else() -> None:
    told = handed_over()
    visit = task_of(told, "follow_up/1m")
    due = visit.due_at
    assert due is not None
    for late, unknown in ((-1, False), (0, False), (1, True)):
        at = due + timedelta(seconds=late)
        assert reading.is_unknown(told.case, visit, at) is unknown
        shown = reading.seen_by(told.case, "origin.province", "task", at)
        assert ("unknown" in shown) is unknown
        assert ("unknown" in reading.seen_by(told.case, "host.case", "case", at)) is unknown
    told.at = due + timedelta(days=1)
    assert not reading.is_unknown(told.case, task_of(told, "reception"), told.at)
    told.act("complete", "origin.province", step="follow_up/1m", outcome="safe")
    assert not reading.is_unknown(told.case, task_of(told, "follow_up/1m"), told.at)


def test_it_stands_still_from_the_second_after_the_due_moment_until_the_case_ends() -> None:
    told = Told()
    due = min(t.due_at for t in open_tasks(told.case) if t.due_at is not None)
    assert not reading.is_stalled(told.case, due)
    assert reading.is_stalled(told.case, due + timedelta(seconds=1))
    told.at = due + timedelta(days=1)
    told.act("cancel", "host.case")
    assert not reading.is_stalled(told.case, told.at)


# -- days


def test_it_counts_late_days_to_the_end_of_a_step_that_was_left_out() -> None:
    told = Told()
    told.wait(days=4)
    assert reading.late_days(told.case, task_of(told, "screening"), told.at) == 3
    told.act("skip", "host.focal", step="report")
    told.wait(days=3)
    assert reading.late_days(told.case, task_of(told, "report"), told.at) == 4
    assert reading.late_days(told.case, task_of(told, "screening"), told.at) == 6


def test_it_counts_age_to_the_answer_or_to_now() -> None:
    told = Told()
    told.wait(days=4)
    told.complete("screening", "presumed_victim", happened_at=told.at - timedelta(days=1))
    told.wait(days=6)
    assert reading.age_days(told.case, task_of(told, "screening"), told.at) == 3
    assert reading.age_days(told.case, task_of(told, "identification"), told.at) == 10


# -- the sentence


def test_it_speaks_of_the_step_due_first_and_says_what_comes_next() -> None:
    told = Told()
    waiting = reading.waits_for(told.case, told.at)
    due = task_of(told, "report").due_at
    assert (waiting.step, waiting.attempt, waiting.due_at) == ("report", 1, due)
    assert (waiting.next_rung, waiting.next_rung_at) == ("E1", due)
    assert sentence(told) == (
        "Waits for First report read and sorted (report): turn of host.desk, "
        "since 2026-02-02, due 2026-02-02, next E1 2026-02-02."
    )


def test_it_says_how_late_and_how_far_up_it_is() -> None:
    told = Told()
    told.go_well("rights")
    due = task_of(told, "rights").due_at
    assert due is not None
    told.at = due
    assert "late" not in sentence(told)
    assert "reached" not in sentence(told)
    told.wait(days=1)
    assert "due 2026-02-05, 1 days late, reached E1, next E2 2026-02-12." in sentence(told)
    told.wait(days=7)
    assert "8 days late, escalated to E2, a decision is open, next E3" in sentence(told)


def test_it_counts_no_days_in_a_sentence_that_is_kept_for_later() -> None:
    """A list reads it weeks after the last event: a number of days would be wrong by then."""
    told = Told()
    told.go_well("rights")
    told.wait(days=12)
    kept = rows_of(told.case).case.waits_for
    assert "due 2026-02-05, escalated to E2, a decision is open, next E3" in kept
    assert "days late" in sentence(told)


def test_it_says_held_with_what_is_left_and_speaks_first_of_what_still_has_a_date() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    told.act("hold", "host.case", until=LATER)
    for task in tuple(open_tasks(told.case)):
        if task.step not in {"tracing", "hold_review"}:
            told.act("skip", "host.focal", step=task.step)
    assert sentence(told).startswith("On hold. Waits for Family found and assessed (tracing)")
    assert "held with 45 days left" in sentence(told)
    running = Told()
    assert not sentence(running).startswith("On hold")
    running.act("hold", "host.case", until=LATER)
    assert reading.waits_for(running.case, running.at).step == "identification"


def test_it_names_the_role_beside_an_office_of_another_name() -> None:
    case = a_life(*STALLED).case
    assert case.now is not None
    assert "turn of origin-tracing (origin.tracing)," in reading.waits_for(case, case.now).text
    assert "(host.desk)" not in sentence(Told())


def test_it_says_how_she_is_only_where_that_is_unknown() -> None:
    told = handed_over()
    told.go_well("follow_up/1m", "follow_up/3m", "follow_up/6m", "follow_up/12m", rounds=2)
    assert "how the person is" not in sentence(told)
    told.wait(days=40)
    assert "how the person is: unknown (follow_up/1m)" in sentence(told)


def quiet(*purposes: str) -> Told:
    """A case in which nobody is asked anything."""
    told = Told()
    told.yes(*purposes)
    told.go_well()
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    return told


def test_it_says_what_a_case_wants_in_which_nobody_is_asked_anything() -> None:
    told = Told()
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    assert sentence(told) == (
        "No step is open since 2026-02-02: nobody's turn. It wants consent tracing "
        "(for tracing_request), consent notify_state (for verification_request)."
    )
    told.wait(days=20)
    assert "since 2026-02-02 and counts as stalled: nobody's turn" in sentence(told)
    waiting = reading.waits_for(told.case, told.at)
    assert (waiting.attempt, waiting.turn) == (0, "nobody")


def test_it_wants_a_consent_to_return_and_then_a_day_once_the_gates_for_a_plan_are_open() -> None:
    told = quiet("tracing", "notify_state")
    assert reading.only_missing(told.case, told.at) == ("consent return (for handover)",)
    told.yes("return")
    assert reading.only_missing(told.case, told.at) == ("a planned day (for handover)",)
    told.plan(days=20)
    assert reading.only_missing(told.case, told.at) == ()


def test_it_wants_a_decision_where_nothing_else_is_missing() -> None:
    told = Told(flags=("do_not_notify_state",))
    told.go_well("screening", "placement", "identification")
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    told.go_well()
    for task in tuple(open_tasks(told.case)):
        told.act("skip", "host.focal", step=task.step)
    assert "It wants a decision on what comes next." in sentence(told)


# -- what comes


def test_it_foresees_reminders_and_rungs_to_the_last_day_asked_for() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    due = task_of(told, "tracing").due_at
    assert due is not None
    from_then = due - timedelta(days=45)
    assert foreseen(told, from_then) == ["E0", "E0", "E1"]
    assert foreseen(told, from_then - timedelta(seconds=1)) == ["E0", "E0"]
    told.act("promise", "origin.tracing", step="tracing", day=due.date())
    assert foreseen(told, from_then) == ["E1"]


def foreseen(told: Told, at: datetime) -> list[str]:
    return [f.rung for f in reading.forecast(told.case, at, days=45) if f.step == "tracing"]


# -- what somebody sees


def test_it_shows_in_a_task_what_its_request_carries_and_in_the_inbox_nothing_of_her() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("tracing")
    task = reading.seen_by(told.case, "origin.tracing", "task", told.at)
    inbox = reading.seen_by(told.case, "origin.tracing", "inbox", told.at)
    assert {"names", "relatives", "tracing", "offered"} <= task
    assert not {"names", "relatives"} & inbox
    assert {"tracing", "offered"} <= inbox


def test_it_shows_nothing_of_a_request_that_may_not_leave() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("tracing")
    told.act("flag", "host.case", flag="do_not_notify_state")
    assert "names" not in reading.seen_by(told.case, "origin.tracing", "task", told.at)


def test_it_shows_the_newest_outcome_of_a_step() -> None:
    told = Told()
    told.complete("identification", "undetermined")
    told.complete("identification", "victim")
    words = reading.seen_by(told.case, "host.case", "case", told.at)
    assert "victim" in words
    assert "undetermined" not in words


def test_it_opens_in_the_zone_of_thailand() -> None:
    assert Told().at == datetime(2026, 2, 2, 2, 0, tzinfo=UTC)


def test_it_wants_no_yes_for_what_was_done_already() -> None:
    told = quiet("tracing", "notify_state")
    told.act("withdraw_consent", "person", purpose="tracing")
    assert reading.only_missing(told.case, told.at) == ("consent return (for handover)",)


def test_it_names_the_role_of_who_holds_a_step_now() -> None:
    told = Told()
    told.act("decline", "host.desk", step="report")
    assert "turn of host.case, since" in sentence(told)


def test_it_says_reached_of_a_rung_and_not_of_a_reminder() -> None:
    told = Told()
    told.go_well("rights")
    told.wait(days=2)
    assert task_of(told, "rights").rung == "E0"
    assert "reached" not in sentence(told)


def test_it_reads_a_step_that_the_rules_no_longer_have() -> None:
    told = Told()
    told.complete("report", "accepted")
    procedure = told.case.procedure
    cards = {name: card for name, card in procedure.cards.items() if name != "report"}
    told.case = with_procedure(told.case, replace(procedure, cards=cards))
    assert reading.late_days(told.case, task_of(told, "report"), told.at) == 0
