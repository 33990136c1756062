"""The crossings of rules/crossings.toml: what each is, which ways home use it, what is wrong in it.

A case may name any crossing (stories do); that a plan is made over one of these is asked at the door.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.rules.book import CorridorReading, Rulebook
from domain.rules.cards import Finding, Notes, Table, meant
from domain.rules.tables import NO_SOURCE, is_source

FILE = "crossings.toml"
KEYS = ("id", "name", "countries", "corridors", "hours", "offices", "source")
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)")
ID = re.compile(r"[a-z0-9-]+")
BOTH = 2


@dataclass(frozen=True, slots=True)
class RegisteredCrossing:
    """A place where people cross. `offices`: who is reached there, by country."""

    id: str
    name: str
    countries: tuple[str, ...]
    hours: str
    source: str
    corridors: tuple[str, ...] = ()  # whose two countries do not meet here
    offices: Mapping[str, str] = field(default_factory=dict)

    def serves(self, corridor: str, host: str, origin: str) -> bool:
        """True when people of this corridor may cross here."""
        return {host, origin} <= set(self.countries) or corridor in self.corridors


def registered_crossings(rulebook: Rulebook) -> dict[str, RegisteredCrossing]:
    """The crossings by id; one without id, name or countries is left to the checks."""
    found = (_read(row) for row in rulebook.table(FILE).get("crossing", []) if _is_whole(row))
    return {crossing.id: crossing for crossing in found}


def _is_whole(row: Any) -> bool:
    return isinstance(row, Mapping) and {"id", "name", "countries"} <= set(row)


def _read(row: Table) -> RegisteredCrossing:
    return RegisteredCrossing(
        id=str(row["id"]),
        name=str(row["name"]),
        countries=tuple(row["countries"]),
        hours=str(row.get("hours", "")),
        source=str(row.get("source", "")),
        corridors=tuple(row.get("corridors", ())),
        offices=dict(row.get("offices", {})),
    )


def corridors_over(rulebook: Rulebook, crossing: RegisteredCrossing) -> tuple[str, ...]:
    """The corridors whose people may cross here."""
    return tuple(
        corridor
        for corridor in rulebook.corridors
        if crossing.serves(corridor, *_sides(rulebook, corridor))
    )


def crossings_of(rulebook: Rulebook, corridor: str) -> tuple[RegisteredCrossing, ...]:
    """Where people of a corridor may cross, in the order of the file."""
    host, origin = _sides(rulebook, corridor)
    found = registered_crossings(rulebook).values()
    return tuple(one for one in found if one.serves(corridor, host, origin))


def corridors_counting(rulebook: Rulebook, country: str) -> tuple[str, ...]:
    """The corridors whose clocks may count this country's calendar."""
    return tuple(c for c in rulebook.corridors if country in _sides(rulebook, c))


def _sides(rulebook: Rulebook, corridor: str) -> tuple[str, str]:
    table = rulebook.table(f"corridors/{corridor}.toml")
    return str(table.get("host", "")), str(table.get("origin", ""))


# -- checks


def check_crossings(rulebook: Rulebook, readings: Sequence[CorridorReading]) -> Iterator[Finding]:
    """Everything wrong with the crossings, and corridors that nobody could cross in."""
    notes = Notes(FILE)
    table = rulebook.table(FILE)
    notes.unknown_keys("", table, ("crossing",))
    ids: list[str] = []
    for row in table.get("crossing", []):
        name = str(row.get("id", "?"))
        notes.unknown_keys(name, row, KEYS)
        if name in ids:
            notes.add(name, "id", f"two crossings are called '{name}'")
        ids.append(name)
        _crossing(notes, name, row)
        _offices(notes, name, row, rulebook)
        _corridors(notes, name, row, rulebook)
    for reading in readings:
        if not crossings_of(rulebook, reading.procedure.corridor):
            notes.add(
                "", "", f"nobody could cross in {reading.procedure.corridor}: it has no crossing"
            )
    yield from dict.fromkeys(notes.found)


def _crossing(notes: Notes, name: str, row: Table) -> None:
    for key in ("id", "name", "countries", "hours"):
        if not row.get(key):
            notes.add(name, key, f"every crossing needs '{key}'")
    if not ID.fullmatch(name):
        notes.add(name, "id", "is written in small messages, digits and -, as nong-khai")
    if len(set(row.get("countries", ()))) != BOTH:
        notes.add(name, "countries", "names the two countries that meet there")
    hours = str(row.get("hours", ""))
    if hours and not HOURS.fullmatch(hours):
        notes.add(name, "hours", "is written as 06:00-22:00")
    source = str(row.get("source", ""))
    if not is_source(source):
        notes.add(name, "source", NO_SOURCE.format(source))


def _offices(notes: Notes, name: str, row: Table, rulebook: Rulebook) -> None:
    country_of = {office.id: office.country for office in rulebook.offices}
    offices = row.get("offices", {})
    for country, office in offices.items():
        if office not in country_of:
            near = meant(str(office), tuple(country_of))
            notes.add(name, "offices", f"the register has no office '{office}'{near}")
        elif country_of[office] != country:
            notes.add(name, "offices", f"{office} is not in {country}")
        if country not in row.get("countries", ()):
            notes.add(name, "offices", f"{country} does not meet here")
    for country in row.get("countries", ()):
        if country not in offices and country in country_of.values():
            notes.add(name, "offices", f"names nobody on the side of {country}")


def _corridors(notes: Notes, name: str, row: Table, rulebook: Rulebook) -> None:
    for corridor in row.get("corridors", ()):
        if corridor not in rulebook.corridors:
            near = meant(str(corridor), rulebook.corridors)
            notes.add(name, "corridors", f"there is no corridor '{corridor}'{near}")
