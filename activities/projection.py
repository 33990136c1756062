"""The projector's hands: writes what happened in a case to PostgreSQL. Decides nothing.

Safe to repeat: the ledger passes over what it has, and refuses what contradicts it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.recovery import from_ledger
from records import alarms, ledger, projection
from records.errors import LedgerConflict, LedgerGap, RecordsError
from workflows import ports

log = logging.getLogger(__name__)


class Projector:
    """Implements `workflows.ports.CasePorts` over one database."""

    def __init__(self, database: Engine) -> None:
        """Keep the engine whose connections the worker's threads share."""
        self._database = database

    @activity.defn(name=ports.PROJECT)
    def project_case_events(self, batch: ports.Batch) -> int:
        """Write a batch in one transaction; return the version then in the database.

        A ledger that holds something else fails for good, and loudly: a person must look.
        """
        told = projection.Batch(
            case_id=batch.case_id,
            events=tuple(
                projection.NewEvent(event.seq, event.body, event.key, event.content)
                for event in batch.events
            ),
            clock_offset=batch.clock_offset,
            plans=batch.plans,
        )
        try:
            with self._database.begin() as connection:
                return projection.write_batch(connection, told)
        except RecordsError as wrong:
            log.critical("the ledger refused a batch: %s", wrong)
            self._raise_alarm(wrong, told)
            raise ApplicationError(
                str(wrong), type=ports.LEDGER_TROUBLE, non_retryable=True
            ) from None

    @activity.defn(name=ports.FOLLOW)
    def follow_ledger(self, refused: ports.Refused) -> ports.Followed:
        """Return where the ledger stands if a run may go on from there, and settle its alarm.

        It may where the run lost at most one act to it, the ledger was changed by nobody's hand,
        and what the run holds beyond that act still has the same numbers.
        """
        with self._database.begin() as connection:
            rows = ledger.read(connection, refused.case_id, refused.version)
            acts = {row.key for row in rows if row.key}
            keys = {event.key for event in refused.held if event.key}
            known = None if keys <= acts else len(rows)
            aligned = [(row.kind, row.key) for row in rows] == [
                (event.kind, event.key) for event in refused.held[: len(rows)]
            ]
            if len(acts) > 1 or not (known is None or aligned):
                return ports.Followed()
            kept = from_ledger(connection, refused.case_id)
            if kept is None or ledger.verify(connection, refused.case_id):
                return ports.Followed()
            alarms.settle(connection, refused.case_id, datetime.now(UTC))
        log.warning("case %s goes on from its ledger, event %d", refused.case_id, kept.case.version)
        return ports.Followed(kept.snapshot, known)

    def _raise_alarm(self, wrong: RecordsError, told: projection.Batch) -> None:
        """Let people see it, in a transaction of its own: that of the batch is rolled back."""
        if isinstance(wrong, LedgerConflict | LedgerGap):
            with self._database.begin() as connection:
                alarms.refused(connection, wrong, told.events)
