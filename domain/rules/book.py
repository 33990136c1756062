"""The rulebook: every rule table of one folder, and the plan of a corridor made from it.

It knows no file system: `rulefiles.py` reads the folder and hands the tables over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time
from fnmatch import fnmatchcase
from typing import Any

from domain.rules.cards import (
    CARD_KEYS,
    CardReader,
    Finding,
    Notes,
    Table,
    fill,
    read_clock,
    read_ladder,
    spread,
    take_sides,
)
from domain.rules.facts import ROLES
from domain.rules.register import (
    AccountRole,
    RegisteredOffice,
    account_roles,
    read_calendar,
    registered,
)
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from domain.work.procedure import Card, GateRule, Ladder, Procedure

CORRIDORS = "corridors/"
CARDS = "cards/"
HOME_GATES = "gates"  # the word that stands for all gates asked at the handover
CORRIDOR_KEYS = (
    "id",
    "title",
    "host",
    "origin",
    "home",
    "version",
    "source",
    "cards",
    "identity",
    "child_needs",
    "sends_with_handover",
    "sends_with_handover_to",
    "words",
    "recipients",
    "step",
    "watch",
)
LIMITS = {
    "consent_lasts": ("releases.toml", "consent", "lasts"),
    "consent_confirmed_within": ("releases.toml", "consent", "confirmed_within"),
    "idle_after": ("ladders.toml", "idle", "after"),
}


class RulesWrong(ValueError):  # noqa: N818 - the rules are wrong, the program is not
    """The rules of a corridor, or a changed value, cannot be used; `problems` says why."""

    def __init__(self, problems: tuple[Finding, ...]) -> None:
        """Keep the problems; the text is one line for each."""
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rule tables by file name (`corridors/th-la.toml`), and what was wrong in reading them."""

    tables: Mapping[str, Table]
    problems: tuple[Finding, ...] = ()

    @property
    def corridors(self) -> tuple[str, ...]:
        """The ids of all corridors that have a file."""
        found = (name for name in self.tables if name.startswith(CORRIDORS))
        return tuple(name.removeprefix(CORRIDORS).removesuffix(".toml") for name in found)

    @property
    def offices(self) -> tuple[RegisteredOffice, ...]:
        """The register of offices."""
        return tuple(registered(self.table("offices.toml")))

    @property
    def account_roles(self) -> tuple[AccountRole, ...]:
        """The roles that accounts can have."""
        return tuple(account_roles(self.table("access.toml")))

    def table(self, file: str) -> Table:
        """One file's tables; empty when there is no such file."""
        return self.tables.get(file, {})

    def calendar(self, country: str) -> Calendar | None:
        """The shipped calendar of a country, if there is one."""
        table = self.table("calendars.toml").get(country)
        return read_calendar(country, table) if isinstance(table, Mapping) else None


def rulebook_from(tables: Mapping[str, Table], problems: tuple[Finding, ...] = ()) -> Rulebook:
    """A rulebook of the tables read from one folder, by file name relative to it."""
    return Rulebook({name: tables[name] for name in sorted(tables)}, problems)


# -- one corridor


@dataclass(slots=True)
class CorridorReading:
    """A corridor while it is read: its plan so far, where each card stands, what is wrong."""

    procedure: Procedure
    title: str
    files: dict[str, str]  # card id -> file
    problems: list[Finding]


def procedure_for(
    rulebook: Rulebook,
    corridor: str,
    policy: Mapping[str, Any] | None = None,
    calendars: Mapping[str, Calendar] | None = None,
    countries: Collection[str] = (),
) -> Procedure:
    """The plan of a corridor.

    `policy` changes named values, as `{"tracing.within": "45 days"}`. Without `calendars` the
    shipped ones of host, origin and `countries` are carried; with them, those alone, and every
    other country has Monday to Friday in its own zone. Raises `RulesWrong` when the rules of the
    corridor cannot be read or the policy names a value that is not there.
    """
    reading = read_corridor(rulebook, corridor, policy or {})
    wrong = (*rulebook.problems, *reading.problems)
    if wrong:
        raise RulesWrong(wrong)
    procedure = reading.procedure
    carried = {}
    for country in dict.fromkeys(
        (procedure.host, procedure.origin, *countries, *(calendars or {}))
    ):
        shipped = rulebook.calendar(country)
        given = (calendars or {}).get(country)
        if calendars is None and shipped is not None:
            carried[country] = shipped
        elif given is not None:
            carried[country] = given
        elif shipped is not None:
            carried[country] = Calendar(country, shipped.zone_minutes)
    return _with(procedure, calendars=carried)


def _with(procedure: Procedure, **changed: Any) -> Procedure:
    return Procedure(
        **{f.name: changed.get(f.name, getattr(procedure, f.name)) for f in fields(procedure)}
    )


def read_corridor(rulebook: Rulebook, corridor: str, policy: Mapping[str, Any]) -> CorridorReading:
    """Read one corridor with all that it includes; nothing is raised, problems are noted."""
    file = f"{CORRIDORS}{corridor}.toml"
    table = rulebook.table(file)
    notes = Notes(file)
    _check_head(rulebook, corridor, table, notes)
    found = [*notes.found]
    home = "origin" if table.get("home") == "origin" else "host"
    away = "origin" if home == "host" else "host"
    gates = _gates(rulebook, corridor, found)
    at_handover = gates.get("handed_over", gates.get("applies", ()))
    words = {**table.get("words", {}), HOME_GATES: list(at_handover)}
    changes = _Changes(rulebook, corridor, policy)
    cards, files = _cards(rulebook, table, (words, home, away), changes, found)
    lists = rulebook.table("releases.toml")

    def roles(listed: Any) -> tuple[str, ...]:
        return tuple(take_sides(list(listed), home, away))

    def role_lists(tables: Table, key: str) -> dict[str, tuple[str, ...]]:
        return {name: roles(row.get(key, [])) for name, row in tables.items()}

    recipients = {word: roles(listed) for word, listed in table.get("recipients", {}).items()}
    procedure = Procedure(
        corridor=corridor,
        host=str(table.get("host", "")),
        origin=str(table.get("origin", "")),
        home=home,
        version=str(table.get("version", "")),
        cards=cards,
        ladders=_ladders(rulebook, changes, found),
        calendars={},
        recipients={**recipients, "identity": tuple(table.get("identity", []))},
        gates=gates,
        gate_rules=_gate_rules(rulebook, table),
        access=role_lists(rulebook.table("access.toml").get("acts", {}), "roles"),
        purposes={
            purpose: _every(covered)
            for purpose, covered in role_lists(lists.get("purposes", {}), "covers").items()
        },
        releases=role_lists(lists.get("lists", {}), "carries"),
        views=role_lists(lists.get("views", {}), "shows"),
        child_needs=tuple(table.get("child_needs", [])),
        sends_with_handover=str(table.get("sends_with_handover", "")),
        sends_with_handover_to=roles(table.get("sends_with_handover_to", [])),
        consent_lasts=_limit(rulebook, "consent_lasts", changes, found),
        consent_confirmed_within=_limit(rulebook, "consent_confirmed_within", changes, found),
        idle_after=_limit(rulebook, "idle_after", changes, found),
    )
    found.extend(changes.left_over())
    return CorridorReading(procedure, str(table.get("title", "")), files, found)


def _every(covered: tuple[str, ...]) -> tuple[str, ...]:
    """`host.*` as each role of that side; `*` stays, it covers everybody."""
    roles: list[str] = []
    for word in covered:
        several = [role for role in ROLES if fnmatchcase(role, word)]
        roles.extend(several if word.endswith(".*") else [word])
    return tuple(dict.fromkeys(roles))


def _check_head(rulebook: Rulebook, corridor: str, table: Table, notes: Notes) -> None:
    """Note what is missing or wrong in what a corridor says about itself."""
    if not table:
        known = ", ".join(rulebook.corridors)
        notes.add("", "", f"there are no rules for the corridor '{corridor}'; there are {known}")
        return
    notes.unknown_keys("", table, CORRIDOR_KEYS)
    for key in ("id", "title", "host", "origin", "version", "source"):
        if not table.get(key):
            notes.add("", key, f"every corridor needs '{key}'")
    if table.get("id", corridor) != corridor:
        notes.add("", "id", f"must be '{corridor}', as the file is named")
    if table.get("home") not in {"host", "origin"}:
        notes.add("", "home", "must be 'host' or 'origin': the side whose offices hold the case")


class _Changes:
    """Policy values, and whether each was used."""

    def __init__(self, rulebook: Rulebook, corridor: str, policy: Mapping[str, Any]) -> None:
        self.rulebook = rulebook
        self.corridor = corridor
        self.values = {self._here(key): value for key, value in policy.items()}
        self.values.pop("", None)
        self.unused = set(self.values)

    def _here(self, key: str) -> str:
        """The key without its segment; empty when it speaks of another corridor."""
        first, slash, rest = key.partition("/")
        if slash and first in self.rulebook.corridors:
            return rest if first == self.corridor else ""
        return key

    def apply(self, name: str, table: Table, allowed: tuple[str, ...]) -> Table:
        """`table` with every value that the policy gives for `name`."""
        changed = dict(table)
        for key, value in self.values.items():
            of, _, part = key.rpartition(".")
            if of == name and part in allowed:
                changed[part] = value
                self.unused.discard(key)
        return changed

    def value(self, key: str, default: Any) -> Any:
        """The policy's value of a name that stands alone."""
        self.unused.discard(key)
        return self.values.get(key, default)

    def left_over(self) -> Iterator[Finding]:
        """A problem for each value that nothing took."""
        for key in sorted(self.unused):
            yield Finding("", "", f"policy.{key}", "there is no such value in the rules")


def _cards(
    rulebook: Rulebook,
    corridor: Table,
    place: tuple[Mapping[str, Any], str, str],
    changes: _Changes,
    found: list[Finding],
) -> tuple[dict[str, Card], dict[str, str]]:
    """Every card of the corridor in the order of its files, and the file of each."""
    words, home, away = place
    own = f"{CORRIDORS}{corridor.get('id', '')}.toml"
    shared = [f"{CARDS}{name}.toml" for name in corridor.get("cards", [])]
    cards: dict[str, Card] = {}
    files: dict[str, str] = {}
    for file in (*shared, own):
        notes = Notes(file)
        tables = rulebook.table(file)
        if file not in rulebook.tables:
            notes.add("", "cards", f"the corridor '{corridor.get('id')}' names it, it is not there")
        if file != own:
            notes.unknown_keys("", tables, ("title", "step", "watch"))
        for heading in ("step", "watch"):
            for table in tables.get(heading, []):
                for single in spread(table):
                    name = str(single.get("id", "?"))
                    filled = take_sides(fill(single, words), home, away)
                    ready = changes.apply(name, filled, CARD_KEYS)
                    card = CardReader(notes, ready, watch=heading == "watch").card()
                    if card is None:
                        continue
                    if card.id in cards:
                        notes.add(
                            card.id,
                            "id",
                            f"two cards are called '{card.id}'"
                            f"; the other stands in {files[card.id]}",
                        )
                    cards[card.id] = card
                    files[card.id] = file
        found.extend(notes.found)
    return cards, files


def _ladders(rulebook: Rulebook, changes: _Changes, found: list[Finding]) -> dict[str, Ladder]:
    """Every ladder; a policy changes a rung as `normal.E2`."""
    notes = Notes("ladders.toml")
    ladders: dict[str, Ladder] = {}
    for table in rulebook.table("ladders.toml").get("ladder", []):
        name = str(table.get("id", "?"))
        rungs = [
            {**rung, "after": changes.value(f"{name}.{rung.get('name')}", rung.get("after"))}
            for rung in table.get("rung", [])
        ]
        ladder = read_ladder(notes, {**table, "rung": rungs})
        if ladder.id in ladders:
            notes.add(ladder.id, "id", f"two ladders are called '{ladder.id}'")
        ladders[ladder.id] = ladder
    found.extend(notes.found)
    return ladders


IDENTITY = "{identity}"  # stands for each of the corridor's `identity` steps


def _gates(rulebook: Rulebook, corridor: str, found: list[Finding]) -> dict[str, tuple[str, ...]]:
    """Where gates are asked."""
    asked = rulebook.table("gates.toml").get("asked", {}).get(corridor)
    if asked is None:
        where = f"asked.{corridor}"
        found.append(Finding("gates.toml", "", where, "no gates are named for this corridor"))
        asked = {}
    return {where: tuple(names) for where, names in asked.items() if where != "source"}


def _gate_rules(rulebook: Rulebook, table: Table) -> dict[str, GateRule]:
    """What opens each gate, with the corridor's own steps where `{identity}` stands."""
    steps = tuple(table.get("identity", []))
    return {
        name: GateRule(
            opened_by=tuple(_openers(row.get("opened_by", []), steps)),
            chain=row.get("chain", False) is True,
            lasts=row.get("lasts", False) is True,
            stands=row.get("stands", False) is True,
            of_handover=row.get("of_handover", False) is True,
            unless=tuple(row.get("unless", [])),
            also=dict(row.get("also", {})),
        )
        for name, row in rulebook.table("gates.toml").get("gate", {}).items()
    }


def _openers(facts: Iterable[str], steps: tuple[str, ...]) -> Iterator[str]:
    for fact in facts:
        yield from (fact.replace(IDENTITY, s) for s in steps) if IDENTITY in fact else (fact,)


def _limit(rulebook: Rulebook, name: str, changes: _Changes, found: list[Finding]) -> Clock:
    """A duration that belongs to no card."""
    file, heading, key = LIMITS[name]
    value = changes.value(name, rulebook.table(file).get(heading, {}).get(key))
    clock = read_clock(value)
    if isinstance(clock, Clock):
        return clock
    found.append(Finding(file, "", f"{heading}.{key}", clock))
    return Clock(1, "days")


def offices_for(rulebook: Rulebook, corridor: str, province: str = "") -> dict[str, str]:
    """Role -> office of the register, for a new case: one in `province` comes first.

    Roles that nobody of the register holds are missing; `person` and `guardian` always are.
    """
    procedure = read_corridor(rulebook, corridor, {}).procedure
    bound: dict[str, str] = {}
    near = sorted(rulebook.offices, key=lambda o: bool(o.province) and o.province != province)
    for office in near:
        if office.corridors and corridor not in office.corridors:
            continue
        for side, country in (("host", procedure.host), ("origin", procedure.origin)):
            if office.country == country:
                for role in office.roles:
                    bound.setdefault(f"{side}.{role}", office.id)
        if not office.country:
            for role in office.roles:
                bound.setdefault(role, office.id)
    return bound


# -- the name of a plan


def digest_of(procedure: Procedure) -> str:
    """The SHA-256 of everything the plan says: the same words always give the same name."""
    text = json.dumps(_plain(procedure), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value
