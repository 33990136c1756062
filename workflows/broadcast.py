"""Tells one fact of the world to every open case it concerns, page by page, whatever is killed.

It knows neither cases nor facts: what it remembers is how far it is. That each case is told once is
the keys' doing, and what is noted of each case (`activities/broadcasts.py`).
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.bulk import (
    BEGIN,
    BROADCAST_WORKFLOW,
    FINISH,
    ONE_PAGE,
    PAGES_OF_A_RUN,
    SHORT,
    TELL_PAGE,
    TOLD,
    Broadcast,
    Counts,
    Page,
    PageTold,
    Readiness,
)


@workflow.defn(name=BROADCAST_WORKFLOW)
class BroadcastWorkflow:
    """Waits until the fact takes effect, then tells it; continues as new after so many pages."""

    @workflow.init
    def __init__(self, start: Broadcast) -> None:
        """Go on where the run before stopped."""
        self._after = start.after
        self._counts = start.counts

    @workflow.query(name=TOLD, description="How many cases were asked so far, and what they said")
    def told(self) -> Counts:
        """What became of the cases asked so far."""
        return self._counts

    @workflow.run
    async def run(self, start: Broadcast) -> Counts:
        """Return what became of the cases, once each was asked."""
        await self._begin(start.fact_id)
        pages = 0
        while await self._tell_page(start.fact_id):
            pages += 1
            if pages == PAGES_OF_A_RUN:
                workflow.continue_as_new(Broadcast(start.fact_id, self._after, self._counts))
        await workflow.execute_activity(FINISH, start.fact_id, **SHORT)
        return self._counts

    async def _begin(self, fact_id: str) -> None:
        while True:
            ready = await workflow.execute_activity(BEGIN, fact_id, result_type=Readiness, **SHORT)
            if ready.wait is None:
                return
            await workflow.sleep(timedelta(seconds=ready.wait))

    async def _tell_page(self, fact_id: str) -> bool:
        """Tell the next cases; False when there were none."""
        page = await workflow.execute_activity(
            TELL_PAGE, Page(fact_id, self._after), result_type=PageTold, **ONE_PAGE
        )
        self._counts = self._counts.plus(page.counts)
        self._after = page.last or self._after
        return bool(page.last)
