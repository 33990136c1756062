"""Which edition each case is of, as its row says. Reads; never writes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from records.tables import cases, openings


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases are of an edition; ended ones may be reopened, and then need it."""

    edition: int
    open: int
    ended: int


@dataclass(frozen=True, slots=True)
class Older:
    """An open case of an older edition."""

    case_id: str
    reference: str
    edition: int


def counts(connection: Connection) -> list[Count]:
    """Return how many cases are of each edition, the oldest first."""
    ended = func.count(cases.c.ended_at)
    found = connection.execute(
        select(cases.c.edition, func.count() - ended, ended)
        .group_by(cases.c.edition)
        .order_by(cases.c.edition)
    )
    return [Count(*row) for row in found]


def older_than(connection: Connection, edition: int) -> list[Older]:
    """Return every open case of an older edition, the longest open first."""
    found = connection.execute(
        select(cases.c.case_id, openings.c.reference, cases.c.edition)
        .join_from(cases, openings, cases.c.case_id == openings.c.case_id)
        .where(cases.c.ended_at.is_(None), cases.c.edition < edition)
        .order_by(cases.c.opened_at, cases.c.case_id)
    )
    return [Older(*row) for row in found]
