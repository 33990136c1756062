"""The stalled list: every case in one's care that stands still, on what, and whose turn it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api.deps import Inject, Needs, Pages, Records, office_of
from api.json.cases import OnlyCorridor, Turn
from api.json.schemas.base import PageOf, page_of
from api.json.schemas.stalled import StalledItem, stalled_item
from api.params import OwnOffice
from api.policy import ALL_CASES, Caller
from api.routing import READING, refusals, router
from records import stalled, tasks

routes = router("stalled")

Lists = Annotated[Caller, Depends(Needs("stalled.list"))]


@routes.get("/stalled", responses=refusals(*READING), summary="List what stands still")
def list_(
    services: Inject,
    caller: Lists,
    records: Records,
    pages: Pages,
    corridor: OnlyCorridor,
    turn: Turn | None = None,
    office: OwnOffice | None = None,
) -> PageOf[StalledItem]:
    """Longest first: what it waits for, whose turn, how late, and the next rung with its date."""
    caller = office_of(caller, office)
    now = services.now()
    page = stalled.page(
        records,
        now,
        limit=pages.limit,
        cursor=pages.cursor,
        corridor=corridor,
        turn=turn,
        office=None if ALL_CASES in services.policy.scopes_of(caller) else caller.office,
        corridors=services.home_corridors(caller),
        rehearsal=services.rehearsal,
    )
    late = {row.case_id: row.late_at for row in page.items if row.late_at is not None}
    blocking = tasks.blocking(records, late)
    return page_of(
        page,
        (
            stalled_item(
                row, blocking.get(row.case_id), now, services.now_of(row.clock_offset, row.now_at)
            )
            for row in page.items
        ),
    )
