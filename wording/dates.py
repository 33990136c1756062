"""Dates as people read them: in the zone of the office concerned, the zone always named."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from wording.catalogue import Words


def day(words: Words, value: date | datetime, zone: tzinfo) -> str:
    """Return `10 April 2026`."""
    local = value.astimezone(zone) if isinstance(value, datetime) else value
    return words(
        "dates.day", day=local.day, month=words(f"dates.months.{local.month}"), year=local.year
    )


def moment(words: Words, value: datetime, zone: tzinfo) -> str:
    """Return `10 April 2026, 16:30 (UTC+7)`."""
    local = value.astimezone(zone)
    return words(
        "dates.moment",
        day=day(words, value, zone),
        time=f"{local.hour:02}:{local.minute:02}",
        zone=zone_name(zone, value),
    )


def zone_name(zone: tzinfo, at: datetime) -> str:
    """Return `UTC+7`, or `UTC+6:30` in Myanmar."""
    minutes = int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def offset(zone: tzinfo, at: datetime) -> str:
    """Return `+07:00`, as a moment that was typed without it needs."""
    return at.astimezone(zone).isoformat()[-6:]


def distance(words: Words, due: datetime, now: datetime, zone: tzinfo) -> str:
    """Return how far a due date is, in calendar days of that zone: `3 days left`, `due today`."""
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days == 0:
        return words("dates.today" if due >= now else "dates.earlier_today")
    return words("dates.left" if days > 0 else "dates.late", n=abs(days))
