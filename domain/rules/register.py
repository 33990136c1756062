"""What the rule tables register: offices, roles of accounts, working days. Binds nothing to a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from typing import Any

from domain.rules.cards import Table
from domain.work.calendar import Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class RegisteredOffice:
    """An office of the register: a counterpart authority that can hold roles in a case."""

    id: str
    name: str
    country: str  # empty: it works on both sides, as the escort
    roles: tuple[str, ...]  # without a side: the corridor gives it
    province: str = ""
    under: str = ""  # the office E1 goes to
    organisation: str = ""
    channel: str = ""
    language: str = ""
    hours: str = ""
    corridors: tuple[str, ...] = ()  # empty: all


@dataclass(frozen=True, slots=True)
class AccountRole:
    """What the accounts of one role may ask of the API, and of which cases."""

    id: str
    title: str
    may: tuple[str, ...]
    scope: str


def registered(table: Table) -> Iterator[RegisteredOffice]:
    """The offices of offices.toml; one without id, name, country or roles is left to the checks."""
    keys = tuple(f.name for f in fields(RegisteredOffice))
    for row in table.get("office", []):
        if {"id", "name", "country", "roles"} <= set(row):
            yield RegisteredOffice(**{k: _frozen(v) for k, v in row.items() if k in keys})


def account_roles(table: Table) -> Iterator[AccountRole]:
    """The roles of access.toml."""
    for name, row in table.get("roles", {}).items():
        yield AccountRole(
            name, row.get("title", ""), tuple(row.get("may", [])), row.get("scope", "")
        )


def read_calendar(country: str, table: Table) -> Calendar:
    """One country's calendar; keys as in story files, and `zone`, `weekend`, `opens`."""
    plain = Calendar(country)
    return Calendar(
        country=country,
        zone_minutes=_zone_minutes(str(table.get("zone", "+07:00"))),
        off=tuple(sorted(_dates(table.get("off", [])))),
        on=tuple(sorted(_dates(table.get("on", [])))),
        weekend=tuple(WEEKDAYS.index(day) for day in table.get("weekend", WEEKDAYS[5:])),
        closes=_hour(table.get("closes"), plain.closes),
        opens=_hour(table.get("opens"), plain.opens),
    )


def _dates(listed: Any) -> Iterator[date]:
    """Dates, or tables of `day` and `name` as the shipped lists have them."""
    for item in listed:
        yield item["day"] if isinstance(item, Mapping) else item


def _hour(value: Any, default: time) -> time:
    if value is None:
        return default
    return value if isinstance(value, time) else time.fromisoformat(str(value))


def _zone_minutes(zone: str) -> int:
    sign = -1 if zone.startswith("-") else 1
    hours, _, minutes = zone.lstrip("+-").partition(":")
    return sign * (int(hours) * 60 + int(minutes or 0))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
