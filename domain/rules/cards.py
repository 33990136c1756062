"""Reading cards, clocks and ladders out of rule tables. Notes what is wrong, never stops at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from domain.work.deadlines import UNITS, Clock, parse_clock
from domain.work.procedure import Card, Ladder, Need, Outcome, Rung

Table = Mapping[str, Any]  # one TOML table as it was read

CLOCKS = ("within", "before_handover", "offered_before_handover", "before_valid", "valid_for")
RUNG_CLOCKS = ("warns", "reports")
MADE_HERE = ("watch",)  # known by the heading: [[step]] or [[watch]]
CARD_KEYS = (*(f.name for f in fields(Card) if f.name not in MADE_HERE), "for_each", "legal")
OUTCOME_KEYS = tuple(f.name for f in fields(Outcome) if f.name != "name")
RUNG_KEYS = ("name", "after", "to", "decides", "records")
REQUIRED = ("id", "title", "track", "owner", "source")
TEXTS = frozenset({"title", "source"})  # read by people: nothing is put in but {each} and {value}

T = TypeVar("T")

_SIDED = re.compile(r"(home|away)\.([\w*]+)")
_GAP = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with the rules, in plain words; `path` leads to a dead end if it is one."""

    file: str
    card: str
    field: str
    sentence: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for a terminal, and the path below it."""
        where = ", ".join(part for part in (self.file, self.card, self.field) if part)
        steps = "".join(f"\n    {step}" for step in self.path)
        return f"{where}: {self.sentence}{steps}"


@dataclass(slots=True)
class Notes:
    """Collects problems while one file is read."""

    file: str
    found: list[Finding] = field(default_factory=list)

    def add(self, card: str, key: str, sentence: str) -> None:
        """Note one problem of this file."""
        self.found.append(Finding(self.file, card, key, sentence))

    def unknown_keys(self, card: str, table: Table, allowed: tuple[str, ...]) -> None:
        """Note every key that nobody would read, with the one that was probably meant."""
        for key in table:
            if key not in allowed:
                self.add(card, key, f"nobody reads the key '{key}'{meant(key, allowed)}")


def meant(word: str, allowed: tuple[str, ...]) -> str:
    """`; did you mean 'x'?`, or nothing when no known word is near."""
    near = get_close_matches(word, allowed, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def fill(value: Any, words: Mapping[str, Any]) -> Any:
    """`value` with every `{word}` replaced; a list standing alone for a word is spliced in.

    Words that are not there are left as they stand: the checks name them.
    """
    if isinstance(value, str):
        alone = _GAP.fullmatch(value)
        if alone and alone[1] in words:
            return words[alone[1]]
        return _GAP.sub(lambda gap: str(words.get(gap[1], gap[0])), value)
    if isinstance(value, list):
        filled = [(item, fill(item, words)) for item in value]
        return [
            part
            for item, new in filled
            for part in (new if isinstance(new, list) and isinstance(item, str) else [new])
        ]
    if isinstance(value, Mapping):
        return {str(fill(key, words)): fill(item, words) for key, item in value.items()}
    return value


def take_sides(value: Any, home: str, away: str) -> Any:
    """`home.X` and `away.X` as roles of this corridor, wherever they stand alone."""
    if isinstance(value, str):
        sided = _SIDED.fullmatch(value)
        return f"{home if sided[1] == 'home' else away}.{sided[2]}" if sided else value
    if isinstance(value, list):
        return [take_sides(item, home, away) for item in value]
    if isinstance(value, Mapping):
        return {
            key: item if key in TEXTS else take_sides(item, home, away)
            for key, item in value.items()
        }
    return value


def spread(table: Table) -> Iterator[Table]:
    """The cards that one table stands for: itself, or one for each word of `for_each`."""
    each = table.get("for_each")
    if each is None:
        yield table
        return
    pairs = each.items() if isinstance(each, Mapping) else ((word, "") for word in each)
    bare = {key: item for key, item in table.items() if key != "for_each"}
    for word, value in pairs:
        made = fill(bare, {"each": word, "value": value})
        if isinstance(made, Mapping):
            yield made


def gaps(value: Any) -> Iterator[str]:
    """Every `{word}` that nothing was put into."""
    if isinstance(value, str):
        yield from _GAP.findall(value)
    elif isinstance(value, list):
        for item in value:
            yield from gaps(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from gaps(item)


class CardReader:
    """Turns one card's table into a `Card`; what it cannot read it notes and leaves out."""

    def __init__(self, notes: Notes, table: Table, *, watch: bool) -> None:
        """Read `table`, noting problems in `notes`."""
        self.notes = notes
        self.table = table
        self.watch = watch
        self.id = str(table.get("id", "?"))

    def card(self) -> Card | None:
        """The card, or None when it has no id."""
        table = self.table
        self.notes.unknown_keys(self.id, table, CARD_KEYS)
        for key in REQUIRED:
            if not table.get(key):
                self.note(key, f"every card needs '{key}'" + _why_needed(key))
        for gap in dict.fromkeys(gaps(table)):
            self.note("", f"'{{{gap}}}' is no word of this corridor; add it to [words]")
        if self.id == "?":
            return None
        legal = self.switch("legal", default=False)
        dated = self.switch("dated", default=False)
        made: dict[str, Any] = {
            **{key: self.text(key) for key in _TEXT_KEYS},
            **{key: self.words(key) for key in _LIST_KEYS},
            **{key: self.clock(key, legal=legal) for key in CLOCKS},
            **{key: self.rungs(key) for key in RUNG_CLOCKS},
            **{key: self.switch(key, default=False) for key in _SWITCH_KEYS},
        }
        return Card(
            id=self.id,
            kind=self.text("kind") or "plain",
            watch=self.watch,
            outcomes=self.outcomes(),
            after=self.needs(),
            dated=dated,
            pauses=self.switch("pauses", default=not (legal or dated or self.watch)),
            **made,
        )

    def note(self, key: str, sentence: str) -> None:
        """Note a problem of this card."""
        self.notes.add(self.id, key, sentence)

    def text(self, key: str) -> str:
        """A string; empty when absent."""
        return self.one(self.table, key, str, "")

    def switch(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return self.one(self.table, key, bool, default)

    def one(self, table: Table, key: str, kind: type[T], default: T) -> T:
        """A value of one type, or the default with a note."""
        value = table.get(key, default)
        if isinstance(value, kind):
            return value
        self.note(key, f"must be {_KINDS[kind]}, not {value!r}")
        return default

    def words(self, key: str) -> tuple[str, ...]:
        """A list of strings; a single string counts as a list of one."""
        return self.words_of(self.table, key)

    def words_of(self, table: Table, key: str) -> tuple[str, ...]:
        """The same, of a table within the card."""
        value = table.get(key, [])
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.note(key, f"must be a list of words, not {value!r}")
        return ()

    def clock(self, key: str, *, legal: bool = False) -> Clock | None:
        """A duration such as `45 days`; None when absent or unreadable."""
        value = self.table.get(key)
        return None if value is None else self.duration(key, value, legal=legal)

    def duration(self, key: str, value: Any, *, legal: bool = False) -> Clock | None:
        """A duration; a legal one may not be counted in working days (stories.md 3.4)."""
        clock = read_clock(value, legal=legal)
        if isinstance(clock, str):
            self.note(key, clock)
            return None
        if legal and clock.unit == "working days":
            self.note(key, "a legal clock never rolls, so it cannot count working days")
        return clock

    def rungs(self, key: str) -> tuple[tuple[str, Clock], ...]:
        """`{E0 = "30 days"}` as pairs, in the order of the file."""
        table = self.table.get(key, {})
        if not isinstance(table, Mapping):
            self.note(key, f'must be a table such as {{E0 = "30 days"}}, not {table!r}')
            return ()
        read = ((name, self.duration(key, value)) for name, value in table.items())
        return tuple((name, clock) for name, clock in read if clock is not None)

    def needs(self) -> tuple[Need, ...]:
        """The conditions of the start."""
        value = self.table.get("after", [])
        listed = [value] if isinstance(value, str | Mapping) else value
        if not isinstance(listed, list):
            self.note("after", f"must be a list of conditions, not {value!r}")
            return ()
        return tuple(need for item in listed if (need := self.need(item)) is not None)

    def need(self, item: Any) -> Need | None:
        """One condition: a string, or a table with `any` and `when`."""
        if isinstance(item, str):
            return Need(alternatives(item))
        if isinstance(item, Mapping) and item.get("any"):
            for key in item:
                if key not in {"any", "when"}:
                    self.note("after", f"a condition has 'any' and 'when', not '{key}'")
            facts = self.words_of(item, "any")
            return Need(
                tuple(part for fact in facts for part in alternatives(fact)),
                self.words_of(item, "when"),
            )
        self.note("after", f"must be a fact or a table with 'any' and 'when', not {item!r}")
        return None

    def outcomes(self) -> dict[str, Outcome]:
        """Every way the step can end."""
        tables = self.table.get("outcomes", {})
        if not isinstance(tables, Mapping):
            self.note("outcomes", "write each outcome as its own [step.outcomes.NAME]")
            return {}
        return {name: self.outcome(name, table) for name, table in tables.items()}

    def outcome(self, name: str, table: Any) -> Outcome:
        """One outcome, with what it starts, opens, closes and ends."""
        if not isinstance(table, Mapping):
            self.note(f"outcomes.{name}", "write each outcome as its own [step.outcomes.NAME]")
            return Outcome(name)
        for key in table:
            if key not in OUTCOME_KEYS:
                where = f"outcomes.{name}.{key}"
                self.note(where, f"nobody reads the key '{key}'{meant(key, OUTCOME_KEYS)}")
        made: dict[str, Any] = {}
        for part in fields(Outcome):
            if part.name == "name" or part.name not in table:
                continue
            if isinstance(part.default, bool):
                made[part.name] = self.one(table, part.name, bool, part.default)
            elif isinstance(part.default, str):
                made[part.name] = self.one(table, part.name, str, "")
            else:
                made[part.name] = self.words_of(table, part.name)
        return Outcome(name, **made)


_KINDS: Mapping[type, str] = {str: "a word in quotes", bool: "true or false"}
_SWITCH_KEYS = tuple(
    f.name
    for f in fields(Card)
    if isinstance(f.default, bool) and f.name not in {*MADE_HERE, "dated", "pauses"}
)
_TEXT_KEYS = (
    *("title", "track", "owner", "source"),
    *(f.name for f in fields(Card) if isinstance(f.default, str)),
)
_LIST_KEYS = tuple(
    f.name for f in fields(Card) if f.default == () and f.name not in {*RUNG_CLOCKS, "after"}
)


def _why_needed(key: str) -> str:
    if key == "source":
        return ": a mark of domain.md such as '[N1] ...', or 'proposal; ...'"
    return ""


def alternatives(fact: str) -> tuple[str, ...]:
    """`a or b` as its parts."""
    return tuple(part.strip() for part in fact.split(" or "))


def read_clock(value: Any, *, legal: bool = False) -> Clock | str:
    """A clock, or a sentence saying why it is none."""
    if not isinstance(value, str):
        return f"{value!r} is not a duration; write a number and one of {', '.join(UNITS)}"
    try:
        return parse_clock(value, legal=legal)
    except ValueError as wrong:
        return str(wrong)


def read_ladder(notes: Notes, table: Table) -> Ladder:
    """One ladder of ladders.toml."""
    name = str(table.get("id", "?"))
    notes.unknown_keys(name, table, ("id", "title", "remind", "rung", "source"))
    if not table.get("source"):
        notes.add(name, "source", "every ladder needs 'source'")
    read = (_rung(notes, name, item) for item in table.get("rung", []))
    rungs = tuple(rung for rung in read if rung is not None)
    return Ladder(name, rungs, tuple(table.get("remind", ["owner"])))


def _rung(notes: Notes, ladder: str, table: Table) -> Rung | None:
    notes.unknown_keys(ladder, table, RUNG_KEYS)
    clock = read_clock(table.get("after"))
    if isinstance(clock, str):
        notes.add(ladder, f"{table.get('name', 'rung')}.after", clock)
        return None
    return Rung(
        name=str(table.get("name", "")),
        after=clock,
        to=tuple(table.get("to", [])),
        decides=bool(table.get("decides", False)),
        records=str(table.get("records", "")),
    )
