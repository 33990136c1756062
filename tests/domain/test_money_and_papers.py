"""Money and papers: what their outcomes need, what runs on, what does not hold up a return.

Each test stands for rule mutants of `tests/mutants/mutants.toml` (stories.md 2.2, 2.4, 3.9, 4.13).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from domain.case.reading import turn_of, waits_for
from domain.work import events
from domain.work.state import Task
from tests.scenario import Told

SUM = {"amount": "1", "currency": "THB"}
LATER = date(2026, 5, 4)
UNTIL = date(2026, 8, 3)
ASIDE = ("allowance", "claim", "payment_review", "bar_review")


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def due_on(told: Told, step: str) -> date:
    due = task_of(told, step).due_at
    assert due is not None, step
    return due.date()


def wanted() -> Told:
    """A victim who wants to claim."""
    told = Told()
    told.go_well("compensation_rights")
    told.complete("compensation_rights", "claim_wanted")
    return told


def ordered() -> Told:
    told = wanted()
    told.complete("claim", "ordered", result=SUM)
    return told


def approved() -> Told:
    told = Told()
    told.complete("identification", "victim")
    told.complete("allowance/subsistence/request", "requested")
    told.complete("allowance/subsistence/approval", "approved")
    return told


def refusal(told: Told, step: str, outcome: str, **fields: Any) -> str:
    by = task_of(told, step).holder
    return told.refused("complete", by, step=step, outcome=outcome, **fields)


# -- what an outcome needs


def test_it_takes_no_money_without_amount_and_currency() -> None:
    for told, step, outcome in (
        (approved(), "allowance/subsistence/payment", "paid"),
        (wanted(), "claim", "ordered"),
        (ordered(), "payment_review", "paid"),
    ):
        for name in SUM:
            rest = {key: value for key, value in SUM.items() if key != name}
            assert refusal(told, step, outcome, result=rest) == "missing-field", (step, name)
        assert refusal(told, step, outcome, result=SUM) == "", step


def test_it_takes_no_paper_without_its_last_day() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("travel_document")
    permit = {"step": "stay_permit", "outcome": "granted"}
    order = {"step": "protection_order", "outcome": "made"}
    for by, fields in (
        ("origin.embassy", {"step": "travel_document", "outcome": "issued"}),
        ("host.immigration", permit),
        ("host.case", order),
        ("host.immigration", {**permit, "step": "stay_permit/renewal"}),
        ("host.case", {"step": "protection_order/renewal", "outcome": "granted"}),
    ):
        assert told.refused("complete", by, **fields) == "missing-field", fields
        assert told.refused("complete", by, valid_until=UNTIL, **fields) == "", fields


def test_it_closes_no_case_without_a_second_person_in_either_way() -> None:
    told = ordered()
    for outcome in ("closed", "returned_legal_open"):
        closing = {"step": "closure", "outcome": outcome}
        assert told.refused("complete", "host.province", **closing) == "missing-field", outcome


def test_it_closes_no_case_while_a_legal_matter_is_open() -> None:
    closed = {"step": "closure", "outcome": "closed", "approved_by": "somebody"}
    barred = Told()
    barred.act("bar", "host.prosecutor", kind="warrant", review=LATER)
    lapsed = Told()
    lapsed.act("flag", "host.case", flag="protection_lapsed")
    reviewed = ordered()
    reviewed.complete("payment_review", "unpaid")
    for told in (barred, lapsed, wanted(), ordered(), reviewed):
        assert told.refused("complete", "host.province", **closed) == "legal-open"
    reviewed.complete("payment_review", "paid", result=SUM)
    barred.act("lift_bar", "host.prosecutor", kind="warrant")
    lapsed.act("unflag", "host.case", flag="protection_lapsed")
    for told in (reviewed, barred, lapsed):
        assert told.refused("complete", "host.province", **closed) == ""


def test_it_goes_on_as_legal_open_only_after_a_return() -> None:
    told = ordered()
    fields = {"step": "closure", "outcome": "returned_legal_open", "approved_by": "somebody"}
    assert told.refused("complete", "host.province", **fields) == "wrong-state"
    assert told.case.state == "open"


# -- who may not


def test_it_lets_nobody_pay_or_approve_what_they_asked_for_in_whatever_post() -> None:
    told = Told()
    told.complete("identification", "victim")
    step = "allowance/subsistence"
    told.complete(f"{step}/request", "requested", user="host.case.head")
    asker = told.case.work.offices["host.committee"]
    told.act("world_post", "admin", office=replace(asker, head="host.case.head"))
    act = {"step": f"{step}/approval", "outcome": "approved", "user": "host.case.head"}
    assert told.refused("complete", "host.committee", **act) == "own-request"
    told.act("world_post", "admin", office=asker)
    told.complete(f"{step}/approval", "approved")
    payer = told.case.work.offices["host.payer"]
    for user in ("host.case.head", "host.committee.head"):
        told.act("world_post", "admin", office=replace(payer, head=user))
        act = {"step": f"{step}/payment", "outcome": "paid", "user": user}
        assert told.refused("complete", "host.payer", result=SUM, **act) == "own-request", user


# -- what runs on during a hold


def test_it_looks_for_unpaid_money_and_renews_papers_during_a_hold() -> None:
    told = ordered()
    for by, step, outcome in (
        ("host.immigration", "stay_permit", "granted"),
        ("host.case", "protection_order", "made"),
    ):
        told.act("complete", by, step=step, outcome=outcome, valid_until=UNTIL)
    steps = ("payment_review", "stay_permit/renewal", "protection_order/renewal")
    due = [task_of(told, step).due_at for step in steps]
    told.act("hold", "host.case", until=LATER)
    assert task_of(told, "claim").outcome == "ordered"
    assert [task_of(told, step).due_at for step in steps] == due
    assert task_of(told, "allowance/subsistence/request").due_at is None


def test_it_counts_a_renewal_back_from_the_end_of_the_paper() -> None:
    told = Told()
    told.act(
        "complete", "host.immigration", step="stay_permit", outcome="granted", valid_until=UNTIL
    )
    assert due_on(told, "stay_permit/renewal") == date(2026, 6, 4)
    sunday = date(2026, 8, 9)
    order = {"step": "protection_order", "outcome": "made"}
    told.act("complete", "host.case", valid_until=sunday, **order)
    assert due_on(told, "protection_order/renewal") == date(2026, 8, 7)
    assert task_of(told, "protection_order/renewal").holder == "host.case"
    assert task_of(told, "stay_permit/renewal").holder == "host.immigration"


def test_it_warns_thirty_fourteen_and_seven_days_before_an_order_ends() -> None:
    told = Told()
    told.act("complete", "host.case", step="protection_order", outcome="made", valid_until=UNTIL)
    told.wait(days=200)
    found = [
        (event.rung if isinstance(event, events.RungFired) else "E0", event.at.date())
        for event in told.events
        if isinstance(event, events.RungFired | events.Reminded)
        and event.step == "protection_order"
    ]
    assert found == [
        ("E0", date(2026, 7, 4)),
        ("E3", date(2026, 7, 20)),
        ("E5", date(2026, 7, 27)),
    ]
    told_of_it = {
        e.to for e in told.events if isinstance(e, events.MessageReleased) and e.kind == "lapsed"
    }
    assert told_of_it == {"host.focal", "origin.focal", "ngo"}


# -- what stands aside


def test_it_speaks_of_no_money_and_no_review_while_another_step_is_open() -> None:
    requested, paid, barred = Told(), approved(), Told()
    requested.complete("identification", "victim")
    requested.complete("allowance/subsistence/request", "requested")
    paid.complete("allowance/subsistence/payment", "paid", result=SUM)
    barred.act("bar", "host.prosecutor", kind="court", review=LATER)
    for told, step in (
        (requested, "allowance/subsistence/approval"),
        (approved(), "allowance/subsistence/payment"),
        (paid, "allowance/subsistence/receipt"),
        (wanted(), "claim"),
        (ordered(), "payment_review"),
        (barred, "bar_review"),
    ):
        told.go_well("payment_review")
        told.wait(days=400)
        assert task_of(told, step).is_open, step
        assert waits_for(told.case, told.at).step.startswith(ASIDE), step
        told.act("return", "host.case", step="needs")  # due long after all of them
        assert waits_for(told.case, told.at).step == "needs", step
        assert turn_of(told.case, task_of(told, "needs")) == "host"
