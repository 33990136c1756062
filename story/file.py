"""Reads a story file: TOML in, a frozen `Story` out, or one plain sentence about what is wrong.

It checks form and words, never whether an act would be right: that is the core's to say.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, TypeVar

from story import words
from story.acts import act_keys, read_act
from story.expectations import read_words
from story.model import (
    Act,
    CalendarTable,
    Disturb,
    Expect,
    Never,
    PartyTable,
    Person,
    SegmentTable,
    Story,
    Value,
    World,
    place,
    split_role,
    split_step,
)
from story.names import Added, AddedBy, Names
from story.table import StoryFileError, Table, lines_of, not_allowed, read_zone

__all__ = [
    "Act",
    "Added",
    "CalendarTable",
    "Disturb",
    "Expect",
    "Never",
    "PartyTable",
    "Person",
    "SegmentTable",
    "Story",
    "StoryFileError",
    "Value",
    "World",
    "comes_later",
    "read_story",
    "split_role",
    "split_step",
]

T = TypeVar("T")
DEFAULT_ZONE = timezone(timedelta(hours=7))  # contract 3.12


def read_story(path: Path, added: AddedBy | None = None) -> Story:
    """Reads and checks one story file.

    `added` tells which words a rulebook adds to those of the contract; it is called once, with
    the story's `rules` folder or None for the shipped rules. Raises StoryFileError.
    """
    return _Reader(path, _toml(path), added).story()


def comes_later(story: Story) -> str | None:
    """One sentence when the story uses what this release reads but cannot play yet."""
    for segment in story.segments:
        if segment.corridor not in words.PLAYABLE_CORRIDORS:
            playable = ", ".join(words.PLAYABLE_CORRIDORS)
            return f"the corridor {segment.corridor} comes later; playable now: {playable}"
    if len(story.segments) > 1:
        return "a way home of several segments comes later; playable now: one segment"
    if len(story.persons) > 1 or any(person.batch for person in story.persons):
        return "a return of several persons comes later; playable now: one person"
    for act in story.acts:
        if act.do in words.LATER_ACTS:
            return f'{act.place}: "{act.do}" comes later, with groups, journeys and segments'
    looked_for: tuple[Expect | Never, ...] = (*story.expects, *story.nevers)
    for one in looked_for:
        for word in words.LATER_EXPECTATIONS:
            if word in one.words:
                return f'{one.place}: "{word}" comes later, with groups'
        if one.words.get("view") in words.LATER_VIEWS:
            return f'{one.place}: the view "{one.words["view"]}" comes later, with groups'
    return None


def _toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        why = error.strerror or "no reason given"
        raise StoryFileError(str(path), "", "", f"cannot be read: {why}") from error
    except UnicodeDecodeError as error:
        raise StoryFileError(str(path), "", "", "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise StoryFileError(str(path), "", "", f"is not TOML: {error}") from error


class _Reader:
    """One reading of one file."""

    def __init__(self, path: Path, toml: tuple[dict[str, Any], str], added: AddedBy | None) -> None:
        self.path = path
        self.data, self.text = toml
        self.zone = DEFAULT_ZONE
        self.top = Table(path, "top of the file", self.data, self.zone, words.TOP_KEYS)
        self.zone = self._zone()
        self.top.zone = self.zone
        self.top.need("title", "opens")
        self.title = self.top.text("title") or ""
        self.opens = self._opens()
        rules = self.top.text("rules")
        self.rules = (path.parent / rules).resolve() if rules else None
        self.names = Names(added(self.rules) if added else Added())

    def story(self) -> Story:
        """Names first, so that every table after them can be checked against them."""
        segments = tuple(self._segment(table) for table in self._tables("segment"))
        if not segments:
            self.top.fail("segment", 'is missing; a story has [[segment]] with corridor = "th-la"')
        self.names = Names(self.names.added, segments, added_segments=self._added_segments())
        self.names = replace(self.names, parties=self._parties())
        self.names = replace(self.names, persons=self._persons(segments))
        self._check_under()
        return Story(
            path=self.path,
            title=self.title,
            opens=self.opens,
            zone=self.zone,
            rules=self.rules,
            policy=self._policy(),
            calendars=self._calendars(),
            segments=segments,
            persons=self.names.persons,
            parties=self.names.parties,
            acts=self._numbered("act", self._act),
            worlds=self._numbered("world", self._world),
            disturbs=self._numbered("disturb", self._disturb),
            expects=self._numbered("expect", self._expect),
            nevers=self._numbered("never", self._never),
        )

    # the top -----------------------------------------------------------------------------

    def _zone(self) -> timezone:
        text = self.top.text("zone")
        zone = read_zone(text) if text else DEFAULT_ZONE
        if zone is None:
            self.top.fail("zone", 'must be an offset like "+07:00"')
        return zone

    def _opens(self) -> datetime:
        opens = self.top.moment("opens")
        if opens is None:
            self.top.fail("opens", "is missing; it is required here")
        return opens

    def _policy(self) -> dict[str, str]:
        table = Table(
            self.path, "[policy]", self.top.mapping("policy"), self.zone, self._of("policy")
        )
        policy: dict[str, str] = {}
        for key in table.values:
            step, dot, name = key.rpartition(".")
            if not dot or not step or not name:
                table.fail(
                    key, 'must name a step and a field in quotes: "tracing.within" = "45 days"'
                )
            value = table.raw(key)
            if isinstance(value, dict | list | bool):
                table.fail(key, 'must be text like "45 days", or a number')
            policy[key] = str(value)
        return policy

    def _calendars(self) -> dict[str, CalendarTable]:
        found = {}
        for country, values in self.top.mapping("calendars").items():
            name = f"[calendars.{country}]"
            self.top.check_country(f"calendars.{country}", country)
            if not isinstance(values, dict):
                self.top.fail(f"calendars.{country}", "must be a table: [calendars.LA]")
            table = Table(self.path, name, values, self.zone, words.CALENDAR_KEYS)
            found[country] = self._calendar(table)
        return found

    def _calendar(self, table: Table) -> CalendarTable:
        use = table.word("use", ("shipped",), "calendar to use")
        both = [key for key in ("off", "on", "closes") if key in table.values]
        if use and both:
            table.fail(both[0], 'cannot stand beside use = "shipped"; give a list or the real one')
        return CalendarTable(table.days("off"), table.days("on"), table.hour("closes"), bool(use))

    def _segment(self, table: Table) -> SegmentTable:
        table.need("corridor")
        corridor = table.word("corridor", self.names.corridors, "corridor") or ""
        country = table.country("country")
        if corridor == "transit" and country is None:
            table.fail("country", 'is missing; a transit segment names its country = "CN"')
        if corridor != "transit" and country is not None:
            table.fail("country", 'belongs to corridor = "transit" only')
        return SegmentTable(corridor, country)

    def _added_segments(self) -> tuple[str, ...]:
        """Corridors that an act adds later; steps and roles may carry them in front."""
        acts = self.data.get("act", [])
        if not isinstance(acts, list):
            return ()
        return tuple(
            str(act.get("corridor"))
            for act in acts
            if isinstance(act, dict) and act.get("do") == "add_segment"
        )

    # persons and parties -----------------------------------------------------------------

    def _persons(self, segments: tuple[SegmentTable, ...]) -> tuple[Person, ...]:
        found: list[Person] = []
        for table in self._tables("person"):
            for person in self._person(table):
                if any(other.id == person.id for other in found):
                    table.fail("id", f'"{person.id}" is there already; each person has an id')
                found.append(person)
        committee = all(one.corridor == "committee-district" for one in segments)
        if committee and found:
            self.top.fail("person", "a committee's year has no person")
        if not committee and not found:
            self.top.fail("person", "is missing; a story has at least one [[person]]")
        return tuple(found)

    def _person(self, table: Table) -> Iterable[Person]:
        table.need("id")
        identity = table.text("id") or ""
        if identity == "all" or identity.startswith("batch:"):
            table.fail("id", f'"{identity}" means several persons in `who`; choose another id')
        if ("born" in table.values) == ("age" in table.values):
            table.fail("born", 'one of the two must be there: born, or age (age = "unknown" too)')
        country = table.country("country")
        flags = table.texts("flags") or ()
        one = Person(
            id=identity,
            born=table.day("born"),
            age=self._age(table),
            sex=table.text("sex"),
            country=country,
            flags=tuple(self.names.flag(table, "flags", flag) for flag in flags if flag),
            batch=table.text("batch"),
        )
        if "count" not in table.values:
            return [one]
        count = table.number("count", least=1) or 1
        digits = max(2, len(str(count)))
        every = (f"{identity}-{n:0{digits}}" for n in range(1, count + 1))
        return [
            Person(each, one.born, one.age, one.sex, one.country, one.flags, one.batch)
            for each in every
        ]

    def _age(self, table: Table) -> int | Literal["unknown"] | None:
        if table.values.get("age") == "unknown":
            return "unknown"
        if isinstance(table.values.get("age"), str):
            table.fail("age", 'must be a whole number, or "unknown"')
        return table.number("age")

    def _parties(self) -> dict[str, PartyTable]:
        found = {}
        for key, values in self.top.mapping("parties").items():
            if not isinstance(values, dict):
                self.top.fail(f"parties.{key}", "must be a table: [parties.desk]")
            table = Table(self.path, f"[parties.{key}]", values, self.zone, words.PARTY_KEYS)
            table.need("role")
            found[key] = PartyTable(
                key=key,
                role=self.names.party(table, "role") or "",
                name=table.text("name"),
                head=table.text("head"),
                deputy=table.text("deputy"),
                vacant=self._vacant(table),
                under=table.text("under"),
            )
        return found

    def _vacant(self, table: Table) -> bool:
        vacant = bool(table.truth("vacant"))
        if vacant and "head" in table.values:
            table.fail("vacant", "cannot be true beside a head; a post nobody holds has none")
        return vacant

    def _check_under(self) -> None:
        for key, values in self.top.mapping("parties").items():
            if isinstance(values, dict) and "under" in values:
                name = f"[parties.{key}]"
                table = Table(self.path, name, values, self.zone, words.PARTY_KEYS)
                self.names.party(table, "under")

    # acts, world, disturb, expect, never ------------------------------------------------

    def _act(self, table: Table, number: int, line: int) -> Act:
        return read_act(table, self.names, self._since_opening(table), number, line)

    def _since_opening(self, table: Table) -> datetime:
        at = self._at(table)
        if at < self.opens:
            table.fail("at", f"must not be before the story opens ({self.opens.isoformat()})")
        return at

    def _at(self, table: Table) -> datetime:
        at = table.moment("at")
        if at is None:
            table.fail("at", "is missing; it is required here")
        return at

    def _world(self, table: Table, number: int, line: int) -> World:
        table.need("at")
        about = [key for key in words.WORLDS if key in table.values]
        if len(about) != 1:
            table.fail("", f"must be about exactly one of {', '.join(words.WORLDS)}")
        what = about[0]
        allowed = ("at", "by", what, *words.WORLDS[what])
        for key in table.values:
            if key not in allowed:
                table.fail(key, f"does not belong to {what}; allowed: {', '.join(allowed)}")
        subject = table.text(what) or ""
        self._check_world(table, what, subject)
        return World(
            number=number,
            line=line,
            at=self._at(table),
            by=self.names.party(table, "by") or "admin",
            about=what,
            subject=subject,
            calendar=self._calendar(table) if what == "calendar" else None,
            status=table.word("status", words.CROSSING_STATUS, "status"),
            head=table.text("head"),
            deputy=table.text("deputy"),
            vacant=self._vacant(table),
            excluded=self._excluded(table),
            from_=self._edge(table, "from", time(0, 0)),
        )

    def _check_world(self, table: Table, what: str, subject: str) -> None:
        if what == "calendar":
            table.check_country("calendar", subject)
            if not any(key in table.values for key in words.CALENDAR_KEYS):
                table.fail("off", "is missing; a changed calendar brings off, on, closes or use")
        elif what == "crossing":
            table.need("status")
        elif what == "party":
            self.names.check_party(table, "party", subject)
            if not any(key in table.values for key in ("head", "deputy", "vacant", "excluded")):
                table.fail(
                    "head", "is missing; a party changes by head, deputy, vacant or excluded"
                )

    def _excluded(self, table: Table) -> str | None:
        excluded = table.text("excluded")
        every = [person.id for person in self.names.persons]
        if excluded is not None and excluded not in every:
            table.fail("excluded", not_allowed(excluded, every, "person"))
        return excluded

    def _disturb(self, table: Table, number: int, line: int) -> Disturb:
        table.need("at", "do")
        do = table.text("do") or ""
        parts = do.split()
        pattern = ["stop", "database", parts[2], "s"] if len(parts) == 4 else []
        stops = parts == pattern and parts[2].isdecimal()
        if not stops and do not in words.DISTURBANCES[:2] + words.DISTURBANCES[3:]:
            table.fail("do", not_allowed(do, words.DISTURBANCES, "disturbance"))
        return Disturb(number, line, self._at(table), do)

    def _expect(self, table: Table, number: int, line: int) -> Expect:
        table.need("at")
        return Expect(
            number=number,
            line=line,
            at=self._since_opening(table),
            who=self.names.who(table, needed=False),
            who_given="who" in table.values,
            within=table.duration("within"),
            words=read_words(table, self.names, never=False),
        )

    def _never(self, table: Table, number: int, line: int) -> Never:
        from_ = self._edge(table, "from", time(0, 0))
        until = self._edge(table, "until", time(23, 59, 59))
        if from_ and until and until < from_:
            table.fail("until", "must not be before from")
        return Never(
            number=number,
            line=line,
            from_=from_,
            until=until,
            who=self.names.who(table, needed=False),
            who_given="who" in table.values,
            words=read_words(table, self.names, never=True),
        )

    # small things --------------------------------------------------------------------------

    def _edge(self, table: Table, key: str, hour: time) -> datetime | None:
        """A moment; a plain date counts from its first or to its last second."""
        value = table.day_or_moment(key)
        if value is None or isinstance(value, datetime):
            return value
        return datetime.combine(value, hour, tzinfo=self.zone)

    def _of(self, key: str) -> tuple[str, ...]:
        """Every key of that table is allowed; its form is checked elsewhere."""
        return tuple(self.top.mapping(key))

    def _tables(self, name: str) -> list[Table]:
        return [table for table, _, _ in self._placed(name)]

    def _numbered(self, name: str, read: Callable[[Table, int, int], T]) -> tuple[T, ...]:
        return tuple(read(table, number, line) for table, number, line in self._placed(name))

    def _placed(self, name: str) -> list[tuple[Table, int, int]]:
        rows = self.data.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.top.fail(name, f"must be written with double brackets: [[{name}]]")
        lines = lines_of(self.text, name)
        if len(lines) != len(rows):  # written inline, or a header inside a long text
            lines = [0] * len(rows)
        allowed = _KEYS[name]
        return [
            (Table(self.path, place(name, n, line), row, self.zone, allowed), n, line)
            for n, (row, line) in enumerate(zip(rows, lines, strict=True), start=1)
        ]


def _world_keys() -> tuple[str, ...]:
    own = (key for about, keys in words.WORLDS.items() for key in (about, *keys))
    return tuple(dict.fromkeys(("at", "by", *own)))


_KEYS: Mapping[str, tuple[str, ...]] = {
    "segment": words.SEGMENT_KEYS,
    "person": words.PERSON_KEYS,
    "act": act_keys(),
    "world": _world_keys(),
    "disturb": words.DISTURB_KEYS,
    "expect": words.EXPECT_KEYS,
    "never": words.NEVER_KEYS,
}
