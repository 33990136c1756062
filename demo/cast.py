"""Users and tokens of the demo: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
import tomllib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from api.accounts import add_user, make_token, seed_offices
from domain.rules.book import Rulebook, offices_for
from records.session import system, transaction

FILE = Path(__file__).with_name("cast.toml")
CORRIDOR = "th-la"
PROVINCE = "Ubon Ratchathani"


@dataclass
class Cast:
    """What the demo must remember between two starts."""

    password: str = ""
    users: dict[str, str] = field(default_factory=dict)  # id -> name
    tokens: dict[str, str] = field(default_factory=dict)  # office -> bearer token
    named: dict[str, str] = field(default_factory=dict)  # COORDINATOR -> bearer token
    cases: dict[str, str] = field(default_factory=dict)  # story -> reference


def load(file: Path) -> Cast:
    """The cast of an earlier start, or an empty one."""
    try:
        return Cast(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Cast()


def keep(cast: Cast, file: Path) -> None:
    """Write it where only its owner can read it."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(json.dumps(asdict(cast), indent=1), encoding="utf-8")


def roles_of(rulebook: Rulebook) -> dict[str, str]:
    """Role -> office of the demo's cases."""
    return offices_for(rulebook, CORRIDOR, PROVINCE)


def make(database: Engine, rulebook: Rulebook) -> Cast:
    """Offices of the register, the named users, and one user for every other office."""
    cast = Cast(password=secrets.token_urlsafe(12))
    with transaction(database, system("demo")) as connection:
        seed_offices(connection, rulebook)
        roles = roles_of(rulebook)
        for user in tomllib.loads(FILE.read_text(encoding="utf-8"))["user"]:
            office = roles.get(user["office"], user["office"])
            token = _join(
                connection, rulebook, cast, user["id"], user["name"], office, user["role"]
            )
            cast.users[user["id"]] = user["name"]
            cast.named[user["token"]] = token
            cast.tokens.setdefault(office, token)
        for office in sorted(set(roles.values()) - set(cast.tokens)):
            role = "coordinator" if office in _home_side(roles) else "partner"
            cast.tokens[office] = _join(connection, rulebook, cast, office, office, office, role)
    return cast


def _home_side(roles: dict[str, str]) -> set[str]:
    return {office for role, office in roles.items() if role.startswith("host.")}


def _join(
    connection: Connection,
    rulebook: Rulebook,
    cast: Cast,
    user_id: str,
    name: str,
    office: str,
    role: str,
) -> str:
    now = datetime.now(UTC)
    add_user(
        connection,
        rulebook,
        user_id=user_id,
        name=name,
        office=office,
        role=role,
        at=now,
        password=cast.password,
    )
    return make_token(connection, user_id=user_id, office=office, at=now, label="demo").token
