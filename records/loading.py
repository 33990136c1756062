"""A subject as it is kept: folded state and procedures put together again. Reads; never writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, select

from domain.kinds import AnyKind, State, kind_named
from domain.subject import procedure_named
from domain.work.procedure import Procedure
from domain.work.rows import Marks
from records import procedures
from records.ledger import NOTHING_YET, Head
from records.state_json import NO_TEXT, StateJson
from records.tables import events, states, subjects
from workflows.encoding import state_from_text


@dataclass(frozen=True, slots=True)
class Folded:
    """A subject's state and what its events told, after some of them."""

    state: Any
    marks: Marks


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """Where a ledger stands, and the state where the rows stand there too (else None).

    `text` is the state's, as far as it is known.
    """

    head: Head
    state: State | None
    text: StateJson = NO_TEXT


def folded(connection: Connection, subject_id: str) -> Any:
    """Return the state as of its newest kept event, with every procedure it knows; None without one."""
    row = connection.execute(_STATE, {"subject": subject_id}).one_or_none()
    return None if row is None else _state_of(connection, kind_named(row.kind), row)


def position(connection: Connection, kind: AnyKind, subject_id: str) -> LedgerPosition:
    """Return the head of the ledger and the state."""
    row = connection.execute(_POSITION, {"subject": subject_id}).one_or_none()
    if row is None:
        return LedgerPosition(NOTHING_YET, None)
    state = _state_of(connection, kind, row) if row.version == row.seq else None
    return LedgerPosition(Head(row.seq, row.chain), state)


def _state_of(connection: Connection, kind: AnyKind, row: Any) -> Any:
    return state_from_text(kind, row.state, procedures.of(connection, row.procedure_digests))


# Made once: to put a statement together takes as long as to run it.
_TEXT = cast(states.c.state, Text).label("state")
_STATE = (
    select(_TEXT, states.c.procedure_digests, subjects.c.kind)
    .join_from(states, subjects, subjects.c.id == states.c.subject_id)
    .where(states.c.subject_id == bindparam("subject"))
)
_POSITION = (
    select(events.c.seq, events.c.chain, states.c.version, _TEXT, states.c.procedure_digests)
    .outerjoin_from(events, states, events.c.subject_id == states.c.subject_id)
    .where(events.c.subject_id == bindparam("subject"))
    .order_by(events.c.seq.desc())
    .limit(1)
)


def fold_on(
    connection: Connection,
    kind: AnyKind,
    subject_id: str,
    before: Folded | None,
    happened: Iterable[Any],
) -> Folded:
    """Fold events onto what is kept (None: nothing yet).

    Raises UnknownProcedure; ValueError where nothing was kept and nothing happened.
    """
    now = before
    for event in happened:
        state = ready_for(connection, kind, subject_id, now.state if now else None, event)
        marks = now.marks if now else Marks()
        after = kind.apply(state, event)
        now = Folded(after, kind.marks_after(marks, state, after, event, after.version))
    if now is None:
        raise ValueError(f"nothing ever happened in {subject_id}")
    return now


def ready_for(
    connection: Connection, kind: AnyKind, subject_id: str, state: State | None, event: Any
) -> Any:
    """The state with the procedure that `event` names, if any; a blank one before the first.

    Raises UnknownProcedure.
    """
    if state is None:
        return kind.blank(subject_id, event, _named(connection, event))
    if procedure_named(event) in state.procedures:
        return state
    return kind.knowing(state, _named(connection, event))


def _named(connection: Connection, event: Any) -> dict[str, Procedure]:
    digest = procedure_named(event)
    return procedures.of(connection, [digest]) if digest else {}
