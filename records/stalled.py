"""Finds every open case that stands still: late, not asked for long, or its records disagree."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Interval,
    Select,
    bindparam,
    cast,
    func,
    or_,
    select,
)

from records import alarms
from records.cases import SHOWN, CaseView, narrowed, view_of
from records.paging import Keyset, Page
from records.scope import Scope, visible
from records.tables import cases, subjects

OLDEST_FIRST = Keyset((cases.c.late_at, cases.c.case_id), (datetime, UUID))


def page(
    connection: Connection,
    as_of: datetime,
    *,
    limit: int,
    cursor: str | None = None,
    corridor: str | None = None,
    office: str | None = None,
    turn: str | None = None,
    rehearsal: bool = False,
    corridors: Collection[str] | None = None,
) -> Page[CaseView]:
    """Return the cases that stand still at `as_of`, longest first: blocker, turn and next rung.

    Late is what was due at or before that moment. In a rehearsal each case has its own date:
    `as_of` is moved by its offset, and never lies before its newest event. That asks row by row,
    where a real installation reads an index to its end and stops. An open case whose records
    disagree is always among them.
    """
    late = _late_by_own_date(as_of) if rehearsal else cases.c.late_at <= as_of
    alarmed = alarms.subjects_open(connection)
    if alarmed:  # asked apart, so that the index alone answers where there is none
        late = or_(late, cases.c.case_id.in_(alarmed))
    query: Select[Any] = select(cases.c.late_at, cases.c.case_id)
    query = query.where(cases.c.ended_at.is_(None)).where(late)
    if rehearsal:
        query = query.join(subjects, cases.c.case_id == subjects.c.id)
    query = visible(query, Scope(office, corridors))
    query = narrowed(query, corridor=corridor, turn=turn)
    # First which, then what is shown of them: joined at once, the planner read whole tables.
    picked = OLDEST_FIRST.page(query, cursor, limit).subquery("picked")
    shown = (
        select(*SHOWN)
        .join_from(picked, cases, picked.c.case_id == cases.c.case_id)
        .join(subjects, cases.c.case_id == subjects.c.id)
        .order_by(*OLDEST_FIRST.columns)
    )
    rows = connection.execute(shown).all()
    return OLDEST_FIRST.cut(rows, limit, view_of)


def late_days(case: CaseView, as_of: datetime) -> int:
    """Whole days since the case began to stand still; for order and colour, not for the law."""
    if case.late_at is None:
        return 0
    own = max(as_of + timedelta(seconds=case.clock_offset), case.now_at)
    return max(0, (own - case.late_at).days)


def _late_by_own_date(as_of: datetime) -> ColumnElement[bool]:
    offset: Any = func.make_interval(0, 0, 0, 0, 0, 0, subjects.c.clock_offset)
    moment = bindparam("as_of", as_of, type_=cases.c.late_at.type)
    return or_(
        cases.c.late_at <= moment + cast(offset, Interval), cases.c.late_at <= cases.c.now_at
    )
