"""Which words each message holds, who gets it, and what an offer may add (stories.md 4.2, 4.14).

The lists are those of domain.md 5.3. Each test stands for rule mutants of `tests/mutants/`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.case import consent
from domain.case.reading import seen_by
from domain.case.release import may_leave
from domain.case.state import Case
from domain.work import events
from domain.work.calendar import Calendar
from domain.work.state import Message
from tests.scenario import PURPOSES, Told

TRACING = {"reference", "names", "sex", "age", "places", "relatives", "photo"}
VERIFICATION = {
    *("reference", "names", "birth_date", "age", "relatives", "places", "document_numbers"),
    "photo",
}
RESCUE = {"reference", "names", "places", "needs"}
BARE = {"reference", "step", "late_days"}
OFFER = {"reference", "step", "due"}
EXTRACT = {"reference", "needs", "health", "medicine"}
CARRIED = {
    "notice": {"reference", "counts", "needs", "date", "crossing"},
    "manifest": {"reference", "names", "document_numbers"},
    "feedback": {"reference", "outcome"},
    "extract": EXTRACT,
    **dict.fromkeys(("reminder", "rung", "decision", "told", "postponed", "lapsed"), BARE),
}


def carried(case: Case, kind: str, step: str, to: str, at: datetime) -> set[str]:
    asked = may_leave(case, Message(0, kind, step, to, (), at), at)
    assert asked.may, (kind, step, to, asked.why)
    return set(asked.carries)


def agreed(corridor: str = "th-la") -> Told:
    told = Told(corridor)
    told.yes(*PURPOSES, "photo")
    return told


def left_to(told: Told, kind: str) -> set[str]:
    found = [e for e in told.events if isinstance(e, events.MessageReleased)]
    return {e.to for e in found if e.kind == kind}


def test_it_carries_these_words_and_no_other() -> None:
    told = agreed()
    for kind, words in CARRIED.items():
        to = {"feedback": "host.focal", "extract": "origin.health"}.get(kind, "origin.focal")
        assert carried(told.case, kind, "notice", to, told.at) == words, kind


def test_it_asks_with_the_words_of_the_request() -> None:
    told = agreed()
    for step, to, words in (
        ("tracing_request", "origin.focal", TRACING),
        ("verification_request", "origin.identity", VERIFICATION),
    ):
        assert carried(told.case, "request", step, to, told.at) == words, step


def test_it_offers_a_step_with_the_words_of_its_request_to_whoever_may_know_them() -> None:
    told = agreed()
    for step, to, words in (
        ("tracing_acknowledgement", "origin.focal", TRACING),
        ("tracing", "origin.tracing", TRACING),
        ("second_tracing", "ngo", TRACING),
        ("verification", "origin.identity", VERIFICATION),
        ("bed", "origin.health", EXTRACT),
        ("certificate", "origin.reception", set()),
        ("follow_up/1m", "origin.province", set()),
    ):
        assert carried(told.case, "offer", step, to, told.at) == OFFER | words, step
        assert carried(Told().case, "offer", step, to, told.at) == OFFER, step
    rescue = Told("la-th")
    for step in ("rescue_acknowledgement", "exit"):
        assert carried(rescue.case, "offer", step, "host.province", rescue.at) == OFFER | RESCUE


def test_it_shows_the_holder_of_a_task_what_its_offer_holds() -> None:
    told = agreed()
    told.go_well("tracing", "return_decision")
    shown = seen_by(told.case, "origin.tracing", "task", told.at)
    assert shown == OFFER | TRACING | {"tracing", "offered"}
    assert seen_by(told.case, "origin.tracing", "inbox", told.at) == {
        *("reference", "step", "due", "late_days", "tracing", "offered")
    }


def test_it_sends_each_message_to_these_offices_and_to_nobody_else() -> None:
    told = agreed()
    told.act("consent", "host.case", for_="person", purpose="share")
    told.complete("report", "accepted")
    assert left_to(told, "told") == {"host.committee"}
    told.go_well("fitness", "handover")
    told.plan()
    told.go_well("fitness", "bed", "handover")
    told.complete("fitness", "fit_with_escort")
    told.complete("bed", "confirmed")
    requests = [
        e for e in told.events if isinstance(e, events.MessageReleased) if e.kind == "request"
    ]
    assert [(e.step, e.to) for e in requests] == [
        ("tracing_request", "origin.focal"),
        ("verification_request", "origin.identity"),
    ]
    assert left_to(told, "notice") == {"origin.focal"}
    assert left_to(told, "manifest") == {"origin.focal"}
    assert left_to(told, "extract") == {"origin.health"}
    told.act("withdraw_consent", "person", purpose="return")
    assert left_to(told, "postponed") == {"origin.focal"}


def test_it_sends_nothing_at_all_to_a_country_that_must_not_be_told() -> None:
    told = agreed()
    told.act("consent", "host.case", for_="person", purpose="share")
    told.act("flag", "host.case", flag="do_not_notify_state")
    away = [o.id for o in told.opening.offices if o.role.startswith("origin.")]
    away = [office for office in away if not office.endswith(".supervisor")]
    for office in away:
        for kind in (*CARRIED, "request", "offer"):
            message = Message(0, kind, "verification_request", office, (), told.at)
            asked = may_leave(told.case, message, told.at)
            assert (asked.may, asked.why) == (False, "do_not_notify_state"), (office, kind)


def test_it_drops_what_waits_for_an_office_that_is_excluded() -> None:
    told = agreed()
    told.act("flag", "host.case", flag="conflict:origin.tracing")
    for kind in (*CARRIED, "request", "offer"):
        message = Message(0, kind, "tracing", "origin.tracing", (), told.at)
        assert not may_leave(told.case, message, told.at).may, kind


def test_it_counts_an_empty_manifest_and_sends_only_postponed() -> None:
    told, thai = agreed(), Told("la-th")
    told.go_well("handover")
    told.plan()
    told.go_well("handover")
    thai.act("consent", "origin.case", for_="person", purpose="return")
    day = thai.at + timedelta(days=2)
    thai.act("plan_handover", "origin.focal", day=day, crossing="m")
    for case, focal in ((told, "origin.focal"), (thai, "host.focal")):
        assert [e.version for e in case.left("manifest", focal)] == [1]
        case.act("world_crossing", "admin", crossing="m", status="closed")
        assert case.case.handover is None
        assert consent.since(case.case, "return", case.at) is not None  # nothing else holds it back
        assert case.case.segment.manifest_version == 2
        assert [e.version for e in case.left("manifest", focal)] == [1]
        assert len(case.left("postponed", focal)) == 1


def test_it_lets_each_receiver_of_a_rung_hear_of_it_in_its_own_working_time() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing", "return_decision")
    second = date(2026, 3, 26)  # E2: 45 days to 19 March, and a week
    told.act("world_calendar", "admin", calendar=Calendar("TH", off=(second,)))
    told.wait(days=60)
    thai = [e for e in told.left("rung", "host.committee") if e.step == "tracing"]
    assert [(e.about, e.at.date()) for e in thai] == [("E2", second + timedelta(days=1))]
    assert thai[0].at.astimezone(Calendar("TH").zone).strftime("%H:%M") == "08:30"
    lao = [e for e in told.left("rung", "origin.focal") if e.step == "tracing"]
    assert (lao[0].about, lao[0].at.date()) == ("E2", second)
    assert lao[0].at.astimezone(Calendar("LA").zone).strftime("%H:%M") == "16:30"


def test_it_lets_a_consent_without_a_receiver_reach_the_offices_of_its_steps_and_no_other() -> None:
    reach = {
        "tracing": {"origin.focal", "origin.tracing", "ngo"},
        "notify_state": {"origin.focal", "origin.identity", "origin.embassy"},
        "medical": {"origin.health"},
        "photo": {"origin.focal", "origin.tracing", "origin.identity", "ngo"},
        "return": {"origin.focal", "origin.reception", "escort"},
    }
    others = {office.role for office in Told().opening.offices if office.role.count(".") == 1}
    for purpose, offices in reach.items():
        told = Told()
        told.yes(purpose)
        away = {role for role in others if role.startswith("origin.")} | {"ngo", "escort"}
        found = {role for role in away if consent.covers(told.case, purpose, role, told.at)}
        assert found == offices, purpose


def test_it_lets_a_reminder_wait_for_a_working_day_of_the_holder() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing", "return_decision")
    nominal = date(2026, 2, 25)  # the 23rd of 45 days
    off = (nominal, nominal + timedelta(days=1))
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=off))
    told.wait(days=30)
    asked = [e for e in told.events if isinstance(e, events.Reminded) if e.step == "tracing"]
    assert asked[0].at.date() == nominal
    assert told.left("reminder", "origin.tracing")[0].at.date() == date(2026, 2, 27)
