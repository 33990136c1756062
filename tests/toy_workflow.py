"""The toy counter's durable run."""

from __future__ import annotations

from temporalio import workflow

from workflows.entity import EntityWorkflow
from workflows.messages import Start

with workflow.unsafe.imports_passed_through():
    from tests.toy import COUNTER


@workflow.defn(name=COUNTER.name)
class CounterWorkflow(EntityWorkflow):
    kind = COUNTER

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> int:
        return await self.live(start)
