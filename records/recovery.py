"""Makes the beginning of a run out of the ledger: for a subject reopened, or an engine that was lost.

It only reads. What happened stands in the ledger; everything else follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from domain.kinds import AnyKind, State, kind_named
from records import installation, ledger, subjects
from records.ledger import LedgerRow
from records.loading import ready_for
from records.subjects import Subject
from workflows import options
from workflows.encoding import event_from_json, procedure_to_json, state_to_json
from workflows.messages import Op, Snapshot


@dataclass(frozen=True, slots=True)
class Kept:
    """A subject folded from its ledger, and the snapshot from which a run goes on with it."""

    kind: AnyKind
    state: Any
    clock_offset: int
    snapshot: Snapshot
    answered: Mapping[str, Op]  # every key the ledger knows, and what it was answered


def from_ledger(
    connection: Connection, subject_id: str, not_before: datetime | None = None
) -> Kept | None:
    """Fold a subject from its ledger; None where there is none. Raises UnknownProcedure.

    `not_before`: in a rehearsal, what the subject's clock must show at least.
    """
    rows = ledger.read(connection, subject_id)
    subject = subjects.find(connection, subject_id)
    if not rows or subject is None:
        return None
    kind = kind_named(subject.kind)
    state: Any = None
    answered: dict[str, Op] = {}
    for row in rows:
        event = event_from_json(row.body)
        state = kind.apply(ready_for(connection, kind, subject_id, state, event), event)
        _remember(answered, row, state)
    snapshot = Snapshot(
        state=state_to_json(kind, state),
        procedures={
            digest: procedure_to_json(procedure) for digest, procedure in state.procedures.items()
        },
        ops=tuple(answered.values())[-options.OPS_KEPT :],
    )
    offset = _clock_offset(connection, subject, state, not_before)
    return Kept(kind, state, offset, snapshot, answered)


def _remember(answered: dict[str, Op], row: LedgerRow, state: State) -> None:
    """The newest event of a key tells what that key was answered."""
    if row.key:
        answered.pop(row.key, None)
        answered[row.key] = Op(
            row.key, row.content or "", state.version, state.now or row.at, state.state
        )


def _clock_offset(
    connection: Connection, subject: Subject, state: State, not_before: datetime | None
) -> int:
    """The subject's own offset; in a rehearsal, never so small that its clock would run backwards.

    Virtual time belongs to a run: what it gained is lost with the run and is made up here.
    """
    offset = subject.clock_offset
    if state.now is None or not installation.is_rehearsal(connection):
        return offset
    reached = max(state.now, not_before or state.now)
    return max(offset, math.ceil((reached - datetime.now(UTC)).total_seconds()))
