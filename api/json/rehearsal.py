"""Only in a rehearsal: move the clock of one fictional case, so that its real timers fire."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from api import errors, reading
from api.answers import done_at
from api.asked import Strict
from api.deps import NEEDS_KEY, Needs, TheHouse
from api.fields import Moment
from api.json.cases import CaseRef
from api.policy import Caller
from api.routing import CHANGING, refusals, router
from api.view.done import Done
from records import cases
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
async def move(house: TheHouse, caller: Moves, case_ref: CaseRef, clock: Clock) -> Done:
    """Everything that falls due until then happens, in order. A clock never goes back."""

    def look() -> reading.Looked:
        with house.database.begin() as connection:
            return reading.look_whole(house, connection, caller, case_ref)

    def answer(case_id: str) -> Done:
        with house.database.begin() as connection:
            return done_at(connection, case_id, cases.version_of(connection, case_id))

    looked = await run_in_threadpool(look)
    row = looked.row
    if house.move_clock is None:
        raise errors.NotFound
    if row.ended_at is None:
        try:
            await house.move_clock(house.temporal, workflow_id(row.case_id), clock.to)
        except Exception as wrong:
            raise errors.EngineAway("The clock could not be moved") from wrong
    return await run_in_threadpool(answer, row.case_id)
