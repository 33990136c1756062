"""Offices and calendars as their tables say, and what they are when a table says nothing."""

from datetime import date, time

import pytest

from domain.rules.register import RegisteredOffice, read_calendar, registered
from domain.work.calendar import Calendar


def test_it_registers_an_office_that_says_only_what_it_must() -> None:
    row = {"id": "desk", "name": "Desk", "country": "TH", "roles": ["desk", "case"]}
    assert list(registered({"office": [row]})) == [
        RegisteredOffice("desk", "Desk", "TH", ("desk", "case"))
    ]


def test_it_takes_monday_to_friday_and_usual_hours_where_nothing_is_said() -> None:
    assert read_calendar("XX", {}) == Calendar("XX", weekend=(5, 6))


def test_it_reads_hours_written_as_words_or_as_times() -> None:
    calendar = read_calendar("XX", {"opens": "09:15", "closes": time(15, 45)})
    assert (calendar.opens, calendar.closes) == (time(9, 15), time(15, 45))


def test_it_reads_days_with_and_without_a_name() -> None:
    off = [{"day": date(2026, 4, 14), "name": "New Year"}, date(2026, 1, 1)]
    assert read_calendar("XX", {"off": off}).off == (date(2026, 1, 1), date(2026, 4, 14))


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [("+07:00", 420), ("+07", 420), ("+05:45", 345), ("-03:30", -210), ("+00:00", 0)],
)
def test_it_reads_a_zone(zone: str, minutes: int) -> None:
    assert read_calendar("XX", {"zone": zone}).zone_minutes == minutes
