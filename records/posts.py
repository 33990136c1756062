"""Who holds the posts of an office, from when until when. Two terms of one post never overlap.

Access stands in `users.py` (memberships); a term that is begun or ended here moves both together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from records.tables import memberships, offices, posts

HEAD = "head"
DEPUTY = "deputy"
POSTS = (HEAD, DEPUTY)


@dataclass(frozen=True, slots=True)
class Term:
    """A user holds a post from `since` until (not including) `until`."""

    office_id: str
    post: str
    holder: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holders:
    """Who answers for an office at a moment.

    While nobody holds the post of head, `vacant` is True and `head` whoever held it last. Both
    empty, and not vacant: nobody ever had an account there.
    """

    head: str = ""
    deputy: str = ""
    vacant: bool = False


def holders(
    connection: Connection, at: datetime, office_ids: Iterable[str] | None = None
) -> dict[str, Holders]:
    """Return who holds the posts at that moment, of each office where anybody ever held one."""
    query = select(posts).where(posts.c.since <= at).order_by(posts.c.since)
    if office_ids is not None:
        query = query.where(posts.c.office_id.in_(list(office_ids)))
    found: dict[str, Holders] = {}
    for row in connection.execute(query):
        known = found.get(row.office_id, Holders())
        found[row.office_id] = _with(known, row, at)
    return found


def _with(known: Holders, row: Row[Any], at: datetime) -> Holders:
    ended = row.until is not None and row.until <= at
    if row.post == HEAD:
        return replace(known, head=row.holder, vacant=ended)
    return replace(known, deputy="" if ended else row.holder)


def terms_of(connection: Connection, office_id: str) -> list[Term]:
    """Return every term of an office, the newest first."""
    found = connection.execute(
        select(posts)
        .where(posts.c.office_id == office_id)
        .order_by(posts.c.since.desc(), posts.c.post.desc())
    )
    return [Term(row.office_id, row.post, row.holder, row.since, row.until) for row in found]


def lock(connection: Connection, office_id: str) -> bool:
    """Keep every other change of this office's posts waiting; False when there is no such office."""
    found = connection.execute(
        select(offices.c.id).where(offices.c.id == office_id).with_for_update()
    )
    return found.one_or_none() is not None


def begin(connection: Connection, term: Term, role: str) -> None:
    """Let a term begin: whoever holds the post until then leaves it, and later plans for it fall.

    The holder works in the office for the term, in this role of `access.toml`, and holds one post
    there at a time. Raises sqlalchemy.exc.IntegrityError for a holder who is no user.
    """
    end(connection, term.office_id, term.post, term.since)
    _leave_other_post(connection, term)
    take(connection, term)
    _let_in(connection, term, role)


def take(connection: Connection, term: Term) -> None:
    """Write a term of a post that nobody holds; access is no business of this.

    Raises sqlalchemy.exc.IntegrityError where somebody holds it.
    """
    connection.execute(
        insert(posts).values(
            office_id=term.office_id,
            post=term.post,
            holder=term.holder,
            since=term.since,
            until=term.until,
        )
    )


def end(connection: Connection, office_id: str, post: str, at: datetime) -> None:
    """Let nobody hold a post from that moment on. What was planned for later falls."""
    _take_back(connection, office_id, and_(posts.c.post == post, posts.c.since >= at))
    ended = connection.execute(
        update(posts)
        .where(posts.c.office_id == office_id, posts.c.post == post, _holds(at))
        .values(until=at)
        .returning(posts.c.holder)
    ).scalar_one_or_none()
    if ended is not None:
        _let_out(connection, office_id, ended, at)


def _holds(at: datetime) -> ColumnElement[bool]:
    return and_(posts.c.since < at, or_(posts.c.until.is_(None), posts.c.until > at))


def _take_back(connection: Connection, office_id: str, planned: ColumnElement[bool]) -> None:
    """Terms that have not begun, and the access they would have given."""
    gone = connection.execute(
        delete(posts)
        .where(posts.c.office_id == office_id, planned)
        .returning(posts.c.holder, posts.c.since)
    ).all()
    for row in gone:
        connection.execute(
            delete(memberships).where(
                memberships.c.office_id == office_id,
                memberships.c.user_id == row.holder,
                memberships.c.since == row.since,
            )
        )


def _leave_other_post(connection: Connection, term: Term) -> None:
    """A deputy who becomes head is no deputy any more; the access goes on."""
    mine = and_(posts.c.office_id == term.office_id, posts.c.holder == term.holder)
    connection.execute(delete(posts).where(mine, posts.c.since >= term.since))
    connection.execute(update(posts).where(mine, _holds(term.since)).values(until=term.since))


def _let_out(connection: Connection, office_id: str, user_id: str, at: datetime) -> None:
    """End the access of whoever leaves a post, unless another one in this office is theirs."""
    other = connection.execute(
        select(posts.c.post).where(
            posts.c.office_id == office_id, posts.c.holder == user_id, _holds(at)
        )
    )
    if other.first() is not None:
        return
    theirs = and_(memberships.c.office_id == office_id, memberships.c.user_id == user_id)
    connection.execute(delete(memberships).where(theirs, memberships.c.since >= at))
    connection.execute(
        update(memberships)
        .where(theirs, or_(memberships.c.until.is_(None), memberships.c.until > at))
        .values(until=at)
    )


def _let_in(connection: Connection, term: Term, role: str) -> None:
    """Give access for the term; of one who works there already, it lasts as long as the term."""
    now = and_(
        memberships.c.office_id == term.office_id,
        memberships.c.user_id == term.holder,
        memberships.c.since <= term.since,
        or_(memberships.c.until.is_(None), memberships.c.until > term.since),
    )
    connection.execute(update(memberships).where(now).values(until=term.until))
    if connection.execute(
        select(memberships.c.role).where(now, memberships.c.role == role)
    ).first():
        return
    access = insert(memberships).values(
        user_id=term.holder,
        office_id=term.office_id,
        role=role,
        since=term.since,
        until=term.until,
    )
    connection.execute(
        access.on_conflict_do_update(constraint=memberships.primary_key, set_={"until": term.until})
    )


def role_of_last(connection: Connection, office_id: str, post: str) -> str:
    """The role of `access.toml` in which this post was held last; empty where nobody ever did."""
    found = connection.execute(
        select(memberships.c.role)
        .join_from(
            posts,
            memberships,
            and_(
                memberships.c.office_id == posts.c.office_id,
                memberships.c.user_id == posts.c.holder,
            ),
        )
        .where(posts.c.office_id == office_id, posts.c.post == post)
        .order_by(posts.c.since.desc(), memberships.c.since.desc())
        .limit(1)
    )
    return str(found.scalar_one_or_none() or "")
