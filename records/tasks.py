"""Finds tasks: those open in the hands of an office, first due first, and all of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from records.paging import Keyset, Page
from records.tables import cases, subjects, tasks

BY_DUE = Keyset(
    (tasks.c.due_or_never, tasks.c.subject_id, tasks.c.step, tasks.c.attempt),
    (datetime, UUID, str, int),
)


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as lists show it, with the reference of its case and nothing about the person."""

    subject_id: str
    reference: str
    corridor: str
    clock_offset: int
    case_version: int
    now_at: datetime  # of the case's newest event
    on_hold: bool
    step: str
    attempt: int
    title: str
    state: str
    is_open: bool
    watch: bool
    role: str
    holder: str
    made_for: str
    offered_at: datetime
    started_at: datetime
    due_at: datetime | None
    rung: str
    rung_to: tuple[str, ...]
    deciders: tuple[str, ...]
    escalation: str
    next_rung: str
    next_rung_at: datetime | None
    promised_on: date | None
    outcome: str
    happened_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    ended_for: str
    valid_until: date | None


def of_office(
    connection: Connection,
    office: str,
    *,
    limit: int,
    cursor: str | None = None,
    state: str | None = None,
) -> Page[TaskView]:
    """Return what this office must do now, first due first; watches are not tasks."""
    query = _listed().where(tasks.c.holder == office, tasks.c.is_open)
    if state is not None:
        query = query.where(tasks.c.state == state)
    rows = connection.execute(BY_DUE.page(query, cursor, limit)).all()
    return BY_DUE.cut(rows, limit, _view_of)


def of_case(connection: Connection, case_id: str) -> list[TaskView]:
    """Return every attempt of every step and watch of a case, in the order they were offered."""
    query = _listed().where(tasks.c.subject_id == case_id)
    order = (tasks.c.offered_at, tasks.c.step, tasks.c.attempt)
    return [_view_of(row) for row in connection.execute(query.order_by(*order))]


def of_step(connection: Connection, case_id: str, step: str) -> TaskView | None:
    """Return the newest attempt of a step."""
    query = _listed().where(tasks.c.subject_id == case_id, tasks.c.step == step)
    row = connection.execute(query.order_by(tasks.c.attempt.desc()).limit(1)).one_or_none()
    return None if row is None else _view_of(row)


def blocking(connection: Connection, cases_late: Mapping[str, datetime]) -> dict[str, TaskView]:
    """Return, by case, the task or watch that has been due longest: what the case stands still on.

    `cases_late` is `late_at` by case id; a case that merely lies idle has no such task.
    """
    if not cases_late:
        return {}
    query = (
        _listed()
        .where(tasks.c.subject_id.in_(cases_late), tasks.c.state.in_(("offered", "accepted")))
        .where(tasks.c.due_at == cases.c.late_at)
        .order_by(tasks.c.step.desc())
    )
    return {str(row.subject_id): _view_of(row) for row in connection.execute(query)}


def _listed() -> Select[Any]:
    return (
        select(
            tasks,
            subjects.c.reference,
            subjects.c.clock_offset,
            cases.c.corridor,
            cases.c.on_hold,
            cases.c.version.label("case_version"),
            cases.c.now_at,
        )
        .join_from(tasks, cases, tasks.c.subject_id == cases.c.case_id)
        .join(subjects, subjects.c.id == tasks.c.subject_id)
    )


def _view_of(row: Any) -> TaskView:
    values = {name: getattr(row, name) for name in TaskView.__dataclass_fields__}
    texts = {name: tuple(values[name]) for name in ("rung_to", "deciders")}
    return TaskView(**(values | texts))
