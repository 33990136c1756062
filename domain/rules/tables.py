"""Checks of the tables that all corridors share: ladders, gates, releases, access, days, offices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from domain.case import gates
from domain.rules import facts as words
from domain.rules.book import CorridorReading, Rulebook
from domain.rules.cards import Finding, Notes, Table, meant
from domain.rules.register import WEEKDAYS, RegisteredOffice
from domain.work.procedure import Ladder

MARK = re.compile(r"\[[A-Z]{1,3}\d+[a-z]?\]")
NO_SOURCE = "'{}' names no source; write a mark of domain.md such as '[N1] ...', or 'proposal; ...'"
PLAIN_SOURCES = ("proposal", "stories.md", "to be confirmed", "not verified")
ZONE = re.compile(r"[+-]\d\d:\d\d")
RECORDS = ("", "agenda_item")
SCOPES = ("task", "organisation", "province", "corridor", "all")
# Roles that no office of the register holds: people, and words that the case itself resolves.
UNREGISTERED = frozenset({"person", "guardian", *words.OWNER_WORDS})
DATA = (
    "reference", "names", "birth_date", "age", "sex", "places", "relatives", "photo",
    "document_numbers", "counts", "needs", "date", "crossing", "postponed", "reason", "outcome",
    "caregiver", "risks", "home_address", "shelter", "exploitation", "health", "medicine", "court",
    "warrant", "suspects", "narrative", "owner", "review", "bar",
    "step", "watch", "state", "holder", "due", "rung", "reminders", "late_days", "age_days", "to",
    "escalation", "next", "case", "gate", "sentence_has", "turn", "forecast", "flag", "segment",
)  # fmt: skip


def is_source(text: str) -> bool:
    """True for a mark of domain.md, or words that say openly that there is none."""
    return bool(MARK.search(text)) or any(word in text for word in PLAIN_SOURCES)


def check_tables(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    """Everything wrong with the shared tables."""
    yield from _ladders(rulebook, readings)
    yield from _gates(rulebook)
    yield from _releases(rulebook)
    yield from _access(rulebook)
    yield from _calendars(rulebook, readings)
    yield from _offices(rulebook, readings)


def _sourced(notes: Notes, name: str, table: Table) -> None:
    source = str(table.get("source", ""))
    if not is_source(source):
        notes.add(name, "source", NO_SOURCE.format(source))


def _ladders(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    notes = Notes("ladders.toml")
    table = rulebook.table("ladders.toml")
    notes.unknown_keys("", table, ("ladder", "idle"))
    _sourced(notes, "idle", table.get("idle", {}))
    for reading in readings:
        known = (*words.LADDER_WORDS, *reading.procedure.recipients)
        for ladder in reading.procedure.ladders.values():
            _ladder(notes, ladder, known)
    yield from dict.fromkeys(notes.found)


def _ladder(notes: Notes, ladder: Ladder, known: tuple[str, ...]) -> None:
    if not any(rung.decides for rung in ladder.rungs):
        notes.add(ladder.id, "rung", "no rung decides, so an escalation could never end")
    for word in (*ladder.remind, *(word for rung in ladder.rungs for word in rung.to)):
        for sentence in words.unknown_role(word, more=known):
            notes.add(ladder.id, "to", sentence)
    for rung in ladder.rungs:
        if not rung.to:
            notes.add(ladder.id, f"{rung.name}.to", "this rung goes to nobody")
        for sentence in words.unknown("record", rung.records, RECORDS):
            notes.add(ladder.id, f"{rung.name}.records", sentence)
    names = [rung.name for rung in ladder.rungs]
    for name in {name for name in names if names.count(name) > 1}:
        notes.add(ladder.id, "rung", f"two rungs are called '{name}'")
    amounts = [rung.after.amount for rung in ladder.rungs]
    if amounts != sorted(amounts):
        notes.add(ladder.id, "rung", "the rungs must stand in the order in which they fire")


GATE_FLAGS = ("chain", "lasts", "stands", "of_handover")
GATE_KEYS = ("title", "opened_by", *GATE_FLAGS, "unless", "also", "source")


def _modifiers(notes: Notes, name: str, row: Table) -> None:
    for key in GATE_FLAGS:
        if not isinstance(row.get(key, False), bool):
            notes.add(name, key, "is true or false")
    if row.get("unless", []) not in ([], [gates.BAR]):
        notes.add(name, "unless", f"may only be ['{gates.BAR}']")
    for fact in (*row.get("also", {}), *row.get("also", {}).values()):
        if not isinstance(fact, str) or ":" not in fact:
            notes.add(name, "also", f"'{fact}' is no STEP:outcome")


def _gates(rulebook: Rulebook) -> Iterator[Finding]:
    notes = Notes("gates.toml")
    table = rulebook.table("gates.toml")
    notes.unknown_keys("", table, ("gate", "asked"))
    for name, row in table.get("gate", {}).items():
        for sentence in words.unknown("gate", name, words.GATES):
            notes.add(name, "gate", sentence)
        notes.unknown_keys(name, row, GATE_KEYS)
        _modifiers(notes, name, row)
        _sourced(notes, name, row)
    for name, row in table.get("asked", {}).items():
        keys = ("applies", "plan_handover", "depart", "handed_over", "source")
        notes.unknown_keys(f"asked.{name}", row, keys)
        _sourced(notes, f"asked.{name}", row)
        if name not in rulebook.corridors:
            notes.add(f"asked.{name}", "", f"there is no corridor '{name}'")
    yield from notes.found


def _releases(rulebook: Rulebook) -> Iterator[Finding]:
    notes = Notes("releases.toml")
    table = rulebook.table("releases.toml")
    notes.unknown_keys("", table, ("consent", "lists", "views", "purposes"))
    _sourced(notes, "consent", table.get("consent", {}))
    for heading, key in (("lists", "carries"), ("views", "shows")):
        for name, row in table.get(heading, {}).items():
            notes.unknown_keys(name, row, (key, "title", "source"))
            _sourced(notes, name, row)
            for word in row.get(key, []):
                for sentence in words.unknown("data word of stories.md 2.5", word, DATA):
                    notes.add(name, key, sentence)
    for name, row in table.get("purposes", {}).items():
        notes.unknown_keys(name, row, ("covers", "title", "source"))
        _sourced(notes, name, row)
        for sentence in words.unknown("purpose", name, words.PURPOSES):
            notes.add(name, "purposes", sentence)
        _roles(notes, name, "covers", row.get("covers", []), more=words.OWNER_WORDS)
    for purpose in words.PURPOSES:
        if purpose not in table.get("purposes", {}):
            notes.add(purpose, "purposes", f"nothing says whom the consent '{purpose}' covers")
    yield from notes.found


def _roles(
    notes: Notes, name: str, key: str, roles: Sequence[str], *, more: tuple[str, ...] = ()
) -> None:
    """Note unknown roles; in shared tables `home.` and `away.` stand for a side."""
    for role in roles:
        side, dot, post = role.partition(".")
        sided = f"origin{dot}{post}" if side in {"home", "away"} else role
        for sentence in words.unknown_role(sided, more=more):
            notes.add(name, key, sentence)


def _access(rulebook: Rulebook) -> Iterator[Finding]:
    notes = Notes("access.toml")
    table = rulebook.table("access.toml")
    notes.unknown_keys("", table, ("acts", "roles"))
    for act, row in table.get("acts", {}).items():
        notes.unknown_keys(act, row, ("roles", "source"))
        _sourced(notes, act, row)
        for sentence in words.unknown("act", act, words.ACTS):
            notes.add(act, "acts", sentence)
        _roles(notes, act, "roles", row.get("roles", []))
    for role, row in table.get("roles", {}).items():
        notes.unknown_keys(role, row, ("title", "may", "scope", "source"))
        _sourced(notes, role, row)
        for sentence in words.unknown("scope", str(row.get("scope", "")), SCOPES):
            notes.add(role, "scope", sentence)
    yield from notes.found


def _calendars(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    notes = Notes("calendars.toml")
    calendars = rulebook.table("calendars.toml")
    for reading in readings:
        for country in (reading.procedure.host, reading.procedure.origin):
            if country and country not in calendars:
                notes.add(
                    country, "", f"{reading.procedure.corridor} needs a calendar of {country}"
                )
    keys = ("title", "zone", "weekend", "opens", "closes", "off", "on", "source")
    for country, table in calendars.items():
        if not isinstance(table, Mapping):
            notes.add(country, "", "must be a table with zone, weekend and off")
            continue
        notes.unknown_keys(country, table, keys)
        _sourced(notes, country, table)
        if not ZONE.fullmatch(str(table.get("zone", ""))):
            notes.add(country, "zone", 'needs its zone, as in zone = "+07:00"')
        for day in table.get("weekend", []):
            for sentence in words.unknown("weekday", str(day), WEEKDAYS):
                notes.add(country, "weekend", sentence)
        for key in ("off", "on"):
            for item in table.get(key, []):
                if not isinstance(_day(item), date):
                    notes.add(country, key, f"{item!r} is no day; write {{ day = 2026-04-14 }}")
    yield from dict.fromkeys(notes.found)


def _day(item: Any) -> Any:
    return item.get("day") if isinstance(item, Mapping) else item


OFFICE_KEYS = (*RegisteredOffice.__dataclass_fields__, "source")


def _offices(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    notes = Notes("offices.toml")
    tables: Sequence[Table] = rulebook.table("offices.toml").get("office", [])
    ids = [str(table.get("id", "?")) for table in tables]
    posts = (*words.POSTS, *words.ORIGIN_POSTS, *words.NO_SIDE)
    for name, table in zip(ids, tables, strict=True):
        notes.unknown_keys(name, table, OFFICE_KEYS)
        _sourced(notes, name, table)
        for key in ("id", "name", "country", "roles"):
            if key not in table:
                notes.add(name, key, f"every office needs '{key}'")
        if ids.count(name) > 1:
            notes.add(name, "id", f"two offices are called '{name}'")
        under = table.get("under")
        if under and under not in ids:
            notes.add(name, "under", f"there is no office '{under}'{meant(under, tuple(ids))}")
        for role in table.get("roles", []):
            for sentence in words.unknown("role without a side", role, posts):
                notes.add(name, "roles", sentence)
    yield from dict.fromkeys(notes.found)
    yield from _unbound(rulebook, readings)


def _unbound(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    """Roles that the rules name and no office of the register holds."""
    for reading in readings:
        procedure = reading.procedure
        held = {
            f"{side}.{role}" if office.country else role
            for office in rulebook.offices
            for side, country in (("host", procedure.host), ("origin", procedure.origin))
            if office.country in {country, ""}
            for role in office.roles
        }
        for card in procedure.cards.values():
            known = not list(words.unknown_role(card.owner))
            if known and card.owner not in UNREGISTERED | held:
                yield Finding(
                    "offices.toml",
                    card.id,
                    "owner",
                    f"no office of the register is {card.owner} in {procedure.corridor}",
                )
