"""Worker processes that only benchmarks start: two yardsticks, and ours that writes nothing.

python -m benchmarks.workers bare|naive|unwritten ADDRESS QUEUE [--no-sandbox]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.bare_entity import BareEntity
from benchmarks.naive_entity import NaiveEntity, NaiveProjector
from engine.connection import connect
from settings import Settings
from worker import runner
from workflows import ports
from workflows.case import CaseWorkflow

CACHED = 3_000
THREADS = 8


@activity.defn(name=ports.PROJECT)
async def write_nothing(batch: ports.EventBatch) -> int:
    """Stand where the projector stands, to see what writing costs."""
    return batch.events[-1].seq


async def work(kind: str, address: str, queue: str, *, sandbox: bool) -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    plain: WorkflowRunner = SandboxedWorkflowRunner() if sandbox else UnsandboxedWorkflowRunner()
    if kind == "bare":
        worker = Worker(
            await Client.connect(address, data_converter=pydantic_data_converter),
            task_queue=queue,
            workflows=[BareEntity],
            workflow_runner=plain,
            max_cached_workflows=CACHED,
        )
    elif kind == "naive":
        projector = NaiveProjector(create_engine(os.environ["DATABASE_URL"], pool_size=THREADS))
        worker = Worker(
            await Client.connect(address, data_converter=pydantic_data_converter),
            task_queue=queue,
            workflows=[NaiveEntity],
            activities=[projector.write],
            activity_executor=ThreadPoolExecutor(THREADS),
            max_concurrent_activities=THREADS,
            workflow_runner=plain,
            max_cached_workflows=CACHED,
        )
    else:
        worker = Worker(
            await connect(Settings(temporal_address=address)),
            task_queue=queue,
            workflows=[CaseWorkflow],
            activities=[write_nothing],
            workflow_runner=runner(sandbox=sandbox),
            max_cached_workflows=CACHED,
        )
    async with worker:
        await stop.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("bare", "naive", "unwritten"))
    parser.add_argument("address")
    parser.add_argument("queue")
    parser.add_argument("--no-sandbox", action="store_true")
    given = parser.parse_args()
    asyncio.run(work(given.kind, given.address, given.queue, sandbox=not given.no_sandbox))
    os._exit(0)  # as in `worker.py`


if __name__ == "__main__":
    main()
