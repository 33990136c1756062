"""Who may steer, record, and do with a task what only its holder may (stories.md 2.3, 4.1).

Each test stands for mutants of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.work.state import Task
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)
STEERING = ("home.case", "home.province", "home.focal")
NOT_STEERING = (
    *("home.shelter", "home.desk", "home.committee", "home.national"),
    *("away.case", "away.province", "away.focal", "ngo", "escort", "person", "guardian"),
)
ACTS: dict[str, dict[str, Any]] = {
    "hold": {"until": LATER},
    "resume": {},
    "extend": {"step": "screening", "due": LATER},
    "reassign": {"step": "screening", "to": "ngo"},
    "skip": {"step": "screening"},
    "correct": {"fact": "sex", "value": "female"},
    "cancel": {},
    "reopen": {},
    "plan_handover": {"day": date(2026, 2, 9), "crossing": "m"},
    "withdraw": {"step": "screening"},
    "return": {"step": "report"},
}


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def ready_for(act: str, corridor: str) -> Told:
    """A case in which this act would be taken from whoever may do it."""
    home = "origin" if corridor == "la-th" else "host"
    told = Told(corridor)
    told.complete("report", "accepted")
    if corridor == "th-la" and act == "plan_handover":
        told.yes(*PURPOSES)
        told.go_well()
    if act == "plan_handover":
        told.act("consent", f"{home}.case", for_="person", purpose="return")
    if act == "resume":
        told.act("hold", f"{home}.focal", until=LATER)
    if act == "reopen":
        told.act("cancel", f"{home}.focal")
    return told


def office(role: str, corridor: str) -> str:
    home, away = ("origin", "host") if corridor == "la-th" else ("host", "origin")
    return role.replace("home.", f"{home}.").replace("away.", f"{away}.")


def test_it_lets_case_province_and_focal_steer_and_nobody_else() -> None:
    for corridor, act in [(c, a) for c in ("th-la", "la-th") for a in ACTS]:
        fields = dict(ACTS[act])
        if corridor == "la-th" and fields.get("step") == "screening":
            fields["step"] = "rescue_request"  # which the province itself holds
        for role in (*STEERING, *NOT_STEERING):
            if (corridor, act, role) == ("la-th", "extend", "home.province"):
                continue  # nobody extends what they hold themselves
            told = ready_for(act, corridor)
            refused = told.refused(act, office(role, corridor), **fields)
            assert refused == ("not-yours" if role in NOT_STEERING else ""), (corridor, act, role)


def test_it_lets_case_and_focal_record_for_the_other_side_and_nobody_else() -> None:
    for by, said in (
        *(("host.case", ""), ("host.focal", "")),
        *(("host.province", "not-yours"), ("host.desk", "not-yours"), ("ngo", "not-yours")),
    ):
        told = Told()
        told.yes("tracing")
        told.go_well("tracing_acknowledgement")
        done = {"step": "tracing_acknowledgement", "outcome": "acknowledged"}
        for other in ("origin.case", "origin.tracing", "host.shelter"):
            assert told.refused("complete", by, for_=other, **done) == "not-yours", (by, other)
        assert told.refused("complete", "origin.focal", for_="origin.case", **done) == "not-yours"
        assert told.refused("complete", by, for_="origin.focal", **done) == said, by


def test_it_takes_from_the_holder_only_what_a_holder_does() -> None:
    told = Told()
    for by in ("host.case", "host.focal", "host.shelter", "ngo"):
        for act, fields in (
            ("accept", {}),
            ("decline", {}),
            ("promise", {"day": LATER}),
            ("complete", {"outcome": "presumed_victim"}),
        ):
            assert told.refused(act, by, step="screening", **fields) == "not-yours", (by, act)
    for act, fields in (("accept", {}), ("promise", {"day": LATER}), ("decline", {})):
        assert told.refused(act, "host.immigration", step="screening", **fields) == "", act


def test_it_gives_a_task_back_only_where_somebody_is_there() -> None:
    for act, by in (("decline", "host.immigration"), ("withdraw", "host.focal")):
        told = Told()
        desk = told.case.work.offices["host.case"]
        told.act("world_post", "admin", office=replace(desk, vacant=True))
        assert told.refused(act, by, step="screening") == "nobody-there"
        told.act("world_post", "admin", office=replace(desk, vacant=True, deputy="stands.in"))
        assert told.refused(act, by, step="screening") == ""
        assert task_of(told, "screening").holder == "host.case"
        assert told.left("offer", "host.case")


def test_it_lets_a_focal_reassign_what_its_own_side_holds() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing", "return_decision")
    act = {"to": "origin.province", "step": "tracing"}
    assert told.refused("reassign", "origin.focal", **act) == ""
    assert task_of(told, "tracing").holder == "origin.province"
    told = Told()
    assert told.refused("reassign", "origin.focal", to="ngo", step="screening") == "not-yours"


def test_it_reassigns_a_step_to_come() -> None:
    told = Told()
    told.act("reassign", "host.focal", step="rights", to="ngo")
    told.go_well("rights")
    assert task_of(told, "rights").holder == "ngo"
    assert task_of(told, "needs").holder == "host.shelter"


def test_it_lets_nobody_extend_what_they_hold_themselves_in_whatever_post() -> None:
    told = Told()
    held = told.case.work.offices["host.immigration"]
    told.act("world_post", "admin", office=replace(held, head="host.focal.head"))
    extend = {"step": "screening", "due": LATER}
    assert told.refused("extend", "host.focal", **extend) == "not-yours"
    assert told.refused("extend", "host.case", **extend) == ""


def test_it_lets_the_deputy_sign_while_the_post_is_vacant_only() -> None:
    told = Told()
    desk = replace(told.case.work.offices["host.desk"], deputy="stands.in")
    report = {"step": "report", "outcome": "accepted"}
    told.act("world_post", "admin", office=desk)
    assert told.refused("complete", "host.desk", user="stands.in", **report) == "not-yours"
    told.act("world_post", "admin", office=replace(desk, vacant=True))
    assert told.refused("complete", "host.desk", **report) == "not-yours"
    assert told.refused("complete", "host.desk", user="stands.in", **report) == ""


def test_it_keeps_a_bar_with_its_owner_and_the_review_with_who_set_it() -> None:
    told = Told()
    told.act("bar", "host.case", kind="witness", owner="host.prosecutor", review=LATER)
    review = task_of(told, "bar_review")
    assert (told.case.person.bars["witness"].owner, review.holder) == (
        "host.prosecutor",
        "host.case",
    )
    told.act("bar", "host.police", kind="warrant", review=LATER)
    assert told.case.person.bars["warrant"].owner == "host.police"
    told.act("hold", "host.province", until=LATER)
    assert task_of(told, "hold_review").holder == "host.province"


# -- what an act cannot do without


def test_it_misses_the_day_that_an_act_needs() -> None:
    told = Told()
    for act, by, fields in (
        ("hold", "host.case", {}),
        ("extend", "host.focal", {"step": "screening"}),
        ("bar", "host.prosecutor", {"kind": "court"}),
        ("promise", "host.immigration", {"step": "screening"}),
        ("plan_handover", "host.focal", {"crossing": "m"}),
        ("alarm", "host.desk", {"step": "screening"}),
    ):
        assert told.refused(act, by, **fields) == "missing-field", act
    assert (told.case.work.on_hold, told.case.person.bars, told.case.newest_handover) == (
        False,
        {},
        None,
    )
    told.act("hold", "host.case", until=LATER)
    keep = {"step": "hold_review", "outcome": "keep"}
    assert told.refused("complete", "host.case", **keep) == "missing-field"
    assert told.refused("complete", "host.case", until=LATER, **keep) == ""


def test_it_misses_what_a_decision_needs() -> None:
    told = Told()
    told.wait(days=9)
    decide = {"step": "screening", "by": "host.committee"}
    for decision in ("extend", "reassign"):
        assert told.refused("decide", decision=decision, **decide) == "missing-field", decision
    assert task_of(told, "screening").escalation == "open"
    assert told.refused("decide", decision="reassign", to="ngo", **decide) == ""


def test_it_takes_no_day_that_is_past() -> None:
    told = Told()
    past = told.at.date() - timedelta(days=1)
    for act, by, fields in (
        ("hold", "host.case", {"until": past}),
        ("extend", "host.focal", {"step": "screening", "due": past}),
        ("bar", "host.prosecutor", {"kind": "court", "review": past}),
        ("promise", "host.immigration", {"step": "screening", "day": past}),
        ("consent", "host.case", {"purpose": "tracing", "for_": "person", "until": past}),
    ):
        assert told.refused(act, by, **fields) == "invalid-field", act


def test_it_does_not_end_a_hold_by_itself() -> None:
    told = Told()
    held = told.at.date() + timedelta(days=5)
    told.act("hold", "host.case", until=held)
    told.wait(days=200)
    assert told.case.work.on_hold
    review = task_of(told, "hold_review")
    assert (review.is_open, review.rung) == (True, "E5")
    assert isinstance(review.due_at, datetime)
    assert task_of(told, "report").left is not None


# -- a yes and a no


def test_it_hears_a_yes_from_who_asks_for_it_and_from_herself() -> None:
    for by in ("host.case", "host.province", "host.focal", "person", "guardian"):
        told = Told()
        assert told.refused("consent", by, for_="person", purpose="tracing") == "", by
    for by in ("host.shelter", "origin.focal", "ngo", "escort"):
        told = Told()
        assert told.refused("consent", by, for_="person", purpose="tracing") == "not-yours", by


def test_it_hears_a_no_and_an_alarm_from_anybody() -> None:
    for by in ("host.shelter", "origin.province", "ngo", "escort", "person", "guardian"):
        told = Told()
        told.yes("tracing")
        assert told.refused("alarm", by, step="screening", kind="gone") == "", by
        assert told.refused("withdraw_consent", by, purpose="tracing") == "", by
        assert [c.withdrawn_at for c in told.case.person.consents] == [told.at], by
