"""Bearer tokens for programs and partners: shown once, kept as a hash, scoped, ending, revocable."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from records.tables import tokens, users

MARK = "hw"
PREFIX_BYTES = 5
SECRET_BYTES = 32  # 256 bits: a plain SHA-256 of it cannot be searched


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. `token` is shown to its holder once and kept nowhere."""

    prefix: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who a token speaks for, and what it may be used for."""

    prefix: str
    user_id: str
    office_id: str
    scopes: frozenset[str]
    label: str
    expires_at: datetime


def issue(
    connection: Connection,
    *,
    user_id: str,
    office_id: str,
    scopes: Iterable[str],
    created_at: datetime,
    expires_at: datetime,
    label: str = "",
) -> Issued:
    """Make a token for a user in an office."""
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(
        insert(tokens).values(
            prefix=prefix,
            secret_hash=_hash(secret),
            user_id=user_id,
            office_id=office_id,
            scopes=sorted(set(scopes)),
            label=label,
            created_at=created_at,
            expires_at=expires_at,
        )
    )
    return Issued(prefix, f"{MARK}_{prefix}_{secret}")


def check(connection: Connection, token: str, at: datetime) -> TokenHolder | None:
    """Return who a token speaks for; None when it is wrong, ended, revoked or its user gone."""
    mark, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != MARK or not prefix.isalnum() or not secret.isascii():
        return None
    row = connection.execute(
        select(tokens)
        .join_from(tokens, users, tokens.c.user_id == users.c.id)
        .where(
            tokens.c.prefix == prefix,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > at,
            users.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(secret)):
        return None
    return TokenHolder(
        row.prefix,
        row.user_id,
        row.office_id,
        frozenset(row.scopes),
        row.label,
        row.expires_at,
    )


def of_user(connection: Connection, user_id: str) -> list[TokenHolder]:
    """Return the tokens of a user that are not revoked, for a person to look through."""
    found = connection.execute(
        select(tokens)
        .where(tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None))
        .order_by(tokens.c.created_at, tokens.c.prefix)
    )
    return [
        TokenHolder(r.prefix, r.user_id, r.office_id, frozenset(r.scopes), r.label, r.expires_at)
        for r in found
    ]


def revoke(connection: Connection, prefix: str, at: datetime) -> bool:
    """End a token at once; False when there is none, or it was revoked before."""
    ended = connection.execute(
        update(tokens)
        .where(tokens.c.prefix == prefix, tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return ended.rowcount == 1


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
