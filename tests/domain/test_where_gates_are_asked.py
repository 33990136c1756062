"""Every gate is asked at departure and at the handover, in every corridor (stories.md 2.1, 4.3, 4.4).

Each test stands for mutants of `rules/gates.toml` or of what it asks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from domain.case import gates
from tests.builders import with_procedure
from tests.scenario import PURPOSES, Told

LATER = date(2026, 5, 4)
CORRIDORS = ("th-la", "th-vn")
LEFT_OUT = {
    "document": "travel_document",
    "legal": "exit_clearance",
    "safety": "final_safety_origin",
    "fitness": "fitness",
    "receiving": "notice_acceptance",
    "reintegration": "return_plan",
    "compensation": "compensation_rights",
}
HAND_OVER = {"step": "handover", "outcome": "handed_over"}


def shut(told: Told) -> list[str]:
    return [gate for gate in gates.ALL if not told.open(gate)]


def test_it_asks_each_gate_at_departure_and_at_the_handover() -> None:
    for corridor, gate in [(c, g) for c in CORRIDORS for g in LEFT_OUT]:
        told = Told(corridor)
        told.ready("handover", LEFT_OUT[gate])
        asked = ["document", "legal"] if gate == "document" else [gate]
        assert shut(told) == asked
        assert told.refused("depart", "escort") == "closed-gate"
        assert told.refused("complete", "escort", **HAND_OVER) == "closed-gate"


def test_it_leaves_only_with_a_yes_confirmed_in_the_last_72_hours() -> None:
    for corridor in CORRIDORS:
        told = Told(corridor)
        told.yes(*PURPOSES)
        told.go_well()
        told.plan(days=4)
        told.wait(days=3, minutes=1)
        told.go_well("voluntariness", "handover")
        assert shut(told) == ["consent"]
        assert told.refused("depart", "escort") == "closed-gate"
        assert told.refused("complete", "escort", **HAND_OVER) == "closed-gate"
        told.yes("return")
        assert told.refused("depart", "escort") == ""
        assert told.refused("complete", "escort", **HAND_OVER) == ""


def test_it_leaves_and_hands_over_once_all_is_open() -> None:
    for corridor in CORRIDORS:
        told = Told(corridor)
        told.ready("handover")
        assert shut(told) == []
        assert told.refused("depart", "escort") == ""
        assert told.refused("complete", "escort", **HAND_OVER) == ""


def test_it_plans_with_identity_open_and_no_bar_and_asks_the_rest_later() -> None:
    for corridor in CORRIDORS:
        last = "verification_central" if corridor == "th-vn" else "verification"
        procedure = {"day": date(2026, 3, 9), "crossing": "m"}
        told = Told(corridor)
        told.yes(*PURPOSES)
        told.go_well(last, "return_decision")
        assert told.refused("plan_handover", "host.focal", **procedure) == "closed-gate"
        told.complete(last, "confirmed")
        told.act("bar", "host.prosecutor", kind="court", review=LATER)
        assert told.refused("plan_handover", "host.focal", **procedure) == "closed-gate"
        told.act("lift_bar", "host.prosecutor", kind="court")
        assert {"document", "legal", "safety", "fitness", "receiving"} <= set(shut(told))
        assert told.refused("plan_handover", "host.focal", **procedure) == ""


def test_it_asks_consent_and_crossing_alone_of_who_comes_home_to_thailand() -> None:
    told = Told("la-th")
    told.act("bar", "origin.police", kind="court", review=LATER)
    procedure = {"day": told.at + timedelta(days=4), "crossing": "m"}
    assert told.refused("plan_handover", "origin.focal", **procedure) == "no-consent"
    told.act("consent", "origin.case", for_="person", purpose="return")
    told.act("world_crossing", "admin", crossing="m", status="closed")
    assert told.refused("plan_handover", "origin.focal", **procedure) == "closed-gate"
    told.act("world_crossing", "admin", crossing="m", status="open")
    assert told.refused("plan_handover", "origin.focal", **procedure) == ""
    told.wait(days=4)
    assert shut(told) == ["consent"]
    assert told.refused("depart", "origin.province") != ""
    assert told.refused("depart", "origin.case") == "closed-gate"
    assert told.refused("complete", "origin.province", **HAND_OVER) == "closed-gate"
    told.act("consent", "origin.case", for_="person", purpose="return")
    assert told.refused("depart", "origin.case") == ""
    assert told.refused("complete", "origin.province", **HAND_OVER) == ""


def test_it_stays_shut_over_a_crossing_until_it_opens_and_a_new_plan_is_made() -> None:
    told = Told()
    told.ready("handover")
    told.act("world_crossing", "admin", crossing="m", status="closed")
    assert shut(told)[-1] == "crossing"
    told.act("world_crossing", "admin", crossing="m", status="open")
    assert gates.state(told.case, "crossing", told.at).open is False
    told.plan()
    assert told.open("crossing")
    assert told.case.handover is not None
    assert told.case.handover.number == 2


def test_it_opens_the_gate_consent_by_a_yes_to_the_return_only() -> None:
    told = Told()
    told.yes("share", "services", "tracing", "notify_state", "medical", "reporting")
    assert not told.open("consent")
    told.yes("return")
    assert told.open("consent")
    told.act("withdraw_consent", "person", purpose="return")
    assert not told.open("consent")
    assert {c.purpose for c in told.case.person.consents if c.withdrawn_at is not None} == {
        "return"
    }


def with_rule(told: Told, gate: str, **changes: Any) -> None:
    """The case under other rules of one gate."""
    rules = told.case.procedure
    changed = replace(rules.gate_rules[gate], **changes)
    rules = replace(rules, gate_rules={**rules.gate_rules, gate: changed})
    told.case = with_procedure(told.case, rules)


def test_it_is_opened_by_what_the_rules_say_and_by_nothing_else() -> None:
    told = Told()
    told.ready("handover")
    assert shut(told) == []
    with_rule(told, "reintegration", opened_by=("needs:assessed", "rights:told"))
    assert shut(told) == []
    with_rule(told, "reintegration", opened_by=("needs:assessed", "protection_route:granted"))
    assert shut(told) == ["reintegration"]
    assert gates.state(told.case, "reintegration", told.at).why == "protection_route"
    with_rule(told, "reintegration", opened_by=("return_plan:not_agreed",))
    assert shut(told) == ["reintegration"]


def test_a_bar_shuts_whichever_gate_the_rules_name_for_it() -> None:
    told = Told()
    told.ready("handover")
    told.act("bar", "host.prosecutor", kind="witness", review=LATER)
    assert shut(told) == ["legal"]
    with_rule(told, "legal", unless=())
    with_rule(told, "compensation", unless=("bar",))
    assert shut(told) == ["compensation"]
