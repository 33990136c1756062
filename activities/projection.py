"""The projector's hands: writes what happened in a subject to PostgreSQL. Decides nothing.

Safe to repeat: the ledger passes over what it has, and refuses what contradicts it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.write_batcher import WriteBatcher
from records import alarms, ledger, projection
from records.errors import LedgerConflict, LedgerGap, RecordsError, UnknownProcedure
from records.position_cache import PositionCache
from records.recovery import from_ledger
from records.session import single_statements, system, transaction
from workflows import ports
from workflows.ports import EventBatch

NOT_WRITTEN = "not-written"  # error type: to be tried again
WRITERS = 2  # while one waits for the database, the other prepares
REMEMBERS = 4_000  # subjects: as many as a worker keeps running

log = logging.getLogger(__name__)


class Projector:
    """Implements `workflows.ports.SubjectPorts` over one database."""

    def __init__(
        self,
        database: Engine,
        *,
        threads: Executor | None = None,
        writers: int = WRITERS,
        remembers: int = REMEMBERS,
    ) -> None:
        """Keep the engine whose connections the worker's threads share.

        So many writers write at a time; where so many subjects stand is remembered.
        """
        self._database = database
        self._threads = threads
        self._position_cache = PositionCache(remembers)
        self._batcher = WriteBatcher(self._write, writers, threads)

    @activity.defn(name=ports.PROJECT)
    async def project_events(self, batch: EventBatch) -> int:
        """Write a batch, at once or not at all; return the version then in the database.

        A ledger that holds something else fails for good, and loudly: a person must look.
        """
        return await self._batcher.put(batch)

    def _write(self, batches: Sequence[EventBatch]) -> dict[str, int | Exception]:
        """Write batches of different subjects; tell each one's version, or what was wrong with it."""
        answers: dict[str, int | Exception] = dict(self._written_together(batches))
        away: int | Exception | None = None
        for batch in batches:
            if batch.subject_id in answers:
                continue
            if away is not None:  # each would wait as long for a database that does not answer
                answers[batch.subject_id] = away
                continue
            try:
                answers[batch.subject_id] = self._written(batch)
            except ApplicationError as wrong:
                answers[batch.subject_id] = wrong
            except Exception as wrong:  # noqa: BLE001 - told to the one whose batch it is
                answers[batch.subject_id] = _said(wrong)
                if isinstance(wrong, OperationalError | PoolTimeout):
                    away = answers[batch.subject_id]
        self._position_cache.forget(c for c, told in answers.items() if isinstance(told, Exception))
        return answers

    def _written_together(self, batches: Sequence[EventBatch]) -> dict[str, int]:
        """Write those that simply follow what is remembered; empty when that did not work out."""
        known = self._position_cache.of(batch.subject_id for batch in batches)
        try:
            with single_statements(self._database, system("projector")) as connection:
                stand = projection.write_together(connection, known, batches)
        except SQLAlchemyError as wrong:
            log.info("not written together: %s", type(wrong).__name__)
            return {}
        self._position_cache.keep(stand)
        return {subject_id: stands.head.seq for subject_id, stands in stand.items()}

    def _written(self, batch: EventBatch) -> int:
        try:
            with transaction(self._database, system("projector")) as connection:
                stands = projection.write_one(connection, batch)
        except UnknownProcedure as wrong:
            raise ApplicationError(
                str(wrong), type=ports.UNKNOWN_PROCEDURE, non_retryable=bool(batch.procedures)
            ) from None
        except RecordsError as wrong:
            log.critical("the ledger refused a batch: %s", wrong)
            self._raise_alarm(wrong, batch)
            raise ApplicationError(
                str(wrong), type=ports.LEDGER_TROUBLE, non_retryable=True
            ) from None
        self._position_cache.keep({batch.subject_id: stands})
        return stands.head.seq

    @activity.defn(name=ports.FOLLOW)
    async def follow_ledger(self, rejection: ports.LedgerRejection) -> ports.Followed:
        """Return where the ledger stands if a run may go on from there, and settle its alarm.

        It may where the run lost at most one act to it, the ledger was changed by nobody's hand,
        and what the run holds beyond that act still has the same numbers.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._followed, rejection)

    def _followed(self, rejection: ports.LedgerRejection) -> ports.Followed:
        with transaction(self._database, system("projector")) as connection:
            rows = ledger.read(connection, rejection.subject_id, rejection.version)
            acts = {row.key for row in rows if row.key}
            keys = {event.key for event in rejection.held if event.key}
            known = None if keys <= acts else len(rows)
            aligned = [(row.kind, row.key) for row in rows] == [
                (event.kind, event.key) for event in rejection.held[: len(rows)]
            ]
            if len(acts) > 1 or not (known is None or aligned):
                return ports.Followed()
            kept = from_ledger(connection, rejection.subject_id)
            if kept is None or ledger.verify(connection, rejection.subject_id):
                return ports.Followed()
            alarms.settle(connection, rejection.subject_id, datetime.now(UTC))
        log.warning(
            "%s goes on from its ledger, event %d", rejection.subject_id, kept.state.version
        )
        return ports.Followed(kept.snapshot, known)

    def _raise_alarm(self, wrong: RecordsError, told: EventBatch) -> None:
        """Let people see it, in a transaction of its own: that of the batch is rolled back."""
        if isinstance(wrong, LedgerConflict | LedgerGap):
            with transaction(self._database, system("projector")) as connection:
                alarms.refused(connection, wrong, told.events)


def _said(wrong: Exception) -> ApplicationError:
    """Only what kind of trouble it is: a database's own words may quote what was to be written."""
    cause = getattr(wrong, "orig", None) or wrong
    return ApplicationError(f"not written: {type(cause).__name__}", type=NOT_WRITTEN)
