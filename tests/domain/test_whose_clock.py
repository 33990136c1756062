"""Whose calendar and zone counts, and from which moment: recorded late, in two zones (stories.md 3).

Laos is put an hour ahead of Thailand here, so that a wrong side shows. Each test stands for mutants
of `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.case import events
from domain.case.reading import age_days, late_days
from domain.work import events as work_events
from domain.work.calendar import Calendar
from domain.work.calendars import appointment_day, calendar_for
from domain.work.state import Task
from domain.work.tasks import offered_from
from tests.scenario import PURPOSES, Told

LAO = Calendar("LA", zone_minutes=480)
HOUR = timedelta(hours=1)
HAND_OVER = {"step": "handover", "outcome": "handed_over"}


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def an_hour_apart(adult_on: date | None = date(2020, 1, 1)) -> Told:
    told = Told(adult_on=adult_on)
    told.act("world_calendar", "admin", calendar=LAO)
    return told


# -- when it was so


def test_it_counts_a_yes_from_the_moment_she_said_it() -> None:
    said = Told().at
    told = Told()
    told.wait(days=2)
    told.yes(*PURPOSES, happened_at=said)
    request = task_of(told, "tracing_request")
    assert request.due_at == datetime(2026, 2, 5, 9, 30, tzinfo=UTC)  # three working days
    until = date(2026, 5, 3)  # ninety days from 2 February
    assert {c.until for c in told.case.person.consents} == {until}
    told.wait(days=1, minutes=-1)
    assert told.open("consent")
    told.wait(minutes=2)
    assert not told.open("consent")  # 72 hours after she said it


def test_it_asks_the_gates_of_the_moment_she_left_and_was_handed_over() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    told.plan(days=4)
    told.wait(days=2)
    told.go_well("voluntariness", "handover")
    told.yes("return")
    confirmed = told.at
    told.wait(days=2)
    told.go_well("voluntariness", "handover")
    told.at = confirmed + timedelta(hours=73)
    late = confirmed + timedelta(hours=71)
    assert told.refused("depart", "escort") == "closed-gate"
    assert told.refused("complete", "escort", **HAND_OVER) == "closed-gate"
    assert told.refused("depart", "escort", happened_at=late) == ""
    assert told.refused("complete", "escort", happened_at=late, **HAND_OVER) == ""


def test_it_asks_for_the_consent_of_the_moment_in_which_something_was_sent() -> None:
    told = Told()
    told.yes(*PURPOSES, until=date(2026, 2, 20))
    told.ready("handover")
    told.act("complete", "escort", **HAND_OVER)
    told.complete("follow_up/1m", "safe")
    sent = told.at
    told.wait(days=30)
    feedback = {"step": "feedback/1m", "outcome": "sent"}
    told.act("withdraw_consent", "person", purpose="reporting")
    assert told.refused("complete", "origin.focal", **feedback) == "no-consent"
    assert told.refused("complete", "origin.focal", happened_at=sent, **feedback) == ""


# -- in whose zone


def test_it_counts_due_dates_and_days_late_of_who_acts() -> None:
    told = an_hour_apart()
    told.yes("tracing")
    told.go_well("tracing_acknowledgement", "return_decision")
    task = task_of(told, "tracing_acknowledgement")
    assert task.due_at == LAO.closing(date(2026, 2, 9))
    late = datetime(2026, 2, 9, 16, 30, tzinfo=UTC)  # half past midnight in Laos
    assert (late_days(told.case, task, late), age_days(told.case, task, late)) == (1, 8)
    assert late_days(told.case, task, late - HOUR) == 0
    told.act("extend", "host.focal", step="tracing_acknowledgement", due=date(2026, 2, 20))
    assert task_of(told, "tracing_acknowledgement").due_at == LAO.closing(date(2026, 2, 20))


def test_it_keeps_a_given_due_date_in_the_zone_of_the_office_it_was_made_for() -> None:
    told = an_hour_apart()
    told.yes("tracing")
    told.go_well("tracing_acknowledgement", "return_decision")
    told.act("decline", "origin.focal", step="tracing_acknowledgement")
    told.act("extend", "host.focal", step="tracing_acknowledgement", due=date(2026, 2, 20))
    assert task_of(told, "tracing_acknowledgement").due_at == LAO.closing(date(2026, 2, 20))


def test_it_moves_a_clock_with_the_calendar_it_counts_whoever_holds_it() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing_acknowledgement", "return_decision")
    told.act("reassign", "host.focal", step="tracing_acknowledgement", to="host.case")
    due = task_of(told, "tracing_acknowledgement").due_at
    assert due is not None
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=(due.date(),)))
    assert task_of(told, "tracing_acknowledgement").due_at == due + timedelta(days=1)


def test_it_keeps_a_promise_quiet_through_its_day_in_the_zone_of_who_gave_it() -> None:
    told = an_hour_apart()
    told.yes("tracing")
    told.go_well("tracing", "return_decision")
    first = date(2026, 2, 25)  # the 23rd of 45 days
    told.act("promise", "origin.tracing", step="tracing", day=first)
    told.wait(days=40)
    asked = [e for e in told.events if isinstance(e, work_events.Reminded) if e.step == "tracing"]
    assert [e.quiet for e in asked] == [True, False]
    assert len(told.left("reminder", "origin.tracing")) == 1


def test_it_comes_of_age_at_the_midnight_of_the_place_where_she_is() -> None:
    birthday = date(2026, 2, 10)
    midnight = datetime(2026, 2, 9, 17, 0, tzinfo=UTC)  # in Thailand
    told = an_hour_apart(birthday)
    assert told.case.is_child(midnight - timedelta(minutes=30))
    assert not told.case.is_child(midnight)
    told.wait(days=30)
    (turned,) = [e for e in told.events if isinstance(e, events.TurnedAdult)]
    assert turned.at == midnight
    corrected = an_hour_apart()
    corrected.at = midnight - timedelta(minutes=30)
    corrected.act("correct", "host.case", fact="born", value="17")
    assert corrected.case.person.adult_on == date(2027, 2, 9)


def test_it_plans_by_the_hours_of_the_place_where_she_is() -> None:
    told = an_hour_apart()
    told.yes(*PURPOSES)
    told.go_well()
    day = date(2026, 2, 11)
    told.act("plan_handover", "host.focal", day=day, crossing="m")
    assert told.case.handover is not None
    assert told.case.handover.at == Calendar("TH").opening(day)
    card = told.case.procedure.cards["voluntariness"]
    assert offered_from(told.case, card) == Calendar("TH").end_of(day - timedelta(days=1))
    late = datetime(2026, 2, 11, 16, 30, tzinfo=UTC)  # still that day in Thailand, no more in Laos
    told.act("plan_handover", "host.focal", day=late, crossing="m")
    assert appointment_day(told.case, told.at) == day


def test_it_lapses_an_order_at_the_midnight_of_the_place_where_she_is() -> None:
    until = date(2026, 6, 30)
    order = {"step": "protection_order", "outcome": "made", "valid_until": until}
    told = an_hour_apart()
    told.act("complete", "host.case", **order)
    told.wait(days=200)
    assert told.case.person.flags["protection_lapsed"] == Calendar("TH").end_of(until)
    told = an_hour_apart()
    told.ready("handover")
    told.act("complete", "host.case", **order)
    told.act("complete", "escort", **HAND_OVER)
    told.wait(days=200)
    assert told.case.person.flags["protection_lapsed"] == LAO.end_of(until)


def test_it_counts_who_has_no_side_at_home_from_the_handover_not_from_the_arrival() -> None:
    told = an_hour_apart()
    told.ready("handover")
    assert calendar_for(told.case, "person").country == "TH"
    told.act("complete", "escort", **HAND_OVER)
    assert told.case.segment.returned_at is None
    for office in ("person", "ngo", "escort", "guardian"):
        assert calendar_for(told.case, office).country == "LA", office


def test_it_puts_a_country_that_no_table_names_at_seven_hours_without_days_off() -> None:
    procedure = replace(Told().case.procedure, calendars={})
    plain = procedure.calendar("KH")
    assert plain.at(date(2026, 4, 14), plain.closes) == datetime(2026, 4, 14, 9, 30, tzinfo=UTC)
    assert [plain.is_working(date(2026, 4, day)) for day in (13, 14, 18, 19)] == [
        *(True, True, False, False)
    ]


# -- before a date, and on a day off


def test_it_asks_for_the_notice_on_the_planning_day_where_seven_days_are_not_left() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    for days, due in ((20, date(2026, 2, 13)), (4, date(2026, 2, 2))):
        day = told.at + timedelta(days=days)
        told.act("plan_handover", "host.focal", day=day, crossing="m")
        notice = task_of(told, "notice").due_at
        assert notice is not None
        assert notice.date() == due, days  # 15 February is a Sunday: the Friday before
    acceptance = task_of(told, "notice_acceptance").due_at
    assert acceptance is not None
    assert acceptance.date() == date(2026, 2, 3)


def test_it_falls_back_on_the_calendar_of_who_must_act() -> None:
    told = Told()
    told.yes(*PURPOSES)
    told.go_well()
    day = told.at + timedelta(days=21)  # a Monday: notice by the Monday two weeks from now
    off = (date(2026, 2, 16), date(2026, 2, 20))
    told.act("world_calendar", "admin", calendar=Calendar("LA", off=off))
    told.act("plan_handover", "host.focal", day=day, crossing="m")
    found = {step: task_of(told, step).due_at for step in ("notice", "notice_acceptance")}
    assert {step: due.date() for step, due in found.items() if due is not None} == {
        "notice": date(2026, 2, 16),
        "notice_acceptance": date(2026, 2, 19),
    }
