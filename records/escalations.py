"""Finds escalations: those an office may decide now, all that are open, and those of a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from records.paging import Keyset, Page
from records.scope import Scope, visible
from records.tables import cases, escalations, subjects, tasks

BY_OPENING = Keyset(
    (escalations.c.opened_at, escalations.c.subject_id, escalations.c.number), (datetime, UUID, int)
)


@dataclass(frozen=True, slots=True)
class EscalationView:
    """An open question, or how it ended. `reason` is the name of a private text."""

    subject_id: str
    reference: str
    corridor: str
    clock_offset: int
    number: int
    step: str
    attempt: int
    title: str
    state: str
    rung: str
    deciders: tuple[str, ...]
    holder: str
    due_at: datetime | None
    opened_at: datetime
    ended_at: datetime | None
    decision: str
    decided_by: str
    reason: str


def open_for(
    connection: Connection, office: str, *, limit: int, cursor: str | None = None
) -> Page[EscalationView]:
    """Return what this office may decide now, longest open first."""
    return list_page(connection, limit=limit, cursor=cursor, decider=office)


def list_page(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    state: str = "open",
    decider: str | None = None,
    office: str | None = None,
) -> Page[EscalationView]:
    """Return escalations; `office` keeps cases in which it holds a role."""
    query = _listed().where(escalations.c.state == state)
    if decider is not None:
        query = query.where(escalations.c.deciders.contains([decider]))
    query = visible(query, Scope(office))
    rows = connection.execute(BY_OPENING.page(query, cursor, limit)).all()
    return BY_OPENING.cut(rows, limit, _view_of)


def of_case(connection: Connection, case_id: str) -> list[EscalationView]:
    """Return every escalation of a case, oldest first."""
    query = _listed().where(escalations.c.subject_id == case_id).order_by(escalations.c.number)
    return [_view_of(row) for row in connection.execute(query)]


def _listed() -> Select[Any]:
    return (
        select(
            escalations,
            subjects.c.reference,
            subjects.c.clock_offset,
            cases.c.corridor,
            tasks.c.title,
            tasks.c.due_at,
        )
        .join_from(escalations, cases, escalations.c.subject_id == cases.c.case_id)
        .join(subjects, subjects.c.id == escalations.c.subject_id)
        .join(
            tasks,
            (tasks.c.subject_id == escalations.c.subject_id)
            & (tasks.c.step == escalations.c.step)
            & (tasks.c.attempt == escalations.c.attempt),
        )
    )


def _view_of(row: Any) -> EscalationView:
    values = {name: getattr(row, name) for name in EscalationView.__dataclass_fields__}
    return EscalationView(**(values | {"deciders": tuple(row.deciders)}))
