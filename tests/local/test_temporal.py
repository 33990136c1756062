import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from local.errors import NoServer
from local.ports import HIGHEST, LOWEST, free_port, is_free
from local.temporal import RunningTemporal, configured_address, start_temporal
from settings import Settings


@workflow.defn
class Sleeper:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(timedelta(days=30))
        return "woken"


def is_running(server: RunningTemporal) -> bool:
    return server.pid is not None


def gone(pid: int, patience: float = 8.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_it_finds_a_port_that_a_server_may_keep_in_a_small_column() -> None:
    assert all(LOWEST <= free_port() <= HIGHEST for _ in range(50))


def test_it_answers_under_its_address(temporal: RunningTemporal) -> None:
    async def look() -> None:
        client = await Client.connect(temporal.address, namespace=temporal.namespace)
        assert [run async for run in client.list_workflows("WorkflowId = 'none'")] == []

    asyncio.run(look())
    assert temporal.pid is not None


async def test_it_moves_virtual_time_by_a_month_in_moments(temporal: RunningTemporal) -> None:
    client = await Client.connect(temporal.address)
    queue = f"local-{uuid.uuid4()}"
    async with Worker(
        client, task_queue=queue, workflows=[Sleeper], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await client.start_workflow(Sleeper.run, id=queue, task_queue=queue)
        async with asyncio.timeout(20):
            skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
            await skipper.fast_forward(handle, timedelta(days=31))
            assert await handle.result() == "woken"


async def test_it_keeps_its_state_through_a_kill_and_a_restart_on_the_same_port(
    tmp_path: Path,
) -> None:
    with start_temporal(tmp_path / "temporal.db") as server:
        address, first = server.address, server.pid
        client = await Client.connect(address)
        await client.start_workflow(Sleeper.run, id="kept", task_queue="nobody")
        server.kill()
        assert not is_running(server)
        server.restart()
        assert server.address == address
        assert server.pid != first
        assert is_running(server)
        again = await Client.connect(server.address)
        assert (await again.get_workflow_handle("kept").describe()).id == "kept"


def test_it_refuses_a_second_server_on_the_same_file(tmp_path: Path) -> None:
    with start_temporal(tmp_path / "temporal.db"), pytest.raises(NoServer, match="already runs"):
        start_temporal(tmp_path / "temporal.db")
    start_temporal(tmp_path / "temporal.db").stop()


def test_it_stops_and_gives_its_port_back() -> None:
    server = start_temporal()
    pid, port = server.pid, int(server.address.split(":")[1])
    assert pid is not None
    assert not is_free(port)
    server.stop()
    assert gone(pid)
    assert is_free(port)


def test_it_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "from local.temporal import *\n"
        f"server = start_temporal(log_file=Path({str(tmp_path / 'log')!r}))\n"
        "print(server.pid, flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(pid)


def test_it_starts_nothing_when_an_address_is_configured() -> None:
    settings = Settings(temporal_address="temporal.example:7233")
    assert configured_address(settings, {}) == "temporal.example:7233"


def test_it_reads_a_profile_only_when_the_environment_points_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    profile = tmp_path / "temporal.toml"
    profile.write_text('[profile.default]\naddress = "profile.example:7233"\n')
    assert configured_address(Settings()) is None
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profile))
    assert configured_address(Settings()) == "profile.example:7233"
