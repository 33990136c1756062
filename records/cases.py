"""Finds cases by id or reference and lists them. Nothing personal is here to be found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, exists, select

from domain.case.state import Case
from records import loading
from records.alarms import STUCK
from records.errors import Unreadable
from records.paging import Keyset, Page
from records.scope import Scope, visible, visible_by_link
from records.subjects import named
from records.tables import alarms, case_offices, cases, subjects

BY_OPENING = Keyset((cases.c.opened_at, cases.c.case_id), (datetime, UUID), newest_first=True)


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as lists show it, as of its newest event (`now_at`)."""

    case_id: str
    reference: str
    clock_offset: int
    version: int
    procedure_digest: str
    corridor: str
    status: str
    on_hold: bool
    place: str
    turn: str
    waits_for: str
    waits_step: str
    waits_holder: str
    since: datetime | None
    due_at: datetime | None
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    late_at: datetime | None
    opened_at: datetime
    now_at: datetime
    ended_at: datetime | None
    disagrees: bool  # an alarm is open: the records disagree, and somebody must look
    stuck: bool  # the engine tries to run it and cannot


_ALARMED = exists().where(alarms.c.subject_id == cases.c.case_id, alarms.c.settled_at.is_(None))
_ELSEWHERE = {
    "reference": subjects.c.reference,
    "clock_offset": subjects.c.clock_offset,
    "disagrees": _ALARMED.where(alarms.c.kind != STUCK).label("disagrees"),
    "stuck": _ALARMED.where(alarms.c.kind == STUCK).label("stuck"),
}
SHOWN: tuple[Any, ...] = tuple(
    _ELSEWHERE[name] if name in _ELSEWHERE else cases.c[name]
    for name in CaseView.__dataclass_fields__
)


def find(connection: Connection, id_or_reference: str) -> CaseView | None:
    """Return a case by its id or its reference (small letters and a missing dash are forgiven)."""
    row = connection.execute(_listed().where(named(id_or_reference))).one_or_none()
    return None if row is None else view_of(row)


def folded(connection: Connection, case_id: str) -> Case | None:
    """Return the case itself, for the domain's own questions: forecast, gates, what is seen.

    Raises Unreadable.
    """
    try:
        known: Case | None = loading.folded(connection, case_id)
    except (KeyError, ValueError) as wrong:
        raise Unreadable(case_id) from wrong
    return known


def version_of(connection: Connection, case_id: str) -> int:
    """Return how many events are folded; 0 for a case that is not there yet."""
    found = connection.scalar(select(cases.c.version).where(cases.c.case_id == case_id))
    return found or 0


def list_page(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    status: str | None = None,
    corridor: str | None = None,
    office: str | None = None,
    turn: str | None = None,
    corridors: Collection[str] | None = None,
) -> Page[CaseView]:
    """Return cases, newest first; `office` and `corridors` say how far is seen (`scope.py`)."""
    keyset, query = _within(Scope(office, corridors))
    query = narrowed(query, status=status, corridor=corridor, turn=turn)
    rows = connection.execute(keyset.page(query, cursor, limit)).all()
    return keyset.cut(rows, limit, view_of)


def narrowed(
    query: Select[Any],
    *,
    status: str | None = None,
    corridor: str | None = None,
    turn: str | None = None,
) -> Select[Any]:
    """Keep the cases that match each word given."""
    for column, word in ((cases.c.status, status), (cases.c.corridor, corridor)):
        query = query if word is None else query.where(column == word)
    return query if turn is None else query.where(cases.c.turn == turn)


def view_of(row: Any) -> CaseView:
    """A row as lists show it."""
    return CaseView(*(getattr(row, name) for name in CaseView.__dataclass_fields__))


def _listed() -> Select[Any]:
    return select(*SHOWN).join_from(cases, subjects, cases.c.case_id == subjects.c.id)


def _within(scope: Scope) -> tuple[Keyset, Select[Any]]:
    if scope.office is None:
        return BY_OPENING, visible(_listed(), scope)
    # Ordered by the link's own columns: the index on them gives the page without sorting.
    keyset = Keyset(
        (case_offices.c.opened_at, case_offices.c.case_id), (datetime, UUID), newest_first=True
    )
    return keyset, visible_by_link(_listed(), scope.office, scope)
