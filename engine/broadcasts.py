"""Starts the broadcasts of facts: at once, or when the engine is back; and names their acts.

What a broadcast then does is `activities/broadcasts.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from engine.errors import EngineAway
from records import broadcasts, world
from records.session import system, transaction
from workflows.bulk import BROADCAST_WORKFLOW, Broadcast, broadcast_id
from workflows.encoding import digest


def key_of(fact_id: str, case_id: str) -> str:
    """The one key of a fact in a case: asked again, it is answered as before."""
    return digest(["world", fact_id, case_id])


def content_of(fact_id: str) -> str:
    """What every act of a fact asks, however it is worded by the time it is sent."""
    return digest(["world", fact_id])


async def start_broadcast(client: Client, task_queue: str, fact_id: str) -> None:
    """Start the broadcast of a fact; one that runs goes on. Raises EngineAway."""
    try:
        await client.start_workflow(
            BROADCAST_WORKFLOW,
            Broadcast(fact_id),
            id=broadcast_id(fact_id),
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    except (RPCError, RuntimeError) as away:
        raise EngineAway from away


async def start_unfinished(client: Client, task_queue: str, database: Engine) -> int:
    """Start the broadcast of every fact that is not told yet; return how many there are.

    The engine may have been away when they were written. Raises EngineAway and SQLAlchemyError.
    """
    return await _start_all(client, task_queue, await asyncio.to_thread(_unfinished, database))


async def start_missed(client: Client, task_queue: str, database: Engine) -> int:
    """Tell facts again of which some open case has not heard; return how many there are.

    Raises EngineAway and SQLAlchemyError.
    """
    return await _start_all(client, task_queue, await asyncio.to_thread(_missed, database))


async def _start_all(client: Client, task_queue: str, fact_ids: Sequence[str]) -> int:
    for fact_id in fact_ids:
        await start_broadcast(client, task_queue, fact_id)
    return len(fact_ids)


def _unfinished(database: Engine) -> list[str]:
    with transaction(database, system("broadcast")) as connection:
        return world.unfinished(connection)


def _missed(database: Engine) -> list[str]:
    with transaction(database, system("broadcast")) as connection:
        found = broadcasts.missed(connection)
        for fact_id in found:
            world.tell_again(connection, fact_id)
        return found
