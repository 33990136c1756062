"""Where a running subject and its ledger disagreed: written when it is seen, kept for ever.

An alarm stays open until somebody let it go on from the ledger (`homeward recover`), that of
a ledger changed by hand until it is whole again (`homeward audit verify`). The event that the
ledger refused is kept with it: whoever looks can see what was not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from records.errors import LedgerConflict, LedgerGap
from records.ledger import Finding, digest_of
from records.tables import alarms
from workflows.encoding import Json
from workflows.messages import NewEvent

CONFLICT = "conflict"  # the same number with other contents
GAP = "gap"  # a number was left out: the ledger has lost rows, or the engine made some up
BEHIND = "behind"  # the engine came back with an older copy of the subject
BROKEN = "broken"  # rows of the ledger were changed, moved or removed by hand; the first of them
STUCK = "stuck"  # the engine tries to run it and cannot; no event is in question (seq 0)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One disagreement, at an event of a subject; `at` is the moment on its own clock."""

    subject_id: str
    seq: int
    kind: str  # conflict gap behind broken stuck
    digest: str  # of the event that was refused; empty where there is none
    at: datetime
    body: Json | None
    key: str | None  # the update that was refused
    settled_at: datetime | None


def refused(
    connection: Connection, wrong: LedgerConflict | LedgerGap, events: Iterable[NewEvent]
) -> None:
    """Keep that the ledger refused one of these events, in a transaction of its own."""
    conflict = isinstance(wrong, LedgerConflict)
    seq = wrong.seq if isinstance(wrong, LedgerConflict) else wrong.given
    event = next(event for event in events if event.seq == seq)
    _raise(
        connection,
        subject_id=wrong.subject_id,
        seq=seq,
        kind=CONFLICT if conflict else GAP,
        digest=digest_of(wrong.subject_id, event),
        at=datetime.fromisoformat(event.body["at"]),
        body=event.body,
        key=event.key,
    )


def behind(connection: Connection, subject_id: str, seq: int, at: datetime) -> None:
    """Keep that a run knew less than the ledger, which stands at event `seq` of moment `at`."""
    _raise(connection, subject_id=subject_id, seq=seq, kind=BEHIND, digest="", at=at)


def broken(connection: Connection, found: Finding, at: datetime) -> None:
    """Keep that a ledger was found changed by hand at `at`; said once until it is whole again."""
    if found.subject_id not in _now(connection, BROKEN):
        _raise(
            connection, subject_id=found.subject_id, seq=found.seq, kind=BROKEN, digest="", at=at
        )


def mended(connection: Connection, still: Iterable[str], at: datetime) -> None:
    """Settle what `broken` raised, but for the subjects that are `still` so."""
    whole = _now(connection, BROKEN) - set(still)
    if whole:  # else nothing is written: a database that takes no writing may be verified, too
        one = alarms.c.kind == BROKEN, alarms.c.subject_id.in_(whole)
        connection.execute(update(alarms).where(_OPEN, *one).values(settled_at=at))


def stuck(connection: Connection, subject_ids: Iterable[str], at: datetime) -> None:
    """Keep which subjects the engine cannot run at `at`; those that it can again are settled."""
    failing = set(subject_ids)
    again = update(alarms).where(_OPEN, alarms.c.kind == STUCK, alarms.c.subject_id.not_in(failing))
    connection.execute(again.values(settled_at=at))
    for subject_id in sorted(failing - _now(connection, STUCK)):
        _raise(connection, subject_id=subject_id, seq=0, kind=STUCK, digest="", at=at)


def _now(connection: Connection, kind: str) -> set[str]:
    return set(connection.scalars(select(alarms.c.subject_id).where(_OPEN, alarms.c.kind == kind)))


def _raise(connection: Connection, **values: Any) -> None:
    row = insert(alarms).values(**values)
    key = [column.name for column in alarms.primary_key]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={"settled_at": None}))


def settle(connection: Connection, subject_id: str, at: datetime) -> int:
    """Close the open alarms of a subject that goes on from its ledger; return how many.

    That of a ledger changed by hand stays: a run that is well says nothing of it.
    """
    settled = update(alarms).where(
        _OPEN, alarms.c.subject_id == subject_id, alarms.c.kind != BROKEN
    )
    return connection.execute(settled.values(settled_at=at)).rowcount


def count_open(connection: Connection) -> int:
    """How many disagreements wait for somebody."""
    return _count(connection, alarms.c.kind != STUCK)


def count_stuck(connection: Connection) -> int:
    """How many subjects the engine cannot run."""
    return _count(connection, alarms.c.kind == STUCK)


def _count(connection: Connection, wanted: Any) -> int:
    asked = select(func.count()).select_from(alarms).where(_OPEN, wanted)
    return connection.scalar(asked) or 0


def subjects_open(connection: Connection) -> list[str]:
    """The subjects with an open alarm."""
    asked = select(alarms.c.subject_id).distinct().where(_OPEN).order_by(alarms.c.subject_id)
    return list(connection.scalars(asked))


def list_open(connection: Connection) -> list[Alarm]:
    """Every open alarm, subject by subject."""
    return _found(connection, _OPEN)


def of_subject(connection: Connection, subject_id: str) -> list[Alarm]:
    """Every alarm a subject ever had."""
    return _found(connection, alarms.c.subject_id == subject_id)


def _found(connection: Connection, wanted: Any) -> list[Alarm]:
    asked = select(alarms).where(wanted).order_by(*alarms.primary_key.columns)
    return [Alarm(**row) for row in connection.execute(asked).mappings()]


_OPEN = alarms.c.settled_at.is_(None)
