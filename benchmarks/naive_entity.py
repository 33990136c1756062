"""What one builds first: the bare entity, a timer armed anew at every step, and a row for each step.

One local activity inserts an audit row and updates a guarded row, in one transaction, as plainly as
SQLAlchemy does it. It knows nothing of cases: it stands beside ours to show what such a build costs
on the same machine in the same minute.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, text
from temporalio import activity, workflow

from benchmarks.bare_entity import Bare

WAITS = timedelta(days=7)  # for a deadline that never comes here
TABLES = (
    "CREATE TABLE naive_audit (id text, seq integer, did text, PRIMARY KEY (id, seq))",
    "CREATE TABLE naive_rows (id text PRIMARY KEY, version integer, did text)",
)


@dataclass(frozen=True)
class NaiveRow:
    """What is written of one step."""

    id: str
    version: int
    did: str


class NaiveProjector:
    """Writes rows."""

    def __init__(self, database: Engine) -> None:
        """Keep the engine."""
        self._database = database

    @activity.defn(name="write_naive_row")
    def write(self, row: NaiveRow) -> int:
        """Insert and update, in one transaction."""
        told = {"id": row.id, "version": row.version, "did": row.did}
        with self._database.begin() as connection:
            connection.execute(
                text("INSERT INTO naive_audit VALUES (:id, :version, :did) ON CONFLICT DO NOTHING"),
                told,
            )
            connection.execute(
                text(
                    "INSERT INTO naive_rows VALUES (:id, :version, :did) ON CONFLICT (id) DO UPDATE"
                    " SET version = excluded.version, did = excluded.did"
                    " WHERE excluded.version > naive_rows.version"
                ),
                told,
            )
        return row.version


@workflow.defn(name="naive")
class NaiveEntity:
    """Counts, arms its timer anew and writes, until it is told to end."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._version = 0
        self._written = 0
        self._did = ""
        self._timer: asyncio.TimerHandle | None = None

    @workflow.run
    async def run(self) -> int:
        """Write whatever is new."""
        while self._did != "end":
            await workflow.wait_condition(lambda: self._written < self._version)
            version = self._version
            self._written = await workflow.execute_local_activity(
                "write_naive_row",
                NaiveRow(workflow.info().workflow_id, version, self._did),
                result_type=int,
                start_to_close_timeout=timedelta(seconds=2),
            )
        return self._version

    @workflow.update(name="act")
    def act(self, asked: Bare) -> int:
        """Count, and wait anew."""
        self._version += 1
        self._did = asked.do
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(WAITS.total_seconds(), lambda: None)
        return self._version

    @act.validator
    def _may_act(self, asked: Bare) -> None:
        if not asked.do:
            raise ValueError("nothing was asked")
