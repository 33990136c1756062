"""Rules of stories.md parts 3 and 4 that no story shows by itself: one small case each.

Each test stands for a mutant of `tests/mutants/`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.case import gates
from domain.case.reading import is_stalled, seen_by
from domain.case.release import may_leave
from domain.work import events
from domain.work.calendar import Calendar
from domain.work.deadlines import add_months
from domain.work.state import Message, Task
from tests.scenario import PURPOSES, Told

CHILD = date(2032, 1, 1)
FRIDAY = datetime(2026, 2, 6, 2, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 2, 8, 2, 0, tzinfo=UTC)
CLOSING = timedelta(hours=9, minutes=30)  # 16:30 at +07:00


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def due_of(told: Told, step: str) -> datetime:
    due = task_of(told, step).due_at
    assert due is not None, step
    return due


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# -- 3: time


def test_it_refuses_what_happened_before_its_step_began() -> None:
    told = Told()
    told.wait(days=1)
    fields = {"step": "screening", "outcome": "presumed_victim"}
    before = told.case.opened_at
    assert before is not None
    early = before - timedelta(hours=1)
    assert told.refused("complete", "host.immigration", happened_at=early, **fields)
    assert told.refused("complete", "host.immigration", happened_at=before, **fields) == ""


def test_it_counts_a_month_from_the_31st_to_the_last_day() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2028, 1, 31), 1) == date(2028, 2, 29)


def test_it_counts_the_calendar_of_the_office_it_was_made_for() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    told.act("decline", "origin.tracing", step="tracing")
    assert task_of(told, "tracing").holder == "host.case"
    due = due_of(told, "tracing")
    told.act("world_calendar", "admin", calendar=Calendar("TH", off=(due.date(),)))
    assert due_of(told, "tracing") == due
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=(due.date(),)))
    assert due_of(told, "tracing") == due + timedelta(days=1)


def test_it_never_rolls_a_legal_clock_nor_a_watch() -> None:
    legal = Told(opens=FRIDAY)
    assert due_of(legal, "identification") == datetime(2026, 2, 21, tzinfo=UTC) + CLOSING
    watch = Told(opens=SUNDAY, flags=("detained",))
    assert due_of(watch, "detained") == datetime(2026, 2, 15, tzinfo=UTC) + CLOSING


def test_it_opens_the_gate_on_the_last_day_of_a_paper_and_asks_for_the_day_planned() -> None:
    for days, is_open in ((1, False), (2, True)):
        told = Told()
        told.yes(*PURPOSES)
        told.go_well("travel_document")
        until = (told.at + timedelta(days=days)).date()
        told.complete("travel_document", "issued", valid_until=until)
        told.plan(days=2)
        assert gates.state(told.case, "document", told.at).open is is_open


def test_it_sends_no_reminder_for_a_clock_in_hours() -> None:
    told = Told()
    for step in ("report", "screening"):
        assert "E0" not in [pending.rung for pending in task_of(told, step).pending]


def test_it_raises_danger_on_the_placement() -> None:
    told = Told()
    told.go_well()
    told.act("flag", "host.case", flag="in_danger")
    assert task_of(told, "placement").danger
    assert not task_of(told, "report").danger


def test_it_raises_a_detained_child_to_the_top_at_once() -> None:
    assert task_of(Told(adult_on=CHILD, flags=("detained",)), "detained").rung == "E5"
    assert task_of(Told(flags=("detained",)), "detained").rung == "none"


def test_it_ends_a_given_due_date_at_closing_hour_and_does_not_roll_it() -> None:
    told = Told()
    told.act("extend", "host.focal", step="screening", due=date(2026, 2, 14))  # a Saturday
    assert due_of(told, "screening") == datetime(2026, 2, 14, tzinfo=UTC) + CLOSING


def test_it_lets_legal_clocks_run_and_keeps_minutes_during_a_hold() -> None:
    told = Told()
    legal = due_of(told, "identification")
    told.wait(hours=1, minutes=30)
    told.act("hold", "host.case", until=date(2026, 4, 1))
    assert due_of(told, "identification") == legal
    assert task_of(told, "report").due_at is None
    told.wait(days=3)
    told.act("resume", "host.case")
    assert due_of(told, "report") == told.at + timedelta(hours=2, minutes=30)


def test_it_skips_a_rung_whose_person_alone_got_the_one_before() -> None:
    told = Told()
    post = told.case.work.offices["host.committee"]
    chief = "host.immigration.supervisor.head"
    told.act("world_post", "admin", office=replace(post, head=chief))
    told.wait(days=9)
    skipped = [e for e in told.events if isinstance(e, events.RungSkipped)]
    ours = [e for e in skipped if e.step == "screening"]
    assert [e.rung for e in ours] == ["E2"]
    fired = [e for e in told.events if isinstance(e, events.RungFired) and e.step == "screening"]
    assert [(e.rung, e.at) for e in fired][-1] == ("E3", ours[0].at)


def test_it_counts_the_host_s_calendar_for_who_has_no_side() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("return_decision")
    due = due_of(told, "return_decision")
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=(due.date(),)))
    assert due_of(told, "return_decision") == due
    told.act("world_calendar", "admin", calendar=Calendar("TH", off=(due.date(),)))
    assert due_of(told, "return_decision") > due


def test_it_records_what_was_due_as_of_its_own_moment() -> None:
    told = Told()
    due = due_of(told, "screening")
    told.wait(days=60)
    fired = [e for e in told.events if isinstance(e, events.RungFired) and e.step == "screening"]
    assert [e.at - due for e in fired] == [timedelta(days=n) for n in (0, 7, 14, 30)]


# -- 4: who may


def test_it_lets_the_case_manager_record_for_the_other_side_only() -> None:
    told = Told()
    fields = {"step": "screening", "outcome": "presumed_victim", "for_": "host.immigration"}
    assert told.refused("complete", "host.case", **fields) == "not-yours"


def test_it_leaves_steering_to_three() -> None:
    told = Told()
    fields = {"step": "screening", "due": date(2026, 3, 2), "until": date(2026, 3, 2)}
    for office in ("host.desk", "host.shelter", "host.team", "origin.focal"):
        assert told.refused("extend", office, **fields) == "not-yours"
        assert told.refused("hold", office, **fields) == "not-yours"
    assert told.refused("extend", "host.province", **fields) == ""


def test_it_lets_a_focal_reassign_what_its_own_side_holds() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    fields = {"step": "tracing", "to": "origin.identity"}
    assert told.refused("reassign", "origin.embassy", **fields) == "not-yours"
    assert told.refused("reassign", "origin.focal", **fields) == ""
    assert task_of(told, "tracing").holder == "origin.identity"


def test_it_lets_nobody_extend_what_they_hold() -> None:
    told = Told()
    told.go_well("rights")
    fields = {"step": "rights", "due": date(2026, 3, 2)}
    assert told.refused("extend", "host.case", **fields) == "not-yours"
    post = told.case.work.offices["host.focal"]
    told.act("world_post", "admin", office=replace(post, head="host.case.head"))
    same = told.refused("extend", "host.focal", user="host.case.head", **fields)
    assert same == "not-yours"


def test_it_gives_a_consent_without_an_end_90_days() -> None:
    told = Told()
    told.yes("return")
    assert told.case.person.consents[-1].until == told.at.date() + timedelta(days=90)


def test_it_fires_no_rung_toward_her_country_when_that_must_not_be_told() -> None:
    told = Told(flags=("do_not_notify_state",))
    told.wait(days=100)
    fired = [e for e in told.events if isinstance(e, events.RungFired)]
    assert {e.rung for e in fired} == {"E1", "E2", "E3", "E4", "E5"}
    assert not [to for e in fired for to in e.to if to.startswith("origin.")]


def test_it_asks_for_a_consent_confirmed_in_the_last_72_hours_when_leaving() -> None:
    told = Told()
    told.yes("return")
    told.wait(hours=72)
    assert gates.state(told.case, "consent", told.at, leaving=True).open
    told.wait(hours=1)
    assert not gates.state(told.case, "consent", told.at, leaving=True).open
    assert gates.state(told.case, "consent", told.at).open


def test_it_makes_the_same_step_again_with_a_full_clock() -> None:
    again = {
        "placement": "declined",
        "identification": "undetermined",
        "return_plan": "not_agreed",
        "travel_document": "refused",
        "exit_clearance": "refused",
    }
    for step, outcome in again.items():
        told = Told()
        told.yes(*PURPOSES)
        told.go_well(step)
        told.wait(hours=2)
        told.complete(step, outcome)
        task = task_of(told, step)
        assert (task.state, task.attempt, task.started_at) == ("offered", 2, told.at), step


def test_it_ends_the_plan_by_what_stands_against_it() -> None:
    against = {
        "final_safety_host": ["no_go"],
        "final_safety_origin": ["no_go"],
        "notice_acceptance": ["refused"],
        "voluntariness": ["no"],
        "handover": ["absent", "refused", "held"],
    }
    for step, outcomes in against.items():
        for outcome in outcomes:
            told = Told()
            told.ready(step)
            told.complete(step, outcome)
            assert told.case.handover is None, f"{step} {outcome}"
            assert told.left("postponed", "origin.focal"), f"{step} {outcome}"


def test_it_closes_a_case_that_is_a_duplicate_or_not_ours() -> None:
    for outcome in ("duplicate", "not_ours"):
        told = Told()
        told.complete("report", outcome)
        assert told.case.state == "closed", outcome


def test_it_offers_closure_where_there_is_nothing_to_return() -> None:
    for step, outcome in (("identification", "not_victim"), ("return_decision", "third_country")):
        told = Told()
        told.yes("notify_state")
        told.go_well(step)
        told.complete(step, outcome)
        assert task_of(told, "closure").is_open, outcome


def test_it_waits_for_tracing_that_an_adult_asked_for() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("tracing")
    assert told.case.work.newest("return_decision") is None
    told.complete("tracing", "found_safe")
    assert task_of(told, "return_decision").is_open


def test_it_names_no_excluded_office_as_receiver_of_a_rung() -> None:
    told = Told(flags=("conflict:host.committee",))
    told.wait(days=20)
    fired = [e for e in told.events if isinstance(e, events.RungFired)]
    assert "E3" in {e.rung for e in fired}
    assert "host.committee" not in {to for e in fired for to in e.to}


def test_it_asks_for_tracing_anew_after_contact_was_lost_and_she_said_yes_again() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.go_well("follow_up/1m", "follow_up/3m", "follow_up/6m", "follow_up/12m", rounds=2)
    told.wait(days=100)
    told.complete("follow_up/3m", "lost_contact")
    told.wait(days=1)
    assert not task_of(told, "tracing_request").is_open
    told.yes("tracing")
    assert task_of(told, "tracing_request").is_open


def test_it_ends_the_step_and_not_the_case_when_a_decider_cancels() -> None:
    told = Told()
    told.wait(days=9)
    told.act("decide", "host.committee", step="screening", decision="cancel")
    assert task_of(told, "screening").state == "skipped"
    assert told.case.state == "open"


def test_it_asks_for_a_reason() -> None:
    told = Told()
    fields = {"until": date(2026, 3, 2), "step": "screening", "to": "host.team", "reason": ""}
    for do in ("hold", "reassign", "cancel", "skip"):
        assert told.refused(do, "host.focal", **fields) == "missing-field", do


# -- what may be told


def test_it_tells_no_more_than_the_lists_of_the_contract() -> None:
    told = Told()
    told.ready()
    manifest = told.left("manifest", "origin.focal")[0]
    assert set(manifest.carries) == {"reference", "names", "document_numbers"}
    feedback = Message(0, "feedback", "feedback/1m", "origin.province", (), told.at)
    assert set(may_leave(told.case, feedback, told.at).carries) == {"reference", "outcome"}


def test_it_shows_in_an_offer_no_more_than_a_consent_lets_cross() -> None:
    told = Told()
    offer = Message(0, "offer", "tracing", "origin.tracing", (), told.at)
    assert set(may_leave(told.case, offer, told.at).carries) == {"reference", "step", "due"}
    told.yes("tracing")
    assert "names" in may_leave(told.case, offer, told.at).carries


def test_it_sends_the_medical_extract_to_the_clinic_only() -> None:
    told = Told()
    told.ready("fitness")
    told.yes("medical", receiver="origin.focal")
    told.complete("fitness", "fit_with_escort")
    told.complete("bed", "confirmed")
    assert len(told.left("extract", "origin.health")) == 1
    everybody = [e.to for e in told.events if isinstance(e, events.MessageReleased)]
    assert "origin.focal" in everybody
    assert not told.left("extract", "origin.focal")


def test_it_shows_the_warrant_to_nobody_who_holds_a_task() -> None:
    told = Told(flags=("warrant",))
    words = seen_by(told.case, "host.immigration", "task", told.at)
    assert "screening" in words
    assert "warrant" not in words


def test_it_counts_silence_as_standing_still() -> None:
    told = Told()
    assert not is_stalled(told.case, told.at)
    told.wait(days=2)
    assert task_of(told, "screening").escalation == "none"
    assert is_stalled(told.case, told.at)
