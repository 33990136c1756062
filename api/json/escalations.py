"""Escalations: open questions that reached an office, and the decisions that end them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from api import acts, requests
from api.deps import Inject, Key, Needs, Pages, Records, office_of
from api.json.schemas.base import PageOf, page_of
from api.json.schemas.done import Done
from api.json.schemas.escalations import EscalationItem, escalation_item
from api.params import CaseRef, OwnOffice, Step
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from records import escalations

routes = router("escalations")

Lists = Annotated[Caller, Depends(Needs("escalations.list"))]
Decides = Annotated[Caller, Depends(Needs("escalations.decide"))]


@routes.get("/escalations", responses=refusals(*READING), summary="List open escalations")
def list_(
    caller: Lists,
    records: Records,
    pages: Pages,
    office: OwnOffice | None = None,
) -> PageOf[EscalationItem]:
    """Those that your office may decide now, longest open first."""
    caller = office_of(caller, office)
    page = escalations.open_for(records, caller.office, limit=pages.limit, cursor=pages.cursor)
    return page_of(page, (escalation_item(row) for row in page.items))


DecideRequest: Any = requests.on_step("decide")


@routes.post(
    "/escalations/{case_ref}/{step:path}/decide",
    responses=refusals(*CHANGING),
    summary="Decide an escalation",
)
async def decide(
    services: Inject,
    caller: Decides,
    key: Key,
    case_ref: CaseRef,
    step: Step,
    given: DecideRequest,
) -> Done:
    """Extend, reassign, waive where the card allows it, refer up, or cancel the step."""
    request = requests.act_request("decide", given, step=step)
    return await acts.perform(services, caller, case_ref, request, key)
