"""Whom a rung reaches after a step has moved, and what ends an escalation (stories.md 3.7, 3.8, 3.10).

Each test stands for mutants of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from domain.work import events
from domain.work.calendar import Calendar
from domain.work.state import Task
from tests.scenario import Told

LATER = date(2026, 8, 3)


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def fired(told: Told, step: str) -> dict[str, tuple[str, ...]]:
    found = [e for e in told.events if isinstance(e, events.RungFired) and e.step == step]
    return {e.rung: e.to for e in found if e.rung in {"E1", "E2", "E5"}}


def asked_for_tracing() -> Told:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing", "return_decision")
    return told


def test_it_tells_the_supervisor_of_who_holds_the_step_now() -> None:
    told = asked_for_tracing()
    told.act("reassign", "host.focal", step="tracing", to="host.case")
    told.wait(days=60)
    assert fired(told, "tracing") == {
        "E1": ("host.case.supervisor",),
        "E2": ("host.committee",),  # no focal with it: the holder is of the committee's side
    }
    told = asked_for_tracing()
    told.act("reassign", "host.focal", step="tracing", to="origin.province")
    told.wait(days=60)
    assert fired(told, "tracing") == {
        "E1": ("origin.province.supervisor",),
        "E2": ("host.committee", "origin.focal"),
    }


def test_it_asks_the_focal_with_the_committee_once_the_other_side_holds_it() -> None:
    told = Told()
    told.act("reassign", "host.focal", step="needs", to="origin.province")
    told.go_well("needs", "return_decision")
    told.wait(days=20)
    assert fired(told, "needs")["E2"] == ("host.committee", "origin.focal")


def test_it_raises_the_placement_once_she_is_out() -> None:
    told = Told("la-th")
    told.complete("report", "accepted")
    told.complete("rescue_request", "sent")
    told.complete("rescue_acknowledgement", "acknowledged")
    told.complete("exit", "out")
    told.act("consent", "origin.case", for_="person", purpose="return")
    day = told.at + timedelta(days=1)
    told.act("plan_handover", "origin.focal", day=day, crossing="m")
    told.wait(days=1)
    told.act("complete", "origin.province", step="handover", outcome="handed_over")
    told.complete("screening", "presumed_victim")
    told.act("flag", "origin.case", flag="in_danger")
    assert (task_of(told, "placement").danger, task_of(told, "exit").danger) == (True, False)


def test_it_raises_danger_once_and_a_step_already_done_too() -> None:
    told = Told()
    told.complete("report", "accepted")
    for _ in range(2):
        told.act("alarm", "host.desk", step="report", kind="in_danger")
    assert list(fired(told, "report")) == ["E5"]
    assert len([e for e in told.events if isinstance(e, events.RungFired)]) == 1


def test_it_tells_of_the_last_week_of_an_order_on_any_day() -> None:
    told = Told()
    order = {"step": "protection_order", "outcome": "made", "valid_until": LATER}
    told.act("complete", "host.case", **order)
    last_week = LATER - timedelta(days=7)
    for country in ("TH", "LA"):
        off = (last_week, LATER - timedelta(days=14))
        told.act("world_calendar", "admin", calendar=Calendar(country, off=off))
    told.wait(days=200)
    left = {
        e.about: e.at.date()
        for e in told.left("rung", "host.national") + told.left("rung", "host.focal")
        if e.step == "protection_order"
    }
    assert left == {"E3": LATER - timedelta(days=13), "E5": last_week}


def test_it_tells_of_no_end_that_a_renewal_has_moved() -> None:
    told = Told()
    order = {"step": "protection_order", "outcome": "made", "valid_until": LATER}
    told.act("complete", "host.case", **order)
    off = tuple(LATER - timedelta(days=days) for days in (30, 29, 14, 13))
    for country in ("TH", "LA"):
        told.act("world_calendar", "admin", calendar=Calendar(country, off=off))
    told.wait(days=153)  # the first warning waits for a working day
    assert not told.left("reminder", "host.case")
    renewed = {"step": "protection_order/renewal", "outcome": "granted"}
    told.act("complete", "host.case", valid_until=LATER + timedelta(days=90), **renewed)
    told.wait(days=20)
    assert not [e for e in told.left("reminder", "host.case") if e.step == "protection_order"]


def test_it_ends_no_escalation_by_a_skip() -> None:
    told = Told()
    told.wait(days=9)
    assert task_of(told, "screening").escalation == "open"
    assert told.refused("skip", "host.focal", step="screening") == "not-yours"
    assert task_of(told, "screening").is_open
    told.act("decide", "host.committee", step="screening", decision="cancel")
    assert task_of(told, "screening").state == "skipped"


def test_it_skips_a_vacant_rung_and_leaves_the_later_ones_their_dates() -> None:
    told = asked_for_tracing()
    due = task_of(told, "tracing").due_at
    assert due is not None
    for office in ("host.committee", "origin.focal"):
        found = replace(told.case.work.offices[office], vacant=True)
        told.act("world_post", "admin", office=found)
    told.wait(days=150)
    rungs = [e for e in told.events if isinstance(e, events.RungFired) and e.step == "tracing"]
    assert [(e.rung, (e.at.date() - due.date()).days) for e in rungs] == [
        *(("E1", 0), ("E3", 7), ("E4", 30), ("E5", 90))
    ]
    skipped = [e for e in told.events if isinstance(e, events.RungSkipped)]
    assert [(e.rung, e.why) for e in skipped if e.step == "tracing"] == [("E2", "vacant")]
