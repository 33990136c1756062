"""One table of a story file, read with care: every key typed, every mistake a plain sentence.

It never knows what a table is for; `story/file.py` says which keys and words are allowed.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_WITHIN = re.compile(r"(\d+) (seconds?|minutes?|hours?|days?)")


class StoryFileError(Exception):
    """A mistake in a story file; as text, one sentence a writer can act on.

    `table` names the table as people find it ("[[act]] number 3, line 41"), `key` is empty when
    the whole table is meant, `what_is_allowed` says what is wrong and what may stand there.
    """

    def __init__(self, file: str, table: str, key: str, what_is_allowed: str) -> None:
        self.file = file
        self.table = table
        self.key = key
        self.what_is_allowed = what_is_allowed
        where = ", ".join(part for part in (file, table, f'key "{key}"' if key else "") if part)
        super().__init__(f"{where}: {what_is_allowed}")


def listed(words: Iterable[str], limit: int = 14) -> str:
    """The words as people read them in a sentence, cut after `limit`."""
    every = list(words)
    shown = ", ".join(every[:limit])
    return f"{shown} and {len(every) - limit} more" if len(every) > limit else shown


def not_allowed(word: object, allowed: Iterable[str], what: str = "word") -> str:
    """'"trcing" is no step here. Did you mean "tracing"? Allowed: ...'."""
    every = list(allowed)
    close = get_close_matches(str(word), every, n=1)
    meant = f' Did you mean "{close[0]}"?' if close else ""
    return f'"{word}" is no {what} here.{meant} Allowed: {listed(every)}'


def read_zone(text: str) -> timezone | None:
    """'+07:00' as a zone; None when the text is not of that form."""
    match = _OFFSET.fullmatch(text)
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(offset if match[1] == "+" else -offset)


class Table:
    """The keys of one table. Each reader takes a key away; `done` complains about what is left."""

    def __init__(
        self,
        file: Path,
        name: str,
        values: Mapping[str, object],
        zone: timezone,
        allowed: Iterable[str],
    ) -> None:
        self.file = file
        self.name = name
        self.values = values
        self.zone = zone
        allowed = tuple(allowed)
        for key in values:
            if key not in allowed:
                self.fail(key, not_allowed(key, allowed, "key"))

    def fail(self, key: str, what_is_allowed: str) -> NoReturn:
        """Ends the reading with the sentence for this key."""
        raise StoryFileError(str(self.file), self.name, key, what_is_allowed)

    def need(self, *keys: str) -> None:
        """The keys must be there."""
        for key in keys:
            if key not in self.values:
                self.fail(key, "is missing; it is required here")

    def text(self, key: str) -> str | None:
        """Text that is not empty."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self.fail(key, "must be text in quotes, and not empty")
        return value

    def word(self, key: str, allowed: Collection[str], what: str = "word") -> str | None:
        """One of the allowed words."""
        value = self.text(key)
        if value is not None and value not in allowed:
            self.fail(key, not_allowed(value, allowed, what))
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A text or a list of texts, always as a tuple."""
        value = self.values.get(key)
        if value is None:
            return None
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) and one.strip() for one in several):
            self.fail(key, 'must be text in quotes, or a list of texts like ["a", "b"]')
        return tuple(several)

    def country(self, key: str) -> str | None:
        """A country in two capital letters."""
        value = self.text(key)
        if value is not None:
            self.check_country(key, value)
        return value

    def check_country(self, key: str, value: str) -> None:
        """Fails when the text is no country in two capital letters."""
        if not re.fullmatch(r"[A-Z]{2}", value):
            self.fail(key, f'"{value}" must be a country in two capital letters, like "LA"')

    def number(self, key: str, least: int = 0) -> int | None:
        """A whole number of at least `least`."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.fail(key, f"must be a whole number, {least} or more")
        return value

    def truth(self, key: str) -> bool | None:
        """A truth value."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            self.fail(key, "must be true or false, without quotes")
        return value

    def moment(self, key: str) -> datetime | None:
        """A date with an hour; the file's zone applies where it names none of its own."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, datetime):
            self.fail(key, "must be a moment like 2026-02-24T10:00:00, without quotes")
        return self._aware(value)

    def day(self, key: str) -> date | None:
        """A date without an hour."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fail(key, "must be a date like 2026-02-24, without hour and quotes")
        return value

    def day_or_moment(self, key: str) -> date | datetime | None:
        """A date, or a moment."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, date):
            self.fail(key, "must be a date like 2026-02-24 or a moment like 2026-02-24T10:00:00")
        return self._aware(value) if isinstance(value, datetime) else value

    def days(self, key: str) -> tuple[date, ...]:
        """A list of dates."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.fail(key, "must be a list of dates like [2026-04-14, 2026-04-15]")
        for one in value:
            if not isinstance(one, date) or isinstance(one, datetime):
                self.fail(key, f'must be a list of dates like [2026-04-14]; "{one}" is none')
        return tuple(value)

    def hour(self, key: str) -> time | None:
        """An hour of the day, "16:30"."""
        value = self.values.get(key)
        if value is None or isinstance(value, time):
            return value
        if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            self.fail(key, 'must be an hour like "16:30"')
        return time.fromisoformat(value)

    def duration(self, key: str) -> timedelta | None:
        """'1 minutes', in seconds, minutes, hours or days."""
        value = self.text(key)
        if value is None:
            return None
        match = _WITHIN.fullmatch(value)
        if not match:
            self.fail(key, 'must be like "30 seconds", "1 minutes", "2 hours" or "3 days"')
        return timedelta(**{match[2].rstrip("s") + "s": int(match[1])})

    def mapping(self, key: str) -> dict[str, object]:
        """A table inside this one; its moments become aware, all else is kept as it is."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.fail(key, 'must be a table like { channel = "letter" }')
        return {
            name: self._aware(one) if isinstance(one, datetime) else one
            for name, one in value.items()
        }

    def raw(self, key: str) -> object:
        """The value as it stands, a moment made aware."""
        value = self.values.get(key)
        return self._aware(value) if isinstance(value, datetime) else value

    def _aware(self, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=self.zone)


def lines_of(text: str, name: str) -> list[int]:
    """The line numbers of the `[[name]]` headers of a TOML text, in order."""
    header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
    return [n for n, line in enumerate(text.splitlines(), start=1) if header.match(line)]
