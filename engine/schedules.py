"""The schedules on which upkeep is done: one for each chore and task queue, made by every worker.

A schedule outlives the worker that made it. Where two would do a chore at once, the second is
skipped; what was missed while no engine ran is not made up for.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows.upkeep import EVERY, UPKEEP_WORKFLOW

CATCH_UP = timedelta(seconds=60)


def schedule_id(task_queue: str, chore: str) -> str:
    """The engine's name for the schedule of a chore."""
    return f"upkeep/{task_queue}/{chore}"


def schedule_of(task_queue: str, chore: str) -> Schedule:
    """How often a chore is done."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            UPKEEP_WORKFLOW, chore, id=schedule_id(task_queue, chore), task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY[chore])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def ensure_schedules(client: Client, task_queue: str) -> None:
    """Make every schedule, or bring one that is there to what this program says; each is done now.

    Raises RPCError while the engine is away.
    """
    for chore in EVERY:
        wanted = schedule_of(task_queue, chore)
        try:
            await client.create_schedule(
                schedule_id(task_queue, chore), wanted, trigger_immediately=True
            )
        except ScheduleAlreadyRunningError:
            await _renew(client, task_queue, chore, wanted)


async def _renew(client: Client, task_queue: str, chore: str, wanted: Schedule) -> None:
    def update(given: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = given.description.schedule.state  # an operator may have paused it
        return ScheduleUpdate(schedule=wanted)

    handle = client.get_schedule_handle(schedule_id(task_queue, chore))
    await handle.update(update)
    await handle.trigger(overlap=ScheduleOverlapPolicy.SKIP)
