"""How clocks count, against the dates worked out by hand in stories.md part 3 and domain.md part 7."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.work.calendar import Calendar
from domain.work.deadlines import (
    Clock,
    add_months,
    before,
    due,
    left_after,
    parse_clock,
    reminders,
)

THAI = Calendar("TH")
TET = Calendar("VN", off=tuple(date(2026, 2, day) for day in range(16, 21)))


def at(day: date, hour: int = 9, minute: int = 0, calendar: Calendar = THAI) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=calendar.zone)


@pytest.mark.parametrize(
    ("words", "start", "expected"),
    [
        ("45 days", date(2026, 2, 6), date(2026, 3, 23)),  # S03
        ("5 working days", date(2026, 2, 6), date(2026, 2, 13)),
        ("1 months", date(2026, 1, 28), date(2026, 3, 2)),  # S01: 28 Feb is a Saturday
        ("3 months", date(2026, 1, 28), date(2026, 4, 28)),
        ("12 months", date(2026, 1, 28), date(2027, 1, 28)),
        ("1 months", date(2026, 1, 31), date(2026, 3, 2)),  # last day of February, rolled
    ],
)
def test_it_ends_on_the_last_day_at_closing_hour(words: str, start: date, expected: date) -> None:
    ends = due(parse_clock(words), at(start), THAI)
    assert ends.at == THAI.closing(expected)


def test_it_counts_working_days_over_tet() -> None:
    ends = due(parse_clock("20 working days"), at(date(2026, 1, 19), calendar=TET), TET)
    assert TET.local_date(ends.at) == date(2026, 2, 23)


def test_it_never_rolls_a_legal_clock() -> None:
    ends = due(parse_clock("15 days", legal=True), at(date(2026, 3, 13)), THAI)
    assert ends.at == THAI.closing(date(2026, 3, 28))  # a Saturday


def test_it_runs_hours_to_the_minute_through_the_night_and_the_weekend() -> None:
    start = at(date(2026, 1, 9), 15, 7)
    assert due(parse_clock("24 hours"), start, THAI).at == start + timedelta(hours=24)


def test_it_falls_back_to_the_working_day_before() -> None:
    week = parse_clock("7 days")
    assert before(date(2026, 5, 20), week, THAI) == date(2026, 5, 13)
    assert before(date(2026, 5, 17), week, THAI) == date(2026, 5, 8)  # the 10th is a Sunday
    assert before(date(2026, 6, 8), parse_clock("1 working days"), THAI) == date(2026, 6, 5)


def test_it_reminds_at_half_and_four_fifths_rounded_up() -> None:
    start = date(2026, 2, 6)
    days = reminders(parse_clock("45 days"), start, date(2026, 3, 23), THAI)
    assert [THAI.local_date(d) for d in days] == [date(2026, 3, 1), date(2026, 3, 14)]
    working = reminders(parse_clock("5 working days"), start, date(2026, 2, 13), THAI)
    assert [THAI.local_date(d) for d in working] == [date(2026, 2, 11), date(2026, 2, 12)]
    assert reminders(parse_clock("24 hours"), start, None, THAI) == ()


def test_it_keeps_whole_working_days_after_the_day_of_a_hold() -> None:
    clock = parse_clock("5 working days")
    ends = due(clock, at(date(2026, 2, 6)), THAI)
    left = left_after(clock, at(date(2026, 2, 11)), ends.at, ends.unrolled_on, THAI)
    assert left == Clock(2, "working days")


@given(
    start=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    amount=st.integers(1, 90),
    unit=st.sampled_from(["days", "working days", "weeks", "months"]),
    off=st.sets(st.dates(date(2024, 1, 1), date(2029, 12, 31)), max_size=20),
)
def test_it_never_ends_a_task_clock_on_a_day_off_or_before_it_began(
    start: date, amount: int, unit: str, off: set[date]
) -> None:
    calendar = Calendar("TH", off=tuple(off))
    ends = due(Clock(amount, unit), at(start), calendar)
    day = calendar.local_date(ends.at)
    assert day > start
    assert calendar.is_working(day)
    assert ends.unrolled_on is not None
    assert ends.unrolled_on <= day


@given(start=st.dates(date(2024, 1, 1), date(2028, 1, 1)), months=st.integers(1, 30))
def test_it_adds_months_without_leaving_the_month(start: date, months: int) -> None:
    later = add_months(start, months)
    assert (later.year * 12 + later.month) - (start.year * 12 + start.month) == months
    assert later.day <= start.day


@pytest.mark.parametrize("words", ["", "days", "-3 days", "4 fortnights", "3.5 days"])
def test_it_refuses_what_is_no_duration(words: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_clock(words)
