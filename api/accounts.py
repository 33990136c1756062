"""Offices, users and tokens made by an administrator, a command or the demo. It asks no caller."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from api.policy import EVERYTHING
from domain.rules.book import Rulebook
from records import offices, posts, tokens, users
from records.offices import KnownOffice
from records.posts import Holders, Term
from records.tokens import Issued
from records.users import Membership

TOKEN_DAYS = 90
LONGEST_TOKEN_DAYS = 366
SHORTEST_PASSWORD = 12


class AccountWrong(ValueError):  # noqa: N818
    """An account that cannot be made; the text is one plain sentence for whoever asked."""


def seed_offices(connection: Connection, rulebook: Rulebook) -> int:
    """Write the register of the rules into the records; posts stay with those who hold them."""
    known = [
        KnownOffice(
            id=office.id,
            name=office.name,
            role=office.roles[0] if office.roles else "",
            country=office.country,
            province=office.province,
            under=office.under,
            channel=office.channel,
            language=office.language,
            hours=office.hours,
        )
        for office in rulebook.offices
    ]
    offices.load(connection, known)
    return len(known)


def add_user(
    connection: Connection,
    rulebook: Rulebook,
    *,
    user_id: str,
    name: str,
    office: str,
    role: str,
    at: datetime,
    password: str | None = None,
) -> None:
    """Add a user to an office, in a role of `access.toml`; one who exists only joins it.

    The first to join an office holds its post, the second is the deputy. Raises AccountWrong.
    """
    _check(connection, rulebook, office, role, password)
    if users.find(connection, user_id) is None:
        users.create(connection, user_id, name, at, password)
    elif password is not None:
        users.set_password(connection, user_id, password)
    places = users.memberships_of(connection, user_id, at)
    if not any(p.office_id == office and p.role == role for p in places):
        users.join(connection, Membership(user_id, office, role, at))
    _take_post(connection, office, user_id, at)


def _check(
    connection: Connection, rulebook: Rulebook, office: str, role: str, password: str | None
) -> None:
    roles = [known.id for known in rulebook.account_roles]
    if role not in roles:
        raise AccountWrong(f"There is no role '{role}'; there are {', '.join(roles)}.")
    if offices.find(connection, office) is None:
        raise AccountWrong(f"There is no office '{office}' in the register.")
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise AccountWrong(f"A password needs at least {SHORTEST_PASSWORD} characters.")


def _take_post(connection: Connection, office_id: str, user_id: str, at: datetime) -> None:
    known = posts.holders(connection, at, [office_id]).get(office_id, Holders())
    if user_id in {known.head, known.deputy}:
        return
    if not known.head or known.vacant:
        posts.take(connection, Term(office_id, posts.HEAD, user_id, at))
    elif not known.deputy:
        posts.take(connection, Term(office_id, posts.DEPUTY, user_id, at))


def make_token(
    connection: Connection,
    *,
    user_id: str,
    office: str,
    at: datetime,
    days: int = TOKEN_DAYS,
    scopes: Iterable[str] = (EVERYTHING,),
    label: str = "",
) -> Issued:
    """Make a bearer token for a user in one of their offices; raises AccountWrong."""
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise AccountWrong(f"A token lasts from 1 to {LONGEST_TOKEN_DAYS} days.")
    user = users.find(connection, user_id)
    if user is None or user.disabled:
        raise AccountWrong(f"There is no user '{user_id}'.")
    if not any(p.office_id == office for p in users.memberships_of(connection, user_id, at)):
        raise AccountWrong(f"'{user_id}' does not work in '{office}'.")
    return tokens.issue(
        connection,
        user_id=user_id,
        office_id=office,
        scopes=scopes,
        created_at=at,
        expires_at=at + timedelta(days=days),
        label=label,
    )
