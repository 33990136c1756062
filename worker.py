"""Runs the subjects: connects to the engine and the database, takes work, and stops in good order.

    python -m worker [--processes N] [--metrics-port PORT]

It decides nothing and serves nobody; any number of workers may run side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.broadcasts import Broadcaster
from activities.projection import Projector
from activities.upkeep import Upkeep
from domain.kinds import CASE
from engine.connection import address_of, connect
from engine.schedules import ensure_schedules
from engine.subjects import SubjectEngine
from records.session import make_engine
from settings import Settings, settings_here
from workflows.broadcast import BroadcastWorkflow
from workflows.case import CaseWorkflow
from workflows.upkeep import UpkeepWorkflow

WORKFLOWS: list[type] = [CaseWorkflow]  # one for each kind of subject

DRAIN = timedelta(seconds=20)  # what is being done may be finished in this time
THREADS = 4  # each holds one database connection while it writes
WRITTEN = 100  # batches that may wait for the writers at a time
STICKY = timedelta(seconds=5)  # a worker that died keeps its subjects waiting no longer than this

# Everything but the workflows' own files: imported once for all subjects, not once for each.
PASSED_THROUGH = (
    "domain",
    "pydantic",
    "pydantic_core",
    "workflows.bulk",
    "workflows.encoding",
    "workflows.state",
    "workflows.messages",
    "workflows.options",
    "workflows.ports",
)

log = logging.getLogger("worker")


async def run_worker(
    settings: Settings, stop: asyncio.Event, *, metrics_port: int | None = None
) -> None:
    """Work until `stop` is set, then finish what is being done."""
    if settings.database_url is None:
        raise SystemExit("The worker needs to know the database: set DATABASE_URL.")
    client = await connected(settings, stop, metrics_port=metrics_port)
    if client is None:
        return
    database = make_engine(settings.database_url, pool_size=THREADS)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="projector") as threads:
        projector = Projector(database, threads=threads, remembers=settings.cached_cases)
        engine = SubjectEngine(client, database, CASE, task_queue=settings.task_queue)
        broadcaster = Broadcaster(engine)
        upkeep = Upkeep(client, engine, timedelta(hours=settings.sweep_after_hours))
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[*WORKFLOWS, BroadcastWorkflow, UpkeepWorkflow],
            activities=[
                projector.project_events,
                projector.follow_ledger,
                broadcaster.begin_broadcast,
                broadcaster.tell_page,
                broadcaster.finish_broadcast,
                upkeep.find_failing_subjects,
                upkeep.start_lost_subjects,
                upkeep.sweep_unnamed_texts,
                upkeep.tell_facts_of_the_world,
            ],
            max_concurrent_activities=WRITTEN,
            max_concurrent_local_activities=WRITTEN,
            max_cached_workflows=settings.cached_cases,
            sticky_queue_schedule_to_start_timeout=STICKY,
            graceful_shutdown_timeout=DRAIN,
            workflow_runner=runner(sandbox=settings.sandbox),
        )
        async with worker:
            if settings.upkeep:
                await _ensure_upkeep(client, settings)
            log.info("working on queue %s", settings.task_queue)
            await stop.wait()
            log.info("finishing what is being done, up to %d s", DRAIN.total_seconds())
    database.dispose()
    log.info("stopped")


async def _ensure_upkeep(client: Client, settings: Settings) -> None:
    """Make the schedules; where the engine is away again, the next worker to start makes them."""
    try:
        await ensure_schedules(client, settings.task_queue)
    except RPCError as away:
        log.warning("no schedules of upkeep: %s", away.status.name)


async def connected(
    settings: Settings, stop: asyncio.Event, *, metrics_port: int | None = None
) -> Client | None:
    """Return a client; while the engine is away, wait and say so. None when asked to stop."""
    said = False
    while not stop.is_set():
        try:
            return await connect(settings, metrics_port=metrics_port)
        except RuntimeError:
            if not said:
                log.warning("waiting for Temporal at %s", address_of(settings))
                said = True
        try:
            await asyncio.wait_for(stop.wait(), timeout=1)
        except TimeoutError:
            continue
    return None


def runner(*, sandbox: bool) -> WorkflowRunner:
    """Return what runs workflow code: Temporal's sandbox, or nothing around it (faster)."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)


async def work_until_told(settings: Settings, metrics_port: int | None) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_worker(settings, stop, metrics_port=metrics_port)


def keep_processes(count: int, arguments: Sequence[str]) -> None:
    """Keep so many workers alive, each in a process of its own, until SIGTERM or SIGINT."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    command = [sys.executable, "-m", "worker", "--processes", "1", "--kept", *arguments]

    def another() -> subprocess.Popen[bytes]:
        # Nothing is ever written to its standard input: it closes when this process is gone.
        return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own program

    workers = [another() for _ in range(count)]
    while not stopping:
        time.sleep(0.2)
        for place, worker in enumerate(workers):
            if worker.poll() is not None and not stopping:
                log.warning("a worker ended by itself; starting another")
                time.sleep(1)
                workers[place] = another()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait()


def stop_with_keeper() -> None:
    """Stop in good order when the process that keeps this one is gone, even by SIGKILL."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        log.warning("whoever kept this worker is gone")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="keeper", daemon=True).start()


def main() -> None:
    """The command line; settings come from the environment."""
    settings = settings_here()
    parser = argparse.ArgumentParser(prog="worker", description="Runs the cases.")
    parser.add_argument("--processes", type=int, default=settings.processes)
    parser.add_argument("--metrics-port", type=int, help="one process only")
    parser.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(name)s: %(message)s")
    if given.kept:
        stop_with_keeper()
    if given.processes > 1:
        keep_processes(given.processes, ())
    else:
        asyncio.run(work_until_told(settings, given.metrics_port))
    # The SDK's threads may still hold Python objects: leaving the usual way sometimes crashes.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
