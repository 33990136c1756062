"""The chores of upkeep (`workflows/upkeep.py`): each is done once, and says how much there was to do.

None changes a subject but the one repair that is safe: a run from its ledger.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from engine.broadcasts import start_missed, start_unfinished
from engine.subjects import SubjectEngine
from engine.sweeping import Swept, sweep_texts
from engine.upkeep import failing_subjects, start_lost_subjects
from records import alarms
from records.session import system, transaction
from workflows.upkeep import FIND_FAILING, START_LOST, SWEEP, TELL_WORLD

LOST_AT_ONCE = 20  # a proposal: many at once mean that the engine lost its store; a person looks
LOOK_BACK = timedelta(
    days=7
)  # of the texts swept, so that it costs the same however many there are

log = logging.getLogger("upkeep")


@dataclass(frozen=True)
class Upkeep:
    """The activities of upkeep. `sweep_after`: so long after, texts that nothing names are gone."""

    client: Client
    engine: SubjectEngine
    sweep_after: timedelta

    @activity.defn(name=FIND_FAILING)
    async def find_failing_subjects(self) -> int:
        """Write down which subjects the engine tries to run and cannot: people see the alarm.

        A task that fails over and over has met a fault in our code, or a history that no longer fits.
        """
        failing = await failing_subjects(self.client, self.engine.task_queue)
        await asyncio.to_thread(self._write_alarms, failing)
        if failing:
            log.error("stuck: %s", sorted(failing))
        return len(failing)

    def _write_alarms(self, failing: set[str]) -> None:
        with transaction(self.engine.database, system("upkeep")) as connection:
            alarms.stuck(connection, failing, datetime.now(UTC).replace(microsecond=0))

    @activity.defn(name=START_LOST)
    async def start_lost_subjects(self) -> int:
        """Start open subjects that have no run again from their ledger, a few at a time."""
        started, lost = await start_lost_subjects(self.engine, LOST_AT_ONCE)
        if started:
            log.error("started again: %s", sorted(started))
        if lost > LOST_AT_ONCE:
            log.error("%d open subjects have no run: see `homeward recover`", lost)
        return lost

    @activity.defn(name=SWEEP)
    async def sweep_unnamed_texts(self) -> int:
        """Remove words of acts that never happened, and first reports that became no case."""
        before = datetime.now(UTC) - self.sweep_after
        since = before - LOOK_BACK
        swept = await sweep_texts(self.engine.database, self.engine, before, since=since)
        if swept != Swept(0, 0):
            log.info("swept %d, left %d, reports %d", swept.gone, swept.left, swept.reports)
        return swept.gone

    @activity.defn(name=TELL_WORLD)
    async def tell_facts_of_the_world(self) -> int:
        """Start telling facts that nobody tells, and those that passed an open case by."""
        queue, database = self.engine.task_queue, self.engine.database
        missed = await start_missed(self.client, queue, database)
        return missed + await start_unfinished(self.client, queue, database)
