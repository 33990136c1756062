"""Upkeep: what looks after the installation, one chore at a time, each on a schedule of its own.

A run does its chore once. What is away is left to the next time: nothing is retried for long.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

UPKEEP_WORKFLOW = "upkeep"

# The chores, by the names of their activities, and how often each is done (proposals).
FIND_FAILING = "find_failing_subjects"
START_LOST = "start_lost_subjects"
SWEEP = "sweep_unnamed_texts"
TELL_WORLD = "tell_facts_of_the_world"
EVERY = {
    FIND_FAILING: timedelta(seconds=20),
    START_LOST: timedelta(minutes=10),
    SWEEP: timedelta(hours=1),
    TELL_WORLD: timedelta(seconds=10),
}
LONGEST = timedelta(minutes=10)
ONCE_MORE = RetryPolicy(maximum_attempts=2)


@workflow.defn(name=UPKEEP_WORKFLOW)
class UpkeepWorkflow:
    """Does one chore; a schedule starts it again and again (`engine/schedules.py`)."""

    @workflow.run
    async def run(self, chore: str) -> int:
        """Return how many things the chore found to do."""
        count: int = await workflow.execute_activity(
            chore, result_type=int, start_to_close_timeout=LONGEST, retry_policy=ONCE_MORE
        )
        return count
