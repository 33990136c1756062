"""The durable run of a case: everything it does is `entity.py`, everything it decides `domain/case/`."""

from __future__ import annotations

from temporalio import workflow

from domain.kinds import CASE
from workflows.entity import EntityWorkflow
from workflows.messages import Start


@workflow.defn(name=CASE.name)
class CaseWorkflow(EntityWorkflow):
    """Runs from the first report, or from a snapshot, until the case is closed or cancelled."""

    kind = CASE

    @workflow.init
    def __init__(self, start: Start) -> None:
        """Take up the case."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> int:
        """Live until the case is ended; return the version at which it was."""
        return await self.live(start)
