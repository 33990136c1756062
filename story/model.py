"""What a story file says, as frozen dataclasses: the shape of each table, nothing decided.

Every moment is timezone-aware; a plain date stays a date. Parties stand as the file names them,
a key of [parties] or a role; nothing here translates or binds them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Literal

from story import words

When = date | datetime
Value = str | int | bool | date | datetime | tuple[str, ...] | Mapping[str, int]


@dataclass(frozen=True)
class CalendarTable:
    """The days off and the working weekend days of one country."""

    off: tuple[date, ...] = ()
    on: tuple[date, ...] = ()
    closes: time | None = None
    use_shipped: bool = False


@dataclass(frozen=True)
class SegmentTable:
    """One leg of the way home; `country` only in transit."""

    corridor: str
    country: str | None = None


@dataclass(frozen=True)
class Person:
    """One person; a table with `count` becomes that many. Exactly one of `born` and `age` is set."""

    id: str
    born: date | None = None
    age: int | Literal["unknown"] | None = None
    sex: str | None = None
    country: str | None = None
    flags: tuple[str, ...] = ()
    batch: str | None = None


@dataclass(frozen=True)
class PartyTable:
    """Who holds a role; `under` is the party that E1 goes to."""

    key: str
    role: str
    name: str | None = None
    head: str | None = None
    deputy: str | None = None
    vacant: bool = False
    under: str | None = None


@dataclass(frozen=True)
class Act:
    """Somebody does something; `who` holds the ids of the persons meant."""

    number: int
    line: int
    at: datetime
    by: str
    do: str
    who: tuple[str, ...] = ()
    happened: datetime | None = None
    user: str | None = None
    for_: str | None = None
    step: str | None = None
    outcome: str | None = None
    reason: str | None = None
    result: Mapping[str, object] = field(default_factory=dict)
    refused: str | None = None
    due: When | None = None
    until: When | None = None
    review: When | None = None
    date: When | None = None
    valid_until: When | None = None
    to: str | None = None
    decision: str | None = None
    purpose: str | None = None
    receiver: str | None = None
    flag: str | None = None
    kind: str | None = None
    owner: str | None = None
    fact: str | None = None
    value: object = None
    crossing: str | None = None
    receiving: str | None = None
    segment: str | None = None
    corridor: str | None = None
    country: str | None = None
    batch: str | None = None
    approved_by: str | None = None

    @property
    def place(self) -> str:
        """Where it stands in the file, for messages."""
        return place("act", self.number, self.line)


@dataclass(frozen=True)
class World:
    """A change that is no act on a case.

    `about` says which; `subject` names the country, crossing, party or rules folder that changes.
    """

    number: int
    line: int
    at: datetime
    by: str
    about: str
    subject: str
    calendar: CalendarTable | None = None
    status: str | None = None
    head: str | None = None
    deputy: str | None = None
    vacant: bool = False
    excluded: str | None = None
    from_: datetime | None = None

    @property
    def place(self) -> str:
        """Where it stands in the file, for messages."""
        return place("world", self.number, self.line)


@dataclass(frozen=True)
class Disturb:
    """Something that breaks while the engine plays; the core ignores it."""

    number: int
    line: int
    at: datetime
    do: str


@dataclass(frozen=True)
class Expect:
    """What must hold at a moment: every key of part 2.4 the table has, in file order.

    Words that may be one or several (`sentence_has`, `forecast`, `to` ...) are always tuples.
    """

    number: int
    line: int
    at: datetime
    who: tuple[str, ...]
    who_given: bool
    within: timedelta | None
    words: Mapping[str, Value]

    @property
    def place(self) -> str:
        """Where it stands in the file, for messages."""
        return place("expect", self.number, self.line)


@dataclass(frozen=True)
class Never:
    """What must never hold; `step` alone means that the step is never made."""

    number: int
    line: int
    from_: datetime | None
    until: datetime | None
    who: tuple[str, ...]
    who_given: bool
    words: Mapping[str, Value]

    @property
    def place(self) -> str:
        """Where it stands in the file, for messages."""
        return place("never", self.number, self.line)


@dataclass(frozen=True)
class Story:
    """One story file, read and checked."""

    path: Path
    title: str
    opens: datetime
    zone: timezone
    rules: Path | None
    policy: Mapping[str, str]
    calendars: Mapping[str, CalendarTable]
    segments: tuple[SegmentTable, ...]
    persons: tuple[Person, ...]
    parties: Mapping[str, PartyTable]
    acts: tuple[Act, ...]
    worlds: tuple[World, ...]
    disturbs: tuple[Disturb, ...]
    expects: tuple[Expect, ...]
    nevers: tuple[Never, ...]

    @property
    def last_moment(self) -> datetime:
        """The last moment the file speaks of; what must never be must not be until then."""
        moments = [self.opens]
        moments += [act.at for act in self.acts]
        moments += [world.at for world in self.worlds]
        moments += [disturb.at for disturb in self.disturbs]
        moments += [one.at + (one.within or timedelta(0)) for one in self.expects]
        moments += [one.until for one in self.nevers if one.until]
        return max(moments)


def place(table: str, number: int, line: int) -> str:
    """'[[act]] number 3, line 41'; without the line where it could not be found."""
    return f"[[{table}]] number {number}" + (f", line {line}" if line else "")


def split_step(step: str) -> tuple[str, str]:
    """The segment and the name of a step as a file writes it; the segment is '' when it has none."""
    first, slash, rest = step.partition("/")
    known = first in words.CORRIDORS or re.fullmatch(r"[a-z]{2}-[a-z]{2}", first)
    return (first, rest) if slash and known else ("", step)


def split_role(role: str) -> tuple[str, str]:
    """The segment and the name of a role; the segment is '' when it has none."""
    first, slash, rest = role.partition("/")
    return (first, rest) if slash else ("", role)
