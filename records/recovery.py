"""Makes the beginning of a run out of the ledger: for a case reopened, or an engine that was lost.

It only reads. What happened stands in the ledger; everything else follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from domain.case.apply import apply, blank
from domain.case.state import Case
from domain.event import Event
from records import installation, ledger, openings, procedures
from records.ledger import LedgerRow
from workflows import options
from workflows.encoding import case_to_json, event_from_json, procedure_to_json
from workflows.messages import Op, Snapshot


@dataclass(frozen=True, slots=True)
class Kept:
    """A case folded from its ledger, and the snapshot from which a run goes on with it."""

    case: Case
    clock_offset: int
    snapshot: Snapshot
    answered: Mapping[str, Op]  # every key the ledger knows, and what it was answered


def from_ledger(
    connection: Connection, case_id: str, not_before: datetime | None = None
) -> Kept | None:
    """Fold a case from its ledger; None where there is none. Raises UnknownProcedure.

    `not_before`: in a rehearsal, what the case's clock must show at least.
    """
    rows = ledger.read(connection, case_id)
    if not rows:
        return None
    case: Case | None = None
    answered: dict[str, Op] = {}
    for row in rows:
        event = event_from_json(row.body)
        case = apply(_with_procedures_read(connection, case, case_id, event), event)
        _remember(answered, row, case)
    if case is None:  # pragma: no cover - there was at least one row
        return None
    snapshot = Snapshot(
        case=case_to_json(case),
        procedures={
            digest: procedure_to_json(procedure) for digest, procedure in case.procedures.items()
        },
        ops=tuple(answered.values())[-options.OPS_KEPT :],
    )
    return Kept(case, _clock_offset(connection, case, not_before), snapshot, answered)


def _with_procedures_read(
    connection: Connection, case: Case | None, case_id: str, event: Event
) -> Case:
    digest = str(getattr(event, "procedure_digest", ""))
    if case is None:
        return blank(case_id, procedures.of(connection, [digest])[digest], digest)
    if not digest or digest in case.procedures:
        return case
    return replace(case, procedures={**case.procedures, **procedures.of(connection, [digest])})


def _remember(answered: dict[str, Op], row: LedgerRow, case: Case) -> None:
    """The newest event of a key tells what that key was answered."""
    if row.key:
        answered.pop(row.key, None)
        answered[row.key] = Op(
            row.key, row.content or "", case.version, case.now or row.at, case.state
        )


def _clock_offset(connection: Connection, case: Case, not_before: datetime | None) -> int:
    """The case's own offset; in a rehearsal, never so small that its clock would run backwards.

    Virtual time belongs to a run: what it gained is lost with the run and is made up here.
    """
    known = openings.of_case(connection, case.id)
    offset = known.clock_offset if known else 0
    if case.now is None or not installation.is_rehearsal(connection):
        return offset
    reached = max(case.now, not_before or case.now)
    return max(offset, math.ceil((reached - datetime.now(UTC)).total_seconds()))
