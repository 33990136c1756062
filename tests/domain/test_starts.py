"""What starts a step and what does not: of several outcomes only the one that the contract names.

Each test stands for rule mutants of `tests/mutants/mutants.toml` (stories.md 2.2).
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.work.state import Task
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)
SUM = {"amount": "1", "currency": "THB"}


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def made(told: Told, *prefixes: str) -> list[str]:
    """The steps of these names that were ever offered."""
    return sorted(
        step
        for step, attempts in told.case.work.tasks.items()
        if step.startswith(prefixes) and any(task.state != "waiting" for task in attempts)
    )


def decided(outcome: str) -> Told:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("return_decision")
    told.complete("return_decision", outcome)
    told.wait(hours=1)
    return told


def test_it_plans_a_return_only_for_who_decided_to_return() -> None:
    after = ("return_plan", "travel_document", "exit_clearance")
    assert made(decided("return"), *after) == ["return_plan", "travel_document"]
    for outcome in ("stay", "third_country"):
        assert made(decided(outcome), *after) == [], outcome


def test_it_asks_for_papers_only_once_her_state_has_confirmed_her() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("verification", "return_decision")
    told.complete("verification", "refused")
    told.complete("return_decision", "return")
    assert made(told, "return_plan", "travel_document") == ["return_plan"]


def test_it_opens_allowances_and_compensation_for_a_victim_only() -> None:
    for outcome, count in (("victim", 5), ("not_victim", 0), ("undetermined", 0)):
        told = Told()
        told.complete("identification", outcome)
        assert len(made(told, "allowance/", "compensation_rights")) == count, outcome


def test_it_claims_only_what_she_wants_and_looks_only_for_what_was_ordered() -> None:
    for outcome, found in (("no_claim", []), ("claim_wanted", ["claim"])):
        told = Told()
        told.go_well("compensation_rights")
        told.complete("compensation_rights", outcome)
        assert made(told, "claim") == found, outcome
    for outcome in ("dismissed", "withdrawn", "pending"):
        told = Told()
        told.go_well("compensation_rights")
        told.complete("compensation_rights", "claim_wanted")
        told.complete("claim", outcome)
        assert made(told, "payment_review") == [], outcome
    told.complete("claim", "ordered", result=SUM)
    assert made(told, "payment_review") == ["payment_review"]


def test_it_pays_only_what_was_approved() -> None:
    told = Told()
    told.complete("identification", "victim")
    told.complete("allowance/subsistence/request", "requested")
    told.complete("allowance/subsistence/approval", "refused")
    told.wait(hours=1)
    assert made(told, "allowance/subsistence/") == [
        "allowance/subsistence/approval",
        "allowance/subsistence/request",
    ]


def test_it_follows_only_who_was_handed_over() -> None:
    after = ("certificate", "reception", "reunification", "follow_up", "closure")
    for outcome in ("absent", "held", "refused"):
        told = Told()
        told.ready("handover")
        told.complete("handover", outcome)
        told.wait(days=1)
        assert made(told, *after) == [], outcome


def test_it_asks_for_reunification_once_she_has_arrived() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.complete("reception", "not_arrived")
    assert made(told, "reunification") == []
    told.complete("reception", "arrived")
    assert task_of(told, "reunification").holder == "origin.province"


def test_it_asks_for_a_permit_when_she_stays_or_is_a_witness() -> None:
    assert made(decided("stay"), "stay_permit") == ["stay_permit"]
    assert made(decided("return"), "stay_permit") == []
    for kind, found in (("witness", ["stay_permit"]), ("warrant", []), ("court", [])):
        told = Told()
        told.act("bar", "host.prosecutor", kind=kind, review=LATER)
        assert made(told, "stay_permit") == found, kind


def test_it_searches_a_second_time_only_where_nobody_was_found() -> None:
    for outcome, found in (("not_found", ["second_tracing"]), ("family_refuses", [])):
        told = Told()
        told.yes("tracing")
        told.go_well("tracing", "return_decision")
        told.complete("tracing", outcome)
        assert made(told, "second_tracing") == found, outcome


def test_it_keeps_the_other_yeses_of_who_says_no_on_the_day() -> None:
    for step, outcome in (("voluntariness", "no"), ("handover", "refused")):
        told = Told()
        told.yes("services")
        told.ready("voluntariness", "handover")
        told.complete(step, outcome)
        taken = {c.purpose for c in told.case.person.consents if c.withdrawn_at is not None}
        assert taken == {"return"}, step


def test_it_waits_for_no_answer_about_a_child_whose_country_is_not_told() -> None:
    told = Told(adult_on=date(2032, 1, 1), flags=("do_not_notify_state",))
    told.go_well("return_decision")
    assert task_of(told, "return_decision").is_open


def test_it_clears_her_to_leave_after_the_paper_and_without_a_bar() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("travel_document")
    assert made(told, "exit_clearance") == []
    told.act("bar", "host.prosecutor", kind="court", review=LATER)
    told.complete("travel_document", "issued", valid_until=told.at.date() + timedelta(days=80))
    assert made(told, "exit_clearance") == []
    told.act("lift_bar", "host.prosecutor", kind="court")
    assert task_of(told, "exit_clearance").holder == "host.immigration"
