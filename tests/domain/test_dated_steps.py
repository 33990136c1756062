"""The steps of a handover plan: when each is offered and due, and what ends the plan (2.2, 3.14, 4.5).

Each test stands for rule mutants of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.case import gates
from domain.work.procedure import side_of
from domain.work.state import Task
from tests.scenario import PURPOSES, Told

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def planned(days: int) -> tuple[Told, datetime]:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    moment = told.at + timedelta(days=days)
    told.act("plan_handover", "host.focal", day=moment, crossing="m")
    return told, moment


def test_it_asks_both_sides_and_herself_at_their_hours_and_until_the_planned_moment() -> None:
    _, moment = planned(9)
    start_of_day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC) - timedelta(hours=7)
    for step, opens, outcome in (
        ("final_safety_host", moment - timedelta(hours=72), "go"),
        ("final_safety_origin", moment - timedelta(hours=72), "go"),
        ("voluntariness", start_of_day, "yes"),
    ):
        told, _ = planned(9)
        by = told.case.work.office_of(told.case.procedure.cards[step].owner)
        told.at = opens - MINUTE
        told.wait(days=0)
        assert told.refused("complete", by, step=step, outcome=outcome) == "wrong-state", step
        assert told.case.work.newest(step) is None, step
        told.at = opens
        told.wait(days=0)
        task = task_of(told, step)
        assert (task.is_open, task.due_at, task.holder) == (True, moment, by), step
        assert task_of(told, "handover").due_at == moment


def test_it_is_fit_for_seven_days_the_day_itself_not_counted() -> None:
    for days, is_open in ((7, True), (8, False)):
        told, _ = planned(days)
        told.complete("fitness", "fit")
        assert gates.state(told.case, "fitness", told.at).open is is_open, days
        assert task_of(told, "fitness").is_open is not is_open, (
            days
        )  # asked again, if it would lapse


def test_it_looks_for_a_bed_within_three_working_days() -> None:
    told, _ = planned(20)
    told.wait(days=3)  # a Thursday
    told.complete("fitness", "fit_with_escort")
    due = task_of(told, "bed").due_at
    assert due is not None
    assert due.date() == date(2026, 2, 10)


def test_it_accepts_no_plan_of_which_no_notice_was_sent() -> None:
    told, _ = planned(9)
    accepted = {"step": "notice_acceptance", "outcome": "accepted"}
    assert told.refused("complete", "origin.focal", **accepted) == "wrong-state"
    told.complete("notice", "sent")
    assert told.refused("complete", "origin.focal", **accepted) == ""


def test_it_ends_the_plan_by_each_of_these_words_in_either_direction() -> None:
    for corridor, home in (("th-la", "host"), ("la-th", "origin")):
        for outcome in ("absent", "refused", "held"):
            told = Told(corridor)
            told.act("consent", f"{home}.case", for_="person", purpose="return")
            if corridor == "th-la":
                told.yes(*PURPOSES)
                told.go_well("handover")
            told.act("plan_handover", f"{home}.focal", day=told.at + 2 * DAY, crossing="m")
            assert task_of(told, "handover").is_open
            told.complete("handover", outcome)
            assert told.case.handover is None, (corridor, outcome)
            why = gates.state(told.case, "crossing", told.at).why
            assert why == f"handover {outcome}" or outcome == "refused", (corridor, outcome)
            away = "host.focal" if home == "origin" else "origin.focal"
            assert len(told.left("postponed", away)) == 1, (corridor, outcome)


def test_it_raises_the_placement_of_who_was_in_danger_from_the_beginning() -> None:
    told = Told(flags=("in_danger",))
    told.complete("screening", "presumed_victim")
    task = task_of(told, "placement")
    assert (task.danger, task.rung) == (True, "E5")


def test_it_lets_nobody_waive_the_search_for_the_family_or_her_nationality() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("tracing", "verification", "return_decision")
    told.wait(days=150)
    for step in ("tracing", "verification"):
        task = task_of(told, step)
        assert task.escalation == "open"
        for by in task.deciders:
            refused = told.refused("decide", by, step=step, decision="waive")
            assert refused == "not-waivable", (step, by)
    assert told.case.work.newest("return_decision") is None


def test_it_leaves_the_legal_steps_open_in_every_corridor() -> None:
    legal = {
        *("claim", "payment_review", "stay_permit", "stay_permit/renewal"),
        *("protection_order", "protection_order/renewal", "bar_review"),
    }
    for corridor in ("th-la", "th-vn", "la-th"):
        procedure = Told(corridor).case.procedure
        rule = procedure.cards["closure"].outcomes["returned_legal_open"]
        assert set(rule.skips_all_but) & procedure.cards.keys() == legal & procedure.cards.keys(), (
            corridor
        )
    told = Told("la-th")
    told.act("consent", "origin.case", for_="person", purpose="return")
    told.act("plan_handover", "origin.focal", day=told.at + DAY, crossing="m")
    told.wait(days=1)
    told.act("complete", "origin.province", step="handover", outcome="handed_over")
    told.go_well("compensation_rights")
    told.complete("compensation_rights", "claim_wanted")
    closing = {"step": "closure", "outcome": "returned_legal_open", "approved_by": "somebody"}
    told.act("complete", "origin.province", **closing)
    told.wait(days=1)
    assert [(t.step, side_of(t.holder)) for t in told.case.work.running()] == [("claim", "origin")]
