"""What a consent guards, what is bare of it, and what a word of hers brings with it (stories.md 4.2).

Each test stands for a rule mutant of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.case import consent
from domain.case.release import may_leave
from domain.work import events
from domain.work.calendar import Calendar
from domain.work.state import Message, Task
from tests.scenario import PURPOSES, Told

BARE = {"reference", "step", "late_days"}


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def home_again(told: Told) -> Told:
    told.go_well("handover")
    told.plan()
    told.go_well("handover")
    assert told.case.handover is not None
    told.at = told.case.handover.at
    told.go_well("handover", rounds=1)
    told.act("complete", "escort", step="handover", outcome="handed_over")
    return told


def grown_up(*purposes: str) -> Told:
    told = Told()
    told.yes(*purposes)
    return home_again(told)


def a_child(*purposes: str) -> Told:
    told = Told(adult_on=date(2032, 1, 1))
    told.complete("guardian", "appointed")
    told.complete("best_interests", "approved")
    for purpose in purposes:
        told.act("consent", "host.case", for_="guardian", purpose=purpose)
    return home_again(told)


def test_it_sends_no_feedback_without_a_yes_to_reporting() -> None:
    others = [purpose for purpose in PURPOSES if purpose != "reporting"]
    for told, visit in ((grown_up(*others), "1m"), (a_child(*others), "18m")):
        told.act("complete", "origin.province", step=f"follow_up/{visit}", outcome="safe")
        feedback = {"step": f"feedback/{visit}", "outcome": "sent"}
        assert told.refused("complete", "origin.focal", **feedback) == "no-consent"
        assert task_of(told, f"feedback/{visit}").is_open
        said = "guardian" if visit == "18m" else "person"
        told.act("consent", "host.case", for_=said, purpose="reporting")
        assert told.refused("complete", "origin.focal", **feedback) == ""
        assert len(told.left("feedback", "host.focal")) == 1


def test_it_sends_no_feedback_after_a_no_to_reporting() -> None:
    told = grown_up(*PURPOSES)
    told.act("complete", "origin.province", step="follow_up/1m", outcome="safe")
    told.act("withdraw_consent", "person", purpose="reporting")
    feedback = {"step": "feedback/1m", "outcome": "sent"}
    assert told.refused("complete", "origin.focal", **feedback) == "no-consent"
    assert not told.left("feedback", "host.focal")
    message = Message(0, "feedback", "feedback/1m", "origin.province", (), told.at)
    assert may_leave(told.case, message, told.at).why == "no consent reporting"


def test_it_asks_each_sending_step_for_the_consent_of_its_own_purpose() -> None:
    steps = {
        "tracing_request": ("host.case", "sent", "tracing"),
        "verification_request": ("host.focal", "sent", "notify_state"),
    }
    for step, (by, outcome, purpose) in steps.items():
        told = Told()
        told.yes(*PURPOSES, "services", "share")
        told.act("withdraw_consent", "person", purpose=purpose)
        assert told.refused("complete", by, step=step, outcome=outcome) == "no-consent", step
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit_with_escort")
    told.act("withdraw_consent", "person", purpose="medical")
    bed = {"step": "bed", "outcome": "confirmed"}
    assert told.refused("complete", "origin.health", **bed) == "no-consent"


def test_it_lets_notice_and_manifest_leave_under_the_consent_to_return() -> None:
    told = Told()
    told.yes("tracing", "notify_state", "return")
    told.go_well()
    told.plan(days=2)
    told.go_well()
    assert told.left("notice", "origin.focal")
    assert told.left("manifest", "origin.focal")


def test_it_lets_share_reach_everybody() -> None:
    told = Told()
    message = Message(0, "narrative", "needs", "ngo", (), told.at)
    assert may_leave(told.case, message, told.at).why == "no consent share"
    told.yes("share")
    assert may_leave(told.case, message, told.at).may


def test_it_carries_no_more_than_reference_step_and_days_late_in_what_needs_no_consent() -> None:
    told = Told()
    for kind in ("reminder", "rung", "decision", "told", "postponed", "lapsed"):
        message = Message(0, kind, "tracing", "origin.focal", (), told.at)
        assert set(may_leave(told.case, message, told.at).carries) <= BARE, kind
    offer = Message(0, "offer", "tracing", "origin.focal", (), told.at)
    assert set(may_leave(told.case, offer, told.at).carries) == {"reference", "step", "due"}


def test_it_carries_in_a_request_what_the_lists_of_the_contract_name() -> None:
    told = Told()
    told.yes(*PURPOSES, "photo")
    asked = Message(0, "request", "verification_request", "origin.identity", (), told.at)
    found = set(may_leave(told.case, asked, told.at).carries)
    assert found == {
        "reference",
        "names",
        "birth_date",
        "age",
        "relatives",
        "places",
        "document_numbers",
        "photo",
    }
    extract = Message(0, "extract", "bed", "origin.health", (), told.at)
    medical = {"reference", "needs", "health", "medicine"}
    assert set(may_leave(told.case, extract, told.at).carries) == medical
    rescue = Told("la-th")
    asked = Message(0, "request", "rescue_request", "host.province", (), rescue.at)
    carried = {"reference", "names", "places", "needs"}
    assert set(may_leave(rescue.case, asked, rescue.at).carries) == carried


def test_it_tells_her_country_neither_of_a_search_nor_of_a_handover() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("tracing_request")
    told.act("flag", "host.case", flag="do_not_notify_state")
    for step, by in (
        ("tracing_request", "host.case"),
        ("verification_request", "host.focal"),
        ("notice", "host.focal"),
    ):
        fields = {"step": step, "outcome": "sent"}
        assert told.refused("complete", by, **fields) == "do-not-notify", step
    assert task_of(told, "tracing_request").state == "waiting"


def test_it_takes_a_new_yes_as_a_confirmation() -> None:
    told = Told()
    told.yes("return")
    told.wait(hours=80)
    assert not told.open("consent")
    told.yes("return")
    assert told.open("consent")


def test_it_opens_no_gate_with_a_refused_paper_or_a_bed_of_another_fitness() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("travel_document")
    told.complete("travel_document", "refused")
    told.act("skip", "host.focal", step="travel_document")
    assert not told.open("document")
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "not_fit")
    told.plan(days=2)
    told.act("skip", "host.focal", step="fitness")
    assert not told.open("fitness")


def test_it_keeps_a_bed_for_a_later_word_of_the_same_plan() -> None:
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit_with_escort")
    told.complete("bed", "confirmed")
    told.act("return", "host.case", step="fitness")
    told.complete("fitness", "fit_with_escort")
    told.wait(minutes=10)
    assert [task.state for task in told.case.work.tasks["bed"]] == ["done"]
    assert told.open("fitness")
    assert len(told.left("extract", "origin.health")) == 1


def test_it_takes_the_consent_with_a_refusal_at_the_border_from_either_country() -> None:
    for corridor, home, by in (("th-la", "host", "escort"), ("la-th", "origin", "origin.province")):
        for outcome, live in (("refused", False), ("absent", True)):
            told = Told(corridor)
            told.act("consent", f"{home}.case", for_="person", purpose="return")
            if corridor == "th-la":
                told.yes(*PURPOSES)
                told.go_well("handover")
            day = told.at + timedelta(days=2)
            told.act("plan_handover", f"{home}.focal", day=day, crossing="m")
            told.act("complete", by, step="handover", outcome=outcome)
            assert told.case.handover is None, (corridor, outcome)
            kept = [c for c in told.case.person.consents if c.purpose == "return"]
            assert all((c.withdrawn_at is None) is live for c in kept), (corridor, outcome)


def test_it_keeps_the_other_keys_of_a_result_as_they_are() -> None:
    told = Told()
    happened = told.complete("report", "accepted", result={"channel": "letter", "pages": "3"})
    done = next(e for e in happened if isinstance(e, events.TaskDone))
    assert done.fields == {"channel": "letter", "pages": "3"}


def test_it_misses_a_purpose_a_receiver_and_a_kind() -> None:
    told = Told()
    assert told.refused("consent", "host.case", for_="person") == "missing-field"
    assert told.refused("withdraw_consent", "host.case") == "missing-field"
    assert told.refused("reassign", "host.focal", step="screening") == "missing-field"
    assert told.refused("bar", "host.case", review=date(2026, 5, 4)) == "missing-field"
    assert told.refused("flag", "host.case") == "missing-field"


def test_it_tells_who_held_a_task_that_the_case_is_cancelled() -> None:
    told = Told()
    told.act("cancel", "host.case")
    assert [e.about for e in told.left("told", "host.immigration")] == ["cancelled"]


def test_it_offers_closure_when_no_state_protects_her() -> None:
    told = Told()
    told.yes("notify_state")
    told.go_well("verification")
    told.complete("verification", "refused")
    evidence = {"step": "verification_request", "outcome": "sent", "evidence": "text:e"}
    told.act("complete", "host.focal", **evidence)
    told.complete("verification", "refused")
    told.complete("protection_route", "refused")
    assert task_of(told, "closure").is_open


def test_it_raises_the_exit_while_she_is_still_inside() -> None:
    told = Told("la-th")
    told.complete("report", "accepted")
    told.complete("rescue_request", "sent")
    told.complete("rescue_acknowledgement", "acknowledged")
    told.act("flag", "origin.case", flag="in_danger")
    assert task_of(told, "exit").danger
    told.complete("exit", "out")
    assert told.case.work.newest("placement") is None


def test_it_ends_a_consent_at_the_midnight_of_the_place_where_she_is() -> None:
    told = Told()
    told.act("world_calendar", "admin", calendar=Calendar("LA", zone_minutes=480))
    told.yes(*PURPOSES)
    day = told.case.person.consents[0].until
    before = consent.ends_at(told.case, told.case.person.consents[0])
    home_again(told)
    after = consent.ends_at(told.case, told.case.person.consents[0])
    assert before == Calendar("TH").end_of(day)
    assert after == before - timedelta(hours=1)
