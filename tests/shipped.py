"""Cases under the shipped rules, with an office of its own name for every role."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from domain.case.commands import OpenCase
from domain.rules.book import Rulebook, procedure_for, rulebook_from
from domain.work.procedure import Procedure, side_of
from domain.work.state import Office

RULES = Path(__file__).parents[1] / "rules"
OPENS = datetime(2026, 2, 2, 2, 0, tzinfo=UTC)  # Monday, 09:00 in Thailand and Laos
NAMES = [
    "desk",
    "case",
    "shelter",
    "team",
    "police",
    "immigration",
    "prosecutor",
    "health",
    "province",
    "committee",
    "focal",
    "national",
    "payer",
    "identity",
    "tracing",
    "embassy",
    "reception",
]
SIDELESS = ("ngo", "escort", "person", "guardian", "admin")


@cache
def shipped_rulebook() -> Rulebook:
    """The rules of this repository, read once."""
    tables = {
        path.relative_to(RULES).as_posix(): tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(RULES.rglob("*.toml"))
    }
    return rulebook_from(tables)


@cache
def shipped_procedure(corridor: str) -> Procedure:
    """A corridor's plan; Monday to Friday and no holidays."""
    return procedure_for(shipped_rulebook(), corridor, calendars={})


def every_office(procedure: Procedure) -> tuple[Office, ...]:
    """An office named like its role, and a made-up supervisor, for every role of stories.md 2.1."""
    countries = {"host": procedure.host, "origin": procedure.origin}
    roles = [f"{side}.{name}" for side in countries for name in NAMES] + list(SIDELESS)
    found: list[Office] = []
    for role in roles:
        country = countries.get(side_of(role), "")
        chief = f"{role}.supervisor"
        found.append(Office(role, role, country, f"{role}.head", under=chief))
        found.append(Office(chief, chief, country, f"{chief}.head"))
    return tuple(found)


def shipped_opening(
    corridor: str, *, adult_on: date | None = date(2020, 1, 1), flags: tuple[str, ...] = ()
) -> OpenCase:
    """A first report under the shipped rules."""
    procedure = shipped_procedure(corridor)
    offices = every_office(procedure)
    return OpenCase(
        case_id="00000000-0000-7000-8000-000000000001",
        procedure=procedure,
        procedure_digest="shipped",
        adult_on=adult_on,
        country=procedure.origin,
        offices=offices,
        roles={office.role: office.id for office in offices if "supervisor" not in office.role},
        flags=flags,
    )
