"""A case as it is kept: folded state and plans put together again. Reads; never writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, select

from domain.case.apply import apply, blank
from domain.case.events import CaseOpened
from domain.case.projection import Marks, marks_after
from domain.case.state import Case
from domain.event import Event
from records import procedures
from records.case_json import NO_TEXT, CaseJson
from records.errors import UnknownProcedure
from records.ledger import NOTHING_YET, Head
from records.tables import cases, events
from workflows.encoding import case_from_text


@dataclass(frozen=True, slots=True)
class Folded:
    """A case and what its events told, after some of them."""

    case: Case
    marks: Marks


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """Where the ledger of a case stands, and the case where its rows stand there too (else None).

    `text` is the case's, as far as it is known.
    """

    head: Head
    case: Case | None
    text: CaseJson = NO_TEXT


def folded(connection: Connection, case_id: str) -> Case | None:
    """Return the case as of its newest kept event, with every plan it has known."""
    row = connection.execute(_STATE, {"case": case_id}).one_or_none()
    return None if row is None else _case_of(connection, row)


def position(connection: Connection, case_id: str) -> LedgerPosition:
    """Return the head of the ledger and the case."""
    row = connection.execute(_STANDING, {"case": case_id}).one_or_none()
    if row is None:
        return LedgerPosition(NOTHING_YET, None)
    case = _case_of(connection, row) if row.version == row.seq else None
    return LedgerPosition(Head(row.seq, row.chain), case)


def _case_of(connection: Connection, row: Any) -> Case:
    return case_from_text(row.state, procedures.of(connection, row.procedure_digests))


# Made once: to put a statement together takes as long as to run it.
_TEXT = cast(cases.c.state, Text).label("state")
_STATE = select(_TEXT, cases.c.procedure_digests).where(cases.c.case_id == bindparam("case"))
_STANDING = (
    select(events.c.seq, events.c.chain, cases.c.version, _TEXT, cases.c.procedure_digests)
    .outerjoin_from(events, cases, events.c.case_id == cases.c.case_id)
    .where(events.c.case_id == bindparam("case"))
    .order_by(events.c.seq.desc())
    .limit(1)
)


def fold_on(
    connection: Connection, case_id: str, before: Folded | None, happened: Iterable[Event]
) -> Folded:
    """Fold events onto what is kept (None: nothing yet).

    Raises UnknownProcedure; ValueError where nothing was kept and nothing happened.
    """
    now = before
    for event in happened:
        case = with_procedures_read(connection, case_id, now.case if now else None, event)
        marks = now.marks if now else Marks()
        after = apply(case, event)
        now = Folded(after, marks_after(marks, case, after, event, after.version))
    if now is None:
        raise ValueError(f"nothing ever happened in case {case_id}")
    return now


def with_procedures_read(
    connection: Connection, case_id: str, case: Case | None, event: Event
) -> Case:
    """The case with the plan that `event` names, if it names one; a blank one before the first."""
    digest: Any = getattr(event, "procedure_digest", "")
    if case is None:
        if not isinstance(event, CaseOpened):
            raise UnknownProcedure(str(digest))
        return blank(case_id, procedures.of(connection, [digest])[digest], digest)
    if digest and digest not in case.procedures:
        return replace(case, procedures={**case.procedures, **procedures.of(connection, [digest])})
    return case
