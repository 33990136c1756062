"""A country's working days and local time. Plain sets of dates; never asks a library or a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

OPENING_HOUR = time(8, 30)  # stories.md 3.6
CLOSING_HOUR = time(16, 30)  # stories.md 3.3
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of one country: the weekend, days off, and weekend days worked.

    `weekend` uses date.weekday() numbers (5 = Saturday). `zone_minutes` is the fixed offset from
    UTC; none of the countries served has summer time (stories.md 3.2).
    """

    country: str
    zone_minutes: int = 420
    off: tuple[date, ...] = ()
    on: tuple[date, ...] = ()
    weekend: tuple[int, ...] = (5, 6)
    closes: time = CLOSING_HOUR
    opens: time = OPENING_HOUR

    @property
    def zone(self) -> timezone:
        """The country's own time zone."""
        return timezone(timedelta(minutes=self.zone_minutes))

    def local_date(self, moment: datetime) -> date:
        """The day that `moment` falls on here."""
        return moment.astimezone(self.zone).date()

    def at(self, day: date, hour: time) -> datetime:
        """The moment `hour` on `day` here."""
        return datetime.combine(day, hour, self.zone)

    def closing(self, day: date) -> datetime:
        """When offices close on `day`."""
        return self.at(day, self.closes)

    def opening(self, day: date) -> datetime:
        """When offices open on `day`."""
        return self.at(day, self.opens)

    def end_of(self, day: date) -> datetime:
        """Local midnight at the end of `day`."""
        return self.at(day + ONE_DAY, time(0, 0))

    def is_working(self, day: date) -> bool:
        """True on a working day; a named day off beats a named working weekend."""
        if day in self.off:
            return False
        return day in self.on or day.weekday() not in self.weekend

    def forward(self, day: date) -> date:
        """`day`, or the next working day."""
        while not self.is_working(day):
            day += ONE_DAY
        return day

    def back(self, day: date) -> date:
        """`day`, or the working day before it."""
        while not self.is_working(day):
            day -= ONE_DAY
        return day

    def add_working(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`; day 0 does not count."""
        while count > 0:
            day += ONE_DAY
            if self.is_working(day):
                count -= 1
        return day

    def working_between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and including `end`."""
        days = (end - start).days
        return sum(self.is_working(start + timedelta(days=n)) for n in range(1, days + 1))
