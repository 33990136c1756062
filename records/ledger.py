"""The ledger: what happened in each subject, in order, each row chained to the one before it.

It is only ever added to; a trigger refuses everything else. It is the only lasting copy of the past.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, union

from records.errors import LedgerConflict, LedgerGap
from records.tables import events, states
from workflows.encoding import EVENT, Json, digest, event_from_json
from workflows.messages import NewEvent

BEFORE_THE_FIRST = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of the ledger."""

    seq: int
    kind: str
    at: datetime
    body: Json
    digest: str
    chain: str
    key: str | None
    content: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of a subject: its number and the chain up to it."""

    seq: int
    chain: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the ledger of a subject, at a row."""

    subject_id: str
    seq: int
    what: str  # changed missing reordered
    at_end: bool = False  # missing after the last row; only a row of another table tells of it

    def in_words(self) -> str:
        """A sentence that names the row, not the subject."""
        said = _AT_THE_END if self.at_end else _SAID[self.what]
        return f"event {self.seq} of the ledger {said}"


_SAID = {"changed": "was changed", "missing": "is missing", "reordered": "was moved"}
_AT_THE_END = "is missing: the end was cut off, or its row counts too far"


NOTHING_YET = Head(0, BEFORE_THE_FIRST)


def digest_of(subject_id: str, event: NewEvent) -> str:
    """The digest of all that a row says, its place included."""
    return digest([subject_id, event.seq, event.body, event.key, event.content])


def chained(before: str, row_digest: str) -> str:
    """The chain after a row: nothing before it can change, go or move without changing this."""
    return hashlib.sha256(f"{before}{row_digest}".encode()).hexdigest()


def head(connection: Connection, subject_id: str) -> Head:
    """Return the newest row's number and chain; number 0 where there is none."""
    row = connection.execute(
        select(events.c.seq, events.c.chain)
        .where(events.c.subject_id == subject_id)
        .order_by(events.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return NOTHING_YET if row is None else Head(row.seq, row.chain)


def not_yet_there(
    connection: Connection, subject_id: str, given: Sequence[NewEvent], last: Head
) -> tuple[NewEvent, ...]:
    """Return the events after the head; those before it must be there with the same contents.

    So sending twice does no harm. Raises LedgerConflict where one says something else.
    """
    _check_known(connection, subject_id, [event for event in given if event.seq <= last.seq])
    return tuple(event for event in given if event.seq > last.seq)


def rows_after(last: Head, subject_id: str, fresh: Iterable[NewEvent]) -> tuple[list[Json], Head]:
    """Return the rows of events that follow a head, each chained to the one before, and the new head.

    Raises LedgerGap when a number was left out; LedgerConflict when one is there already.
    """
    rows: list[Json] = []
    seq, chain = last.seq, last.chain
    for event in fresh:
        if event.seq <= seq:
            raise LedgerConflict(subject_id, event.seq)
        if event.seq != seq + 1:
            raise LedgerGap(subject_id, seq + 1, event.seq)
        row_digest = digest_of(subject_id, event)
        seq, chain = event.seq, chained(chain, row_digest)
        rows.append(_row(subject_id, event, row_digest, chain))
    return rows, Head(seq, chain)


def _check_known(connection: Connection, subject_id: str, repeated: Sequence[NewEvent]) -> None:
    if not repeated:
        return
    found = connection.execute(
        select(events.c.seq, events.c.digest).where(
            events.c.subject_id == subject_id, events.c.seq.in_([event.seq for event in repeated])
        )
    )
    kept = {row.seq: row.digest for row in found}
    for event in repeated:
        if kept.get(event.seq) != digest_of(subject_id, event):
            raise LedgerConflict(subject_id, event.seq)


def _row(subject_id: str, event: NewEvent, row_digest: str, chain: str) -> Json:
    return {
        "subject_id": subject_id,
        "seq": event.seq,
        "kind": event.body[EVENT],
        "at": event.body["at"],
        "body": event.body,
        "digest": row_digest,
        "chain": chain,
        "key": event.key,
        "content": event.content,
    }


def read(
    connection: Connection, subject_id: str, after_seq: int = 0, limit: int | None = None
) -> list[LedgerRow]:
    """Return the rows of a subject after `after_seq`, oldest first."""
    found = connection.execute(
        select(
            events.c.seq,
            events.c.kind,
            events.c.at,
            events.c.body,
            events.c.digest,
            events.c.chain,
            events.c.key,
            events.c.content,
        )
        .where(events.c.subject_id == subject_id, events.c.seq > after_seq)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [_ledger_row(row) for row in found]


def _ledger_row(row: Any) -> LedgerRow:
    return LedgerRow(
        row.seq, row.kind, row.at, row.body, row.digest, row.chain, row.key, row.content
    )


def events_of(connection: Connection, subject_id: str, after_seq: int = 0) -> list[Any]:
    """Return what happened, ready to be folded."""
    return [event_from_json(row.body) for row in read(connection, subject_id, after_seq)]


def subject_ids(connection: Connection) -> list[str]:
    """Return every subject that has a ledger, in order."""
    return list(
        connection.scalars(select(events.c.subject_id).distinct().order_by(events.c.subject_id))
    )


def verified_ids(connection: Connection) -> list[str]:
    """Return every subject to verify, in order: also one whose ledger is gone and whose rows are not."""
    told = union(select(events.c.subject_id), select(states.c.subject_id)).subquery()
    return list(connection.scalars(select(told.c.subject_id).order_by(told.c.subject_id)))


def verify(connection: Connection, subject_id: str) -> list[Finding]:
    """Name every row that was changed, is missing or was moved; nothing means all is well.

    Rows cut off at the end are seen by comparing with the folded state, which is kept elsewhere.
    """
    claimed = _folded_up_to(
        connection, subject_id
    )  # first: a subject goes on while it is looked at
    rows = read(connection, subject_id)
    seqs = [row.seq for row in rows]
    newest = max(seqs, default=0)
    last = max(claimed, newest)
    missing = sorted(set(range(1, last + 1)) - set(seqs))
    findings = [Finding(subject_id, seq, "missing", 0 < newest < seq) for seq in missing]
    before, sound = NOTHING_YET, True
    for row in rows:
        # After a row that is wrong nobody can say what the chain should be; it goes on from there.
        follows = sound and row.seq == before.seq + 1
        expected = chained(before.chain, row.digest) if follows else row.chain
        wrong = _what_is_wrong(subject_id, row, expected, last)
        if wrong:
            findings.append(Finding(subject_id, row.seq, wrong))
        before, sound = Head(row.seq, row.chain), not wrong
    return sorted(findings, key=lambda finding: finding.seq)


def _what_is_wrong(subject_id: str, row: LedgerRow, expected_chain: str, last: int) -> str:
    if digest_of(subject_id, _told(row, row.seq)) != row.digest:
        moved = any(
            digest_of(subject_id, _told(row, seq)) == row.digest for seq in range(1, last + 1)
        )
        return "reordered" if moved else "changed"
    told_at = datetime.fromisoformat(row.body["at"])
    if row.chain != expected_chain or row.kind != row.body[EVENT] or row.at != told_at:
        return "changed"
    return ""


def _told(row: LedgerRow, seq: int) -> NewEvent:
    return NewEvent(seq, row.body, row.key, row.content)


def _folded_up_to(connection: Connection, subject_id: str) -> int:
    """The newest event that the folded state has seen, by its row or by the state within it.

    A row that is there has seen one event at least.
    """
    within = states.c.state["version"].as_integer()
    asked = select(func.greatest(states.c.version, within, 1))
    return connection.scalar(asked.where(states.c.subject_id == subject_id)) or 0
