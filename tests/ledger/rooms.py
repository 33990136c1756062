"""What the tests of the ledger share: the commands as people run them, and every row as bytes."""

import asyncio
import os
import shutil
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError

from domain.case.commands import OpenCase
from domain.kinds import CASE
from engine.connection import connect
from engine.subjects import SubjectEngine
from local.temporal import RunningTemporal
from records import subjects
from records.tables import folds_of
from tests.builders import an_act
from tests.workflows.conftest import PAYLOAD_KEY, Lab
from workflows.messages import workflow_id

ASK = an_act("complete", "host.case", step="ask", outcome="sent")
ANSWER = an_act("complete", "origin.tracing", step="answer", outcome="found")
CLOSE = an_act("complete", "host.case", step="closure", outcome="closed")
CANCEL = an_act("cancel", "host.case", reason="text:3")
REOPEN = an_act("reopen", "host.case", reason="text:2")


def a_note(number: int = 0) -> Any:
    return an_act("note", "host.case", step="ask", note=f"text:{number}")


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    words: str


async def homeward(lab: Lab, *arguments: str, program: str = "cli") -> Said:
    """Run the command `homeward` in a process of its own, as an operator does.

    `program`: another one, as after an upgrade.
    """
    settings = lab.settings
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "TEMPORAL_ADDRESS": str(settings.temporal_address),
        "HOMEWARD_TASK_QUEUE": settings.task_queue,
        "HOMEWARD_DATA_DIR": str(settings.data_dir),
        "HOMEWARD_PAYLOAD_KEY": PAYLOAD_KEY,
    }
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program, *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await run.communicate()
    return Said(run.returncode or 0, printed.decode())


def every_row(database: Engine) -> dict[str, bytes]:
    """Every row of every fold as PostgreSQL writes it out, byte for byte."""
    told: dict[str, bytes] = {}
    with database.begin() as connection:
        for table in folds_of(CASE):
            order = ", ".join(column.name for column in table.primary_key)
            rows = connection.scalars(
                text(f"SELECT CAST({table.name} AS text) FROM {table.name} ORDER BY {order}")  # noqa: S608
            )
            told[table.name] = "\n".join(rows).encode()
    return told


def named(lab: Lab, opening: OpenCase) -> str:
    """A case as the commands name it: its id, and the reference that people know."""
    with lab.database.begin() as connection:
        known = subjects.find(connection, opening.case_id)
    assert known is not None
    return f"{opening.case_id} ({known.reference})"


def tamper(database: Engine, *statements: str, **values: Any) -> None:
    """What only the owner of the database can do, by switching the guard off by name."""
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
        for statement in statements:
            assert connection.execute(text(statement), values).rowcount
        connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))


async def run_of(lab: Lab, opening: OpenCase) -> str:
    """The engine's name of the newest run of a case."""
    seen = await lab.client.get_workflow_handle(workflow_id("case", opening.case_id)).describe()
    return seen.run_id or ""


async def renewed(lab: Lab, opening: OpenCase) -> str:
    """Let a case continue as new; return the name of the run that ended."""
    before = await run_of(lab, opening)
    await lab.engine.renew(opening.case_id)
    while await run_of(lab, opening) == before:  # noqa: ASYNC110 - another process changes it
        await asyncio.sleep(0.02)
    await lab.rest(opening)
    return before


async def forget(lab: Lab, opening: OpenCase, run: str) -> None:
    """Let the engine forget a closed run, as it does by itself after its retention."""
    execution = WorkflowExecution(workflow_id=workflow_id("case", opening.case_id), run_id=run)
    request = DeleteWorkflowExecutionRequest(
        namespace=lab.settings.namespace, workflow_execution=execution
    )
    await lab.client.workflow_service.delete_workflow_execution(request)
    handle = lab.client.get_workflow_handle(workflow_id("case", opening.case_id), run_id=run)
    with suppress(RPCError):
        while True:
            await handle.describe()
            await asyncio.sleep(0.02)


@dataclass
class Fragile:
    """A lab, and the server under it, whose store is a file."""

    lab: Lab
    server: RunningTemporal
    file: Path

    async def keep_a_copy(self) -> Path:
        """Stop the server, copy its store, start it again."""
        copy = self.file.with_name(f"copy-{uuid.uuid4().hex}")
        await asyncio.to_thread(self.server.stop)
        self._files(self.file, copy)
        await asyncio.to_thread(self.server.restart)
        return copy

    async def come_back_with(self, copy: Path | None) -> None:
        """Stop the server and start it again on an older copy of its store, or on none at all."""
        await self.lab.stop_worker()
        await asyncio.to_thread(self.server.stop)
        for old in self.file.parent.glob(f"{self.file.name}*"):
            old.unlink()
        if copy is not None:
            self._files(copy, self.file)
        await asyncio.to_thread(self.server.restart)
        await self._connect_again()
        await self.lab.start_worker()

    @staticmethod
    def _files(source: Path, target: Path) -> None:
        # SQLite keeps what is newest beside the file itself.
        for ending in ("", "-wal", "-shm"):
            if Path(f"{source}{ending}").exists():
                shutil.copy(f"{source}{ending}", f"{target}{ending}")

    async def _connect_again(self) -> None:
        lab = self.lab
        while True:
            with suppress(RuntimeError):
                lab.client = await connect(lab.settings)
                break
            await asyncio.sleep(0.1)
        lab.engine = SubjectEngine(
            lab.client, lab.database, CASE, task_queue=lab.settings.task_queue, patience=20
        )

    async def end(self) -> None:
        await self.lab.end()
        await asyncio.to_thread(self.server.stop)
