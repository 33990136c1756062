"""The people who work with Homeward: how they sign in and which offices they belong to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, insert, or_, select, update

from records.tables import memberships, users


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account. `id` is opaque; events name it, never the name."""

    id: str
    name: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """A user works in an office, in a role, from `since` until (not including) `until`."""

    user_id: str
    office_id: str
    role: str
    since: datetime
    until: datetime | None = None


def create(
    connection: Connection, user_id: str, name: str, created_at: datetime, password: str | None
) -> None:
    """Add a user; without a password nobody can sign in as them."""
    told = None if password is None else _hasher().hash(password)
    connection.execute(
        insert(users).values(id=user_id, name=name, password_hash=told, created_at=created_at)
    )


def find(connection: Connection, user_id: str) -> User | None:
    """Return a user by id."""
    row = connection.execute(
        select(users.c.id, users.c.name, users.c.disabled_at).where(users.c.id == user_id)
    ).one_or_none()
    return None if row is None else User(row.id, row.name, row.disabled_at is not None)


def names_of(connection: Connection, user_ids: list[str]) -> dict[str, str]:
    """Return the names behind ids, for pages that show who did something."""
    found = connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(user_ids)))
    return {row.id: row.name for row in found}


def password_matches(connection: Connection, user_id: str, password: str) -> bool:
    """True when this user may sign in with this password.

    It takes as long for somebody who does not exist, so that names cannot be tried out.
    """
    row = connection.execute(
        select(users.c.password_hash).where(users.c.id == user_id, users.c.disabled_at.is_(None))
    ).one_or_none()
    told = row.password_hash if row is not None and row.password_hash else _nobodys_hash()
    try:
        _hasher().verify(told, password)
    except (VerificationError, InvalidHashError):
        return False
    if row is None or told != row.password_hash:
        return False
    if _hasher().check_needs_rehash(told):
        set_password(connection, user_id, password)
    return True


def set_password(connection: Connection, user_id: str, password: str) -> None:
    """Replace a user's password."""
    told = _hasher().hash(password)
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=told))


def disable(connection: Connection, user_id: str, at: datetime) -> None:
    """Nobody signs in as this user any more; what they did stays theirs."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))


def join(connection: Connection, membership: Membership) -> None:
    """Make a user a member of an office."""
    connection.execute(
        insert(memberships).values(
            user_id=membership.user_id,
            office_id=membership.office_id,
            role=membership.role,
            since=membership.since,
            until=membership.until,
        )
    )


def leave(connection: Connection, user_id: str, office_id: str, at: datetime) -> int:
    """End every membership of a user in an office; return how many there were."""
    ended = connection.execute(
        update(memberships)
        .where(
            memberships.c.user_id == user_id,
            memberships.c.office_id == office_id,
            or_(memberships.c.until.is_(None), memberships.c.until > at),
        )
        .values(until=at)
    )
    return ended.rowcount


def memberships_of(connection: Connection, user_id: str, at: datetime) -> list[Membership]:
    """Return the memberships of a user that hold at that moment."""
    found = connection.execute(
        select(memberships)
        .where(
            memberships.c.user_id == user_id,
            memberships.c.since <= at,
            or_(memberships.c.until.is_(None), memberships.c.until > at),
        )
        .order_by(memberships.c.office_id, memberships.c.role)
    )
    return [Membership(**row) for row in found.mappings()]


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody signs in with this")
