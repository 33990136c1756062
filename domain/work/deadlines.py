"""How clocks count (stories.md part 3): due moments, reminders, rungs, what a hold leaves."""

from __future__ import annotations

import calendar as months
import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.work.calendar import Calendar

UNITS = ("minutes", "hours", "days", "working days", "weeks", "months", "years")
SHORT_UNITS = ("minutes", "hours")
REMIND_AT = (0.5, 0.8)  # stories.md 3.6


@dataclass(frozen=True, slots=True)
class Clock:
    """A duration in its own unit; `legal` clocks never roll to a working day."""

    amount: int
    unit: str
    legal: bool = False

    def __str__(self) -> str:
        """The words of the rules, as in `45 days`."""
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Due:
    """When a clock ends. `unrolled_on` is its last day before rolling; None for hour clocks."""

    at: datetime
    unrolled_on: date | None


def parse_clock(words: str, *, legal: bool = False) -> Clock:
    """Read `45 days`; raises ValueError with the units allowed."""
    number, _, unit = words.strip().partition(" ")
    unit = unit if unit.endswith("s") else f"{unit}s"
    if not number.isdigit() or unit not in UNITS:
        msg = f"'{words}' is not a duration; write a number and one of {', '.join(UNITS)}"
        raise ValueError(msg)
    return Clock(int(number), unit, legal)


def add_months(day: date, count: int) -> date:
    """`count` months later; later than the 31st becomes the last day of the month."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    last = months.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def last_day(clock: Clock, start: date, calendar: Calendar) -> date:
    """The last day of a clock in days or longer, not yet rolled."""
    match clock.unit:
        case "working days":
            return calendar.add_working(start, clock.amount)
        case "weeks":
            return start + timedelta(weeks=clock.amount)
        case "months":
            return add_months(start, clock.amount)
        case "years":
            return add_months(start, 12 * clock.amount)
        case _:
            return start + timedelta(days=clock.amount)


def due(clock: Clock, start: datetime, calendar: Calendar) -> Due:
    """When the clock that began at `start` ends on this calendar (3.1, 3.3, 3.4).

    Clocks in minutes and hours run to the minute and never roll: danger does not wait for Monday.
    """
    if clock.unit in SHORT_UNITS:
        return Due(start + timedelta(**{clock.unit: clock.amount}), None)
    day = last_day(clock, calendar.local_date(start), calendar)
    rolled = day if clock.legal else calendar.forward(day)
    return Due(calendar.closing(rolled), day)


def before(day: date, lead: Clock, calendar: Calendar) -> date:
    """The last working day on or before `lead` ahead of `day` (3.4)."""
    match lead.unit:
        case "working days":
            for _ in range(lead.amount):
                day = calendar.back(day - timedelta(days=1))
            return day
        case "months":
            return calendar.back(add_months(day, -lead.amount))
        case "hours" | "minutes":
            return day
        case _:
            return calendar.back(day - timedelta(days=lead.amount))


def reminders(
    clock: Clock, start: date, unrolled_on: date | None, calendar: Calendar
) -> tuple[datetime, ...]:
    """The moments of the two E0 reminders: 50 and 80 percent in the clock's own unit (3.6)."""
    if unrolled_on is None or clock.unit in SHORT_UNITS:
        return ()
    if clock.unit == "working days":
        length = calendar.working_between(start, unrolled_on)
        days = [calendar.add_working(start, math.ceil(length * part)) for part in REMIND_AT]
    else:
        length = (unrolled_on - start).days
        days = [start + timedelta(days=math.ceil(length * part)) for part in REMIND_AT]
    return tuple(calendar.opening(day) for day in dict.fromkeys(days)) if length > 0 else ()


def left_after(
    clock: Clock, held_at: datetime, due_at: datetime, unrolled_on: date | None, calendar: Calendar
) -> Clock:
    """What a hold leaves of a clock: whole units after the day of the hold (3.9)."""
    if clock.unit in SHORT_UNITS or unrolled_on is None:
        seconds = max(0, int((due_at - held_at).total_seconds()))
        return Clock(math.ceil(seconds / 60), "minutes", clock.legal)
    today = calendar.local_date(held_at)
    if clock.unit == "working days":
        return Clock(calendar.working_between(today, unrolled_on), "working days", clock.legal)
    return Clock(max(0, (unrolled_on - today).days), "days", clock.legal)
