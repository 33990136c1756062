"""Moves one case's clock forward, its real timers firing on the way. For rehearsals and tests only.

The one module that knows the engine's virtual time, which is experimental. It changes no case.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowQueryRejectedError
from temporalio.common import QueryRejectCondition
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from workflows.messages import PROGRESS, Progress
from workflows.options import TIMER_OF_M_FIRES

SKIPS = 100_000  # per fast-forward; the server's own limit of 200 would end in silence
LANDING = timedelta(milliseconds=20)  # into the second asked for, never before it
QUIET_EVERY = 0.02

_NOT_SKIPPING = TimeSkippingConfig(enabled=False, max_session_skip_count=SKIPS)
_NOT_YET = frozenset(
    {
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.UNAVAILABLE,
    }
)


class VirtualTimeError(Exception):
    """The clock could not be moved, or the case did not come to rest; the text says which."""


async def fast_forward(
    client: Client, workflow_id: str, to: datetime, *, limit_seconds: float = 60
) -> datetime:
    """Move a case's clock to the moment `to` (case time) and return what it shows then.

    Everything due before has happened and is in the database. An earlier `to` moves nothing, nor
    does a case that has ended. Raises VirtualTimeError when the server has no virtual time, or
    `limit_seconds` are over.
    """
    handle = client.get_workflow_handle(workflow_id)
    skipper = TimeSkipper(client, config=_NOT_SKIPPING)
    try:
        async with asyncio.timeout(limit_seconds):
            progress = await _progress(handle)
            if progress is None:
                return to
            offset = timedelta(seconds=progress.clock_offset)
            ahead = to + LANDING - offset - await _now(skipper, handle)
            if ahead > timedelta(0):
                await skipper.fast_forward(handle, ahead)
            await at_rest(client, workflow_id, to)
            return await _now(skipper, handle) + offset
    except TimeoutError:
        raise VirtualTimeError(
            f"the clock did not come to rest within {limit_seconds:.0f} s"
        ) from None
    except RPCError as wrong:
        if wrong.status is RPCStatusCode.UNIMPLEMENTED:
            raise VirtualTimeError("this Temporal server has no virtual time") from None
        raise


async def clock_of(client: Client, workflow_id: str) -> datetime | None:
    """What a case's clock shows now; None when no run of it lives."""
    handle = client.get_workflow_handle(workflow_id)
    progress = await _progress(handle)
    if progress is None:
        return None
    now = await _now(TimeSkipper(client, config=_NOT_SKIPPING), handle)
    return now + timedelta(seconds=progress.clock_offset)


async def at_rest(client: Client, workflow_id: str, at: datetime | None = None) -> Progress | None:
    """Wait until everything that happened is in the database; None once the run has ended.

    With `at`, also until every timer has fired that had to by then: the server calls a
    fast-forward complete while the last timer may still be on its way to the worker.
    """
    handle = client.get_workflow_handle(workflow_id)
    while True:
        progress = await _progress(handle)
        if progress is None:
            return None
        if progress.projected == progress.version and not _still_due(progress, at):
            return progress
        await asyncio.sleep(QUIET_EVERY)


def _still_due(progress: Progress, at: datetime | None) -> bool:
    if at is None or progress.next_wake is None or progress.trouble:
        return False
    return progress.next_wake + TIMER_OF_M_FIRES <= at


async def _progress(handle: WorkflowHandle[Any, Any]) -> Progress | None:
    """Ask a run how far it is, as long as it takes; None when it does not live any more."""
    while True:
        try:
            found: Progress = await handle.query(
                PROGRESS,
                result_type=Progress,
                reject_condition=QueryRejectCondition.NOT_OPEN,
                rpc_timeout=timedelta(seconds=5),
            )
            return found
        except WorkflowQueryRejectedError:
            return None
        except RPCError as wrong:
            if wrong.status is RPCStatusCode.NOT_FOUND:
                return None
            # Just continued as new, or no worker or server at this moment.
            if wrong.status not in _NOT_YET:
                raise
        await asyncio.sleep(QUIET_EVERY)


async def _now(skipper: TimeSkipper, handle: WorkflowHandle[Any, Any]) -> datetime:
    return (await skipper.get_current_time(handle)).astimezone(UTC)
