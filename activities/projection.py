"""The projector's hands: writes what happened in a case to PostgreSQL. Decides nothing.

Safe to repeat: the ledger passes over what it has, and refuses what contradicts it.
"""

from __future__ import annotations

import logging

from sqlalchemy import Engine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from records import alarms, projection
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

    def _raise_alarm(self, wrong: RecordsError, told: projection.Batch) -> None:
        """Let people see it, in a transaction of its own: that of the batch is rolled back."""
        if isinstance(wrong, LedgerConflict | LedgerGap):
            with self._database.begin() as connection:
                alarms.refused(connection, wrong, told.events)
