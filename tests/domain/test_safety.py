"""What protects a person and what binds the people who act: small cases, by hand (design.md part 4).

Each test stands for a rule that a mutant of `tests/mutants/` breaks and that no story shows alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.case import consent, events, facts, gates
from domain.case.core import next_wake
from domain.case.reading import is_stalled, seen_by, waits_for
from domain.case.release import may_leave
from domain.work.state import Message
from tests.scenario import Told
from tests.shipped import OPENS

# -- gates


def test_it_opens_every_gate_when_all_goes_well() -> None:
    told = Told()
    told.ready()
    assert [gate for gate in gates.ALL if not told.open(gate)] == []
    told.act("depart", "escort")
    assert told.case.handover is not None
    assert told.case.handover.departed_at == told.at


def test_it_opens_no_gate_by_a_skip() -> None:
    steps = {
        "return_plan": "reintegration",
        "compensation_rights": "compensation",
        "final_safety_host": "safety",
        "notice_acceptance": "receiving",
        "exit_clearance": "legal",
        "travel_document": "document",
        "fitness": "fitness",
    }
    for step, gate in steps.items():
        told = Told()
        told.ready(step)
        told.act("skip", "host.focal", step=step)
        assert not told.open(gate), f"{step} skipped opened {gate}"
        assert told.refused("depart", "escort") == "closed-gate", step
        assert told.refused("complete", "escort", step="handover", outcome="handed_over")


def test_it_opens_no_gate_by_a_decision() -> None:
    told = Told()
    told.yes("tracing", "notify_state", "return")
    told.go_well("verification")
    told.wait(days=60)
    decide = {"step": "verification", "due": (told.at + timedelta(days=30)).date()}
    assert told.refused("decide", "host.committee", decision="waive", **decide) == "not-waivable"
    told.act("decide", "host.committee", decision="extend", **decide)
    assert not told.open("identity")
    day = told.at + timedelta(days=2)
    assert told.refused("plan_handover", "host.focal", day=day, crossing="m") == "closed-gate"


def test_it_shuts_no_gate_by_a_warrant() -> None:
    told = Told(flags=("warrant",))
    assert told.case.work.newest("screening") is not None, "screened like everybody"
    told.ready()
    assert told.open("legal")
    assert told.case.work.outcome("screening") == "presumed_victim"


# -- people


def test_it_lets_nobody_decide_about_what_they_hold_in_whatever_post() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("verification")
    told.wait(days=60)
    post = told.case.work.offices["host.committee"]
    told.act("world_post", "admin", office=replace(post, head="origin.identity.head"))
    due = (told.at + timedelta(days=30)).date()
    fields = {"step": "verification", "decision": "extend", "due": due}
    same = told.refused("decide", "host.committee", user="origin.identity.head", **fields)
    assert same == "own-request"


def test_it_lets_nobody_close_a_case_alone() -> None:
    told = Told()
    fields = {"step": "closure", "outcome": "closed"}
    alone = told.refused("complete", "host.province", approved_by="host.province.head", **fields)
    assert alone == "own-request"
    assert told.refused("complete", "host.province", **fields) == "missing-field"


def test_it_lets_a_deputy_act_while_the_post_is_vacant_and_the_former_head_no_more() -> None:
    told = Told()
    post = told.case.work.offices["host.immigration"]
    told.act("world_post", "admin", office=replace(post, vacant=True, deputy="a.deputy"))
    assert told.refused("accept", "host.immigration", step="screening") == "not-yours"
    assert told.refused("accept", "host.immigration", step="screening", user="a.deputy") == ""


def test_it_sends_a_rung_to_a_vacant_post_that_has_a_deputy() -> None:
    told = Told()
    post = told.case.work.offices["host.committee"]
    told.act("world_post", "admin", office=replace(post, vacant=True, deputy="a.deputy"))
    told.go_well("report")
    told.wait(days=9)
    assert told.left("rung", "host.committee")


# -- what leaves


def a_request(step: str, to: str) -> Message:
    return Message(0, "request", step, to, (), OPENS)


def test_it_asks_again_at_the_moment_a_message_leaves() -> None:
    """A reminder of Saturday waits for Monday; what was said on Sunday holds."""
    for flag in ("conflict:origin.tracing", "do_not_notify_state"):
        told = Told(
            opens=datetime(2026, 2, 5, 2, 0, tzinfo=UTC)
        )  # Thursday; half of 45 days: Saturday
        told.yes("tracing")
        told.go_well("tracing")
        told.at = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
        told.wait()
        waiting = [message.to for message in told.case.work.messages if message.kind == "reminder"]
        assert "origin.tracing" in waiting
        told.act("flag", "host.case", flag=flag)
        told.wait(days=2)
        assert not told.left("reminder", "origin.tracing"), flag


def test_it_lets_nothing_cross_without_a_consent_that_reaches() -> None:
    told = Told()
    assert not may_leave(told.case, a_request("tracing_request", "origin.focal"), told.at).may
    told.yes("tracing")
    assert may_leave(told.case, a_request("tracing_request", "origin.focal"), told.at).may
    assert not may_leave(told.case, a_request("tracing_request", "origin.identity"), told.at).may
    assert not may_leave(told.case, a_request("tracing_request", "nobody"), told.at).may


def test_it_lets_a_consent_with_a_receiver_reach_that_one_only() -> None:
    told = Told()
    told.yes("tracing", receiver="ngo")
    assert consent.covers(told.case, "tracing", "ngo", told.at)
    assert not consent.covers(told.case, "tracing", "origin.focal", told.at)
    fields = {"step": "tracing_request", "outcome": "sent"}
    assert told.refused("complete", "host.case", **fields) == "no-consent"


def test_it_sends_a_photo_only_to_whom_a_consent_for_it_reaches() -> None:
    told = Told()
    message = a_request("tracing_request", "origin.focal")
    told.yes("tracing")
    assert "photo" not in may_leave(told.case, message, told.at).carries
    told.yes("photo", receiver="ngo")
    assert "photo" not in may_leave(told.case, message, told.at).carries
    told.yes("photo")
    assert "photo" in may_leave(told.case, message, told.at).carries


def test_it_counts_a_withdrawal_from_that_moment() -> None:
    told = Told()
    told.yes("tracing")
    told.wait(hours=1)
    told.act("withdraw_consent", "host.case", purpose="tracing")
    assert not list(consent.live(told.case, "tracing", told.at))
    assert facts.since(told.case, "consent:tracing", told.at) is None


# -- handed over


def test_it_never_undoes_a_handover() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.wait(days=1)
    assert told.refused("return", "host.focal", step="handover") == "wrong-state"
    wrong = {"fact": "outcome", "step": "handover"}
    assert told.refused("correct", "host.focal", value="absent", **wrong) == "wrong-state"
    happened = told.act("withdraw_consent", "host.case", purpose="return")
    assert not [event for event in happened if isinstance(event, events.HandoverEnded)]
    told.act("world_crossing", "admin", crossing="m", status="closed")
    assert told.case.handed_over
    assert told.case.handover is not None


# -- time and the ledger


def test_it_is_quiet_in_a_case_that_has_ended() -> None:
    told = Told(adult_on=date(2026, 5, 1))
    for purpose in ("tracing", "return"):
        told.act("consent", "host.case", for_="guardian", purpose=purpose)
    told.go_well("tracing", rounds=3)
    told.act("cancel", "host.case")
    assert next_wake(told.case) is None
    assert told.wait(days=800) == ()


def test_it_folds_to_the_same_state_whenever_it_is_asked() -> None:
    told = Told(flags=("warrant",))
    told.act("flag", "host.case", flag="medical")
    told.act("bar", "host.prosecutor", kind="witness", review=date(2026, 4, 1))
    told.wait(days=30)
    told.act("unflag", "host.case", flag="medical")
    told.act("hold", "host.case", until=date(2026, 5, 1))
    told.wait(days=30)
    for number, kept in enumerate(told.kept, start=1):
        assert kept.version == number
        assert kept == told.folded(number), f"event {number} changed what was"


def test_it_lets_nothing_lie_that_is_due() -> None:
    told = Told()
    times = 0
    while (moment := next_wake(told.case)) is not None:
        told.at, times = moment, times + 1
        assert told.wait()
        after = next_wake(told.case)
        assert after is None or after > moment
    assert times > 10
    assert is_stalled(told.case, told.at)
    assert waits_for(told.case, told.at).text


def test_it_shows_the_other_side_only_what_it_holds() -> None:
    told = Told()
    for view in ("case", "stalled", "task", "inbox"):
        assert seen_by(told.case, "origin.identity", view, told.at) == frozenset(), view
