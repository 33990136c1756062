"""Who is signed in to the pages. The cookie holds a secret; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import DBAPIError

from records.tables import sessions, users

SECRET_BYTES = 32
SEEN_EVERY = timedelta(minutes=1)  # a page view is no reason to write more often


def start(connection: Connection, user_id: str, created_at: datetime, expires_at: datetime) -> str:
    """Begin a session; the secret returned goes into the cookie and nowhere else."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(
        insert(sessions).values(
            id_hash=_hash(secret),
            user_id=user_id,
            created_at=created_at,
            last_seen_at=created_at,
            expires_at=expires_at,
        )
    )
    return secret


def check(connection: Connection, secret: str, at: datetime) -> str | None:
    """Return the id of the user who is signed in with this secret at that moment, if any."""
    row = connection.execute(
        select(sessions.c.user_id, sessions.c.last_seen_at)
        .join_from(sessions, users, sessions.c.user_id == users.c.id)
        .where(
            sessions.c.id_hash == _hash(secret),
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > at,
            users.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    if at - row.last_seen_at >= SEEN_EVERY:
        # A database that can only be read must not keep anybody from reading.
        with suppress(DBAPIError), connection.begin_nested():
            connection.execute(
                update(sessions).where(sessions.c.id_hash == _hash(secret)).values(last_seen_at=at)
            )
    return str(row.user_id)


def revoke(connection: Connection, secret: str, at: datetime) -> None:
    """Sign out."""
    connection.execute(
        update(sessions)
        .where(sessions.c.id_hash == _hash(secret), sessions.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def revoke_all(connection: Connection, user_id: str, at: datetime) -> int:
    """Sign a user out everywhere; return how many sessions that ended."""
    ended = connection.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return ended.rowcount


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
