"""Rules at their edges: each test stands for a mechanical mutant that nothing else noticed.

The mutants are made by `tests/mutants/run.py`; what survives for a reason is in docs/mutants.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from domain.case import consent, events, gates, release
from domain.work import events as work_events
from domain.work import ladder, offices
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock, due, left_after, parse_clock, reminders
from domain.work.procedure import Ladder, Need, Outcome
from domain.work.state import Message, Pending
from tests.builders import RUNGS, a_card, a_life, a_procedure, an_act, an_opening, with_procedure
from tests.scenario import PURPOSES, Told

THAI = Calendar("TH")
MONDAY = date(2026, 2, 2)
NOON = datetime(2026, 2, 2, 12, 0, tzinfo=THAI.zone)


# -- clocks


def test_it_counts_years_in_twelve_months() -> None:
    assert due(parse_clock("2 years"), NOON, THAI).unrolled_on == date(2028, 2, 2)


def test_it_lets_only_a_legal_clock_end_on_a_day_off() -> None:
    assert not Clock(1, "days").legal
    assert due(Clock(5, "days"), NOON, THAI).at == THAI.closing(date(2026, 2, 9))


def test_it_reminds_once_of_a_clock_of_one_day_and_never_of_one_without_length() -> None:
    day = parse_clock("1 days")
    tuesday = MONDAY + timedelta(days=1)
    assert reminders(day, MONDAY, tuesday, THAI) == (THAI.opening(tuesday),)
    assert reminders(Clock(0, "days"), MONDAY, MONDAY, THAI) == ()


def test_it_leaves_nothing_of_a_clock_that_had_ended_before_the_hold() -> None:
    ended = NOON - timedelta(days=3)
    assert left_after(Clock(4, "hours"), NOON, ended, None, THAI) == Clock(0, "minutes")
    assert left_after(Clock(4, "days"), NOON, ended, ended.date(), THAI) == Clock(0, "days")


def test_it_keeps_monday_to_friday_and_the_time_of_bangkok_unless_told() -> None:
    assert [THAI.is_working(MONDAY + timedelta(days=n)) for n in range(7)] == [True] * 5 + [
        False
    ] * 2
    assert THAI.at(MONDAY, THAI.opens).utcoffset() == timedelta(hours=7)


def test_it_reminds_of_no_clock_without_a_last_day_and_of_none_in_hours() -> None:
    """An extension may give a clock in hours a last day; it stays without reminders (3.6)."""
    later = MONDAY + timedelta(days=10)
    assert reminders(Clock(10, "days"), MONDAY, None, THAI) == ()
    assert reminders(Clock(24, "hours"), MONDAY, later, THAI) == ()


def test_it_keeps_the_minutes_of_a_clock_in_hours_and_of_one_without_a_last_day() -> None:
    ends = NOON + timedelta(days=2)
    for clock, day in ((Clock(4, "days"), None), (Clock(4, "hours"), ends.date())):
        assert left_after(clock, NOON, ends, day, THAI) == Clock(2 * 24 * 60, "minutes")


# -- consent


def test_it_ends_a_consent_at_midnight_and_not_after() -> None:
    told = Told()
    told.yes("return", until=MONDAY + timedelta(days=5))
    (given,) = told.case.person.consents
    end = consent.ends_at(told.case, given)
    assert consent.is_live(told.case, given, end - timedelta(seconds=1))
    assert not consent.is_live(told.case, given, end)
    assert consent.why_not(told.case, "return", end) == "lapsed"


def test_it_says_of_the_newest_consent_why_it_does_not_count() -> None:
    told = Told()
    told.yes("return")
    told.act("withdraw_consent", "host.case", purpose="return")
    told.yes("return", until=MONDAY + timedelta(days=5))
    (_, newest) = told.case.person.consents
    assert consent.why_not(told.case, "return", consent.ends_at(told.case, newest)) == "lapsed"


def test_it_records_once_that_a_consent_ended_and_never_of_one_taken_back() -> None:
    told = Told()
    told.yes("reporting", until=MONDAY + timedelta(days=3))
    told.yes("return", until=MONDAY + timedelta(days=5))
    told.yes("tracing", until=MONDAY + timedelta(days=4))
    told.act("withdraw_consent", "host.case", purpose="tracing")
    ends = {c.purpose: consent.ends_at(told.case, c) for c in told.case.person.consents}
    told.wait(days=30)
    lapsed = [(e.purpose, e.at) for e in told.events if isinstance(e, events.ConsentLapsed)]
    assert lapsed == [("reporting", ends["reporting"]), ("return", ends["return"])]


# -- gates


def why(told: Told, gate: str) -> str:
    return gates.state(told.case, gate, told.at).why


def test_it_says_which_word_of_whom_shut_a_gate() -> None:
    shut = {
        ("fitness", "not_fit"): ("fitness", "fitness not_fit"),
        ("fitness", "fit_with_escort"): ("fitness", "bed"),
        ("notice_acceptance", "refused"): ("receiving", "notice_acceptance refused"),
        ("final_safety_host", "no_go"): ("safety", "final_safety_host no_go"),
        ("return_plan", "not_agreed"): ("reintegration", "return_plan not_agreed"),
        ("verification", "undetermined"): ("identity", "verification undetermined"),
    }
    for (step, outcome), (gate, words) in shut.items():
        told = Told()
        if step == "verification":
            told.yes(*PURPOSES)
            told.go_well(step)
        else:
            told.ready(step)
        told.complete(step, outcome)
        assert why(told, gate) == words


def test_it_says_what_is_still_to_come_at_a_gate() -> None:
    told = Told()
    assert why(told, "identity") == "verification"
    assert why(told, "receiving") == "notice_acceptance"
    assert why(told, "safety") == "final_safety_host, final_safety_origin"
    told.ready("notice_acceptance")
    assert why(told, "receiving") == "notice_acceptance"


def test_it_names_the_unsafe_home_before_the_two_words_that_are_missing() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well("tracing")
    told.complete("tracing", "found_unsafe")
    missing = "final_safety_host, final_safety_origin"
    assert why(told, "safety") == f"tracing found_unsafe, {missing}"


def test_it_asks_for_the_bed_once_it_is_known_and_before_there_is_a_plan() -> None:
    told = Told()
    told.ready("fitness")
    told.complete("fitness", "fit_with_escort")
    assert not told.open("fitness")
    told.complete("bed", "confirmed")
    assert told.open("fitness")


def test_it_names_the_step_of_two_that_identity_is_missing() -> None:
    told = Told("th-vn")
    assert why(told, "identity") == "verification_local"
    told.yes("notify_state")
    told.go_well("verification_local")
    assert why(told, "identity") == "verification_local"
    told.complete("verification_local", "confirmed")
    assert why(told, "identity") == "verification_central"
    told.complete("verification_central", "more_information")
    assert why(told, "identity") == "verification_central more_information"
    told.complete("verification_central", "confirmed")
    assert told.open("identity")


def test_it_says_lapsed_only_once_the_paper_has_ended_or_nobody_is_asked_again() -> None:
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit", valid_until=(told.at + timedelta(days=3)).date())
    told.plan(days=6)  # past the paper: it is asked again, and still stands today
    newest = told.case.work.newest("fitness")
    assert newest is not None
    assert newest.is_open
    assert why(told, "fitness") == "fitness"
    told.wait(days=4)
    assert why(told, "fitness") == "fitness lapsed"


def test_it_asks_again_at_once_when_a_paper_that_ends_too_early_is_skipped() -> None:
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit", valid_until=(told.at + timedelta(days=3)).date())
    told.plan(days=6)
    told.act("skip", "host.focal", step="fitness")
    newest = told.case.work.newest("fitness")
    assert newest is not None
    assert newest.is_open
    assert why(told, "fitness") == "fitness"


def test_it_keeps_the_bed_of_a_plan_that_ended_until_there_is_another() -> None:
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit_with_escort")
    told.complete("bed", "confirmed")
    assert told.open("fitness")
    told.act("world_crossing", "admin", crossing="m", status="closed")
    assert told.case.handover is None
    assert told.open("fitness")
    told.act("world_crossing", "admin", crossing="m", status="open")
    told.plan(days=2)
    assert why(told, "fitness") == "bed"


def test_it_wants_a_bed_that_was_never_asked_for() -> None:
    """Fit was the wrong word, and it is put right when no plan stands any more."""
    told = Told()
    told.ready("fitness", "handover")
    told.complete("fitness", "fit")
    told.act("world_crossing", "admin", crossing="m", status="closed")
    told.act("correct", "host.case", step="fitness", fact="outcome", value="fit_with_escort")
    assert told.case.work.newest("bed") is None
    assert why(told, "fitness") == "bed"


def test_it_asks_for_a_fresh_consent_only_when_leaving_and_to_the_second() -> None:
    told = Told()
    told.yes("return")
    told.wait(hours=72, seconds=1)
    assert not gates.state(told.case, "consent", told.at, leaving=True).open
    assert gates.first_shut(told.case, ("consent",), told.at) is None


# -- what leaves


def test_it_counts_all_but_her_own_and_her_supervisors_as_outside() -> None:
    told = Told()
    outside = {"origin.focal", "ngo", "escort"}
    inside = {"host.focal", "person", "guardian", "nobody"}
    found = {o for o in outside | inside if release.is_other_side(told.case, o)}
    assert found == outside


def test_it_still_writes_to_its_own_side_when_her_country_must_not_be_told() -> None:
    told = Told(flags=("do_not_notify_state",))
    for office, may in (("host.focal", True), ("ngo", True), ("origin.focal", False)):
        message = Message(0, "reminder", "screening", office, (), told.at)
        assert release.may_leave(told.case, message, told.at).may is may


def test_it_lets_nothing_of_a_child_cross_before_somebody_speaks_for_her() -> None:
    told = Told(adult_on=date(2032, 1, 1))
    told.act("consent", "host.case", for_="guardian", purpose="tracing")
    message = Message(0, "request", "tracing_request", "origin.focal", (), told.at)
    asked = release.may_leave(told.case, message, told.at)
    assert (asked.may, asked.why) == (False, "guardian or best interests")


def carried(told: Told, step: str, to: str) -> set[str]:
    asked = release.may_leave(told.case, Message(0, "offer", step, to, (), told.at), told.at)
    assert asked.may
    return set(asked.carries)


def test_it_offers_bare_a_step_that_the_rules_no_longer_have() -> None:
    told = Told()
    told.yes(*PURPOSES)
    assert carried(told, "gone", "origin.tracing") == {"reference", "step", "due"}


def test_it_shows_in_an_offer_what_the_consent_of_that_very_list_lets_cross() -> None:
    told = Told()
    told.yes("notify_state")
    assert "birth_date" in carried(told, "verification", "origin.identity")
    assert "names" not in carried(told, "tracing", "origin.tracing")


def test_it_finds_the_consent_of_a_list_though_its_request_may_end_otherwise() -> None:
    told = Told()
    told.yes("tracing")
    cards = told.case.procedure.cards
    request = cards["tracing_request"]
    outcomes = {**request.outcomes, "not_sent": Outcome("not_sent")}
    changed = {**cards, request.id: replace(request, outcomes=outcomes)}
    told.case = with_procedure(told.case, replace(told.case.procedure, cards=changed))
    assert "names" in carried(told, "tracing", "origin.tracing")


# -- rungs


def test_it_keeps_a_reminder_and_a_warning_due_at_the_very_second_its_clock_is_set() -> None:
    told = Told()
    case, cards = told.case, told.case.procedure.cards
    until = MONDAY + timedelta(days=60)
    warned = [THAI.opening(until - timedelta(days=n)) for n in (30, 14, 7)]
    order = cards["protection_order"]
    for seconds, left in ((0, ["E0", "E3", "E5"]), (1, ["E3", "E5"])):
        at = warned[0] + timedelta(seconds=seconds)
        coming = ladder.warnings(case, order, "host.case", until, at)
        assert [p.rung for p in coming] == left
        ends = THAI.closing(until)
        again = ladder.schedule(
            case,
            order,
            calendar=THAI,
            clock=None,
            counted_on=MONDAY,
            due_at=ends,
            unrolled_on=until,
            set_at=at,
        )
        assert [p.rung for p in again if p.at < ends] == left
    half = THAI.opening(MONDAY + timedelta(days=15))
    for seconds, times in ((0, 2), (1, 1)):
        plain = ladder.schedule(
            case,
            cards["return_decision"],
            calendar=THAI,
            clock=Clock(30, "days"),
            counted_on=MONDAY,
            due_at=THAI.closing(MONDAY + timedelta(days=30)),
            unrolled_on=MONDAY + timedelta(days=30),
            set_at=half + timedelta(seconds=seconds),
        )
        assert [p.rung for p in plain].count("E0") == times


def test_it_is_quiet_until_the_promised_day_is_over() -> None:
    for days, quiet in ((22, False), (23, True)):  # half of 45 days, and the day before
        told = Told()
        told.yes("tracing")
        told.go_well("tracing")
        day = told.at.date() + timedelta(days=days)
        told.act("promise", "origin.tracing", step="tracing", day=day)
        told.at = THAI.opening(told.at.date() + timedelta(days=23))
        told.wait()
        said = [e.quiet for e in told.events if isinstance(e, work_events.Reminded)]
        assert said[-1:] == [quiet]
        assert bool(told.left("reminder", "origin.tracing")) is not quiet


def test_it_reminds_whom_the_ladder_names() -> None:
    for words, to in (((), ()), (("supervisor",), ("host-case-chief",))):
        rules = a_procedure(ladders={"normal": Ladder("normal", RUNGS, remind=words)})
        life = a_life((4, None), opening=an_opening(rules))
        assert [e.to for e in life.events if isinstance(e, work_events.Reminded)][:1] == [to]


def test_it_skips_upward_on_the_attempt_that_is_late() -> None:
    told = Told()
    told.go_well("placement")
    told.complete("placement", "declined")
    post = told.case.work.offices["host.committee"]
    told.act("world_post", "admin", office=replace(post, vacant=True))
    told.wait(days=9)
    fired = [
        e for e in told.events if isinstance(e, work_events.RungFired) and e.step == "placement"
    ]
    assert [(e.rung, e.attempt) for e in fired] == [("E1", 2), ("E3", 2)]


def test_it_says_of_the_first_receiver_why_a_rung_was_skipped() -> None:
    """The committee's post has nobody in it, and the focal may not see the case."""
    told = Told(flags=("conflict:origin.focal",))
    told.yes("tracing")
    told.go_well("tracing", "tracing_acknowledgement")
    post = told.case.work.offices["host.committee"]
    told.act("world_post", "admin", office=replace(post, head=""))
    told.wait(days=60)
    skipped = [
        e for e in told.events if isinstance(e, work_events.RungSkipped) and e.step == "tracing"
    ]
    assert [(e.rung, e.why) for e in skipped] == [("E2", "vacant")]


def test_it_says_vacant_of_a_receiver_that_the_case_does_not_know() -> None:
    told = Told()
    holder = told.case.work.offices["host.immigration"]
    told.act("world_post", "admin", office=replace(holder, under="nobody"))
    told.wait(days=2)
    skipped = [e for e in told.events if isinstance(e, work_events.RungSkipped)]
    assert [(e.rung, e.why) for e in skipped if e.step == "screening"] == [("E1", "vacant")]


def test_it_records_a_danger_where_no_rung_can_be_reached() -> None:
    for name, rungs in (("", RUNGS), ("normal", ())):
        rules = a_procedure(
            a_card("free", "host.case", "done", after=(Need(("opening",)),), ladder=name),
            ladders={"normal": Ladder("normal", rungs)},
        )
        alarm = an_act("alarm", "host.case", step="free", kind="in_danger")
        life = a_life((1, alarm), opening=an_opening(rules))
        raised = [e for e in life.events if isinstance(e, work_events.AlarmRaised)]
        assert [e.alarm for e in raised] == ["in_danger"]


def test_it_fires_at_once_the_warnings_already_past_but_no_reminder() -> None:
    told = Told()
    card = next(c for c in told.case.procedure.cards.values() if len(c.warns) > 1)
    until = told.at.date() + timedelta(days=1)
    coming = ladder.warnings(told.case, card, "host.case", until, told.at)
    due_rungs = [name for name, lead in card.warns if lead.amount > 1 and name != "E0"]
    assert due_rungs
    assert [p.rung for p in coming if p.at < told.at] == due_rungs
    assert [p for p in coming if p.rung == "E0" and p.at < told.at] == []


def test_it_says_why_a_rung_was_skipped() -> None:
    told = Told()
    post = told.case.work.offices["host.committee"]
    vacant = replace(post, vacant=True, deputy="")
    same = replace(post, head=told.case.work.offices["host.immigration"].head)
    for flags, office, word in (
        ((), vacant, "vacant"),
        (("conflict:host.committee",), post, "excluded"),
        ((), same, "holder"),
    ):
        told = Told(flags=flags)
        if not flags:
            told.act("world_post", "admin", office=office)
        told.wait(days=20)
        skipped = [e for e in told.events if isinstance(e, work_events.RungSkipped)]
        assert {e.why for e in skipped if e.step == "screening"} == {word}


# -- posts


def test_it_lets_only_the_head_sign_unless_a_member_may() -> None:
    told = Told()
    assert offices.may_sign(told.case, "host.case", "host.case.head")
    assert not offices.may_sign(told.case, "host.case", "a.member")
    assert offices.may_sign(told.case, "host.case", "a.member", member=True)


def test_it_sends_no_photo_even_within_its_own_side_without_a_yes() -> None:
    told = Told()
    listed = ("names", "photo")
    assert release._with_photo(told.case, listed, "host.focal", told.at) == ("names",)
    told.yes("photo", receiver="ngo")
    assert release._with_photo(told.case, listed, "host.focal", told.at) == listed


def test_it_fires_nothing_twice_when_a_due_date_moves() -> None:
    told = Told()
    task = told.case.work.newest("screening")
    assert task is not None
    anew = tuple(Pending(rung, told.at) for rung in ("E0", "E0", "E1", "E2", "E3"))
    for sent, rung, left in (
        (0, "none", ["E0", "E0", "E1", "E2", "E3"]),
        (1, "none", ["E0", "E1", "E2", "E3"]),
        (2, "E2", ["E3"]),
    ):
        kept = ladder.without_fired(replace(task, reminders=sent, rung=rung), anew, told.at)
        assert [p.rung for p in kept] == left
