"""Only in a rehearsal: move the clock of one fictional case, so that its real timers fire."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from api import case_access, errors
from api.deps import NEEDS_KEY, Inject, Needs
from api.fields import Moment
from api.json.schemas.done import Done
from api.params import CaseRef
from api.policy import Caller
from api.requests import Strict
from api.routing import CHANGING, refusals, router
from api.visibility import done_at
from domain.kinds import CASE
from records import cases
from records.session import transaction
from workflows.messages import workflow_id

routes = router("rehearsal")
Moves = Annotated[Caller, Depends(Needs("cases.read"))]


class Clock(Strict):
    """Where the case's clock shall stand."""

    to: Moment


@routes.post(
    "/rehearsal/cases/{case_ref}/clock",
    responses=refusals(*CHANGING),
    summary="Move a case's clock",
    dependencies=NEEDS_KEY,
)
async def move(services: Inject, caller: Moves, case_ref: CaseRef, clock: Clock) -> Done:
    """Everything that falls due until then happens, in order. A clock never goes back."""

    def look() -> case_access.SeenCase:
        with transaction(services.database, caller.actor) as connection:
            return case_access.look_whole(services, connection, caller, case_ref)

    def answer(case_id: str) -> Done:
        with transaction(services.database, caller.actor) as connection:
            return done_at(connection, case_id, cases.version_of(connection, case_id))

    looked = await run_in_threadpool(look)
    row = looked.row
    if services.move_clock is None:
        raise errors.NotFound
    if row.ended_at is None:
        try:
            await services.move_clock(
                services.temporal, workflow_id(CASE.name, row.case_id), clock.to
            )
        except Exception as wrong:
            raise errors.EngineAway("The clock could not be moved") from wrong
    return await run_in_threadpool(answer, row.case_id)
