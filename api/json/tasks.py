"""Tasks: what an office holds, and everything its people do with one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from api import acts, case_access, errors, requests
from api.deps import Inject, Key, Needs, Pages, Records, office_of
from api.json.schemas.base import PageOf, page_of
from api.json.schemas.can import can_of
from api.json.schemas.done import Done
from api.json.schemas.tasks import TaskItem, TaskShape, task_item, task_shape
from api.params import CaseRef, OwnOffice, Step
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from domain.case import reading
from records import tasks
from records.paging import Page
from records.tasks import TaskView

routes = router("tasks")

Lists = Annotated[Caller, Depends(Needs("tasks.list"))]
Reads = Annotated[Caller, Depends(Needs("tasks.read", "cases.read"))]
HERE = "/tasks/{case_ref}/{step:path}"


@routes.get("/tasks", responses=refusals(*READING), summary="List my office's tasks")
def list_(
    services: Inject,
    caller: Lists,
    records: Records,
    pages: Pages,
    state: Annotated[
        Literal["offered", "accepted"] | None, Query(description="Both without it.")
    ] = None,
    office: OwnOffice | None = None,
) -> PageOf[TaskItem]:
    """What your office must do now, first due first."""
    caller = office_of(caller, office)
    page: Page[TaskView] = tasks.of_office(
        records, caller.office, limit=pages.limit, cursor=pages.cursor, state=state
    )
    return page_of(
        page, (task_item(row, services.now_of(row.clock_offset, row.now_at)) for row in page.items)
    )


@routes.get(
    HERE,
    responses=refusals(*READING),
    summary="Read a task",
)
def read(
    services: Inject, caller: Reads, records: Records, case_ref: CaseRef, step: Step
) -> TaskShape:
    """One task with what its holder needs to do it. It ends with the task: then it is not found."""
    looked = case_access.look(services, records, case_ref)
    task, card = reading.shown_task(looked.case, step), looked.case.card(step)
    if task is None or card is None or not services.policy.sees_task(caller, looked.case, step):
        raise errors.NotFound
    words = reading.seen_by(looked.case, caller.office, "task", looked.at)
    about = case_access.about(services, records, looked, caller, task)
    can = can_of(services.policy, caller, looked.case, looked.at, step)
    return task_shape(looked.case, task, card, looked.row.reference, looked.at, words, about, can)


# -- what the office that holds it does, and what steers it: one route for each act on a task


def _route(do: str, *, path: str = "", summary: str = "") -> None:
    """Let an act be asked for at the task it is about; its fields and its words are declared."""
    act, given = requests.ACTS[do], requests.on_step(do)
    needed = Annotated[Caller, Depends(Needs(act.permission))]

    async def perform(
        services: Inject, caller: Caller, key: Key, case_ref: CaseRef, step: Step, given: Any
    ) -> Done:
        request = requests.act_request(do, given, step=step)
        return await acts.perform(services, caller, case_ref, request, key)

    perform.__annotations__ |= {"caller": needed, "given": given}
    perform.__doc__ = summary or act.takes.__doc__
    routes.post(
        f"{HERE}/{path or do}",
        responses=refusals(*CHANGING),
        summary=f"{(path or do).replace('_', ' ').capitalize()} a task",
        operation_id=f"task_{path or do}",
    )(perform)


for _do, _act in requests.ACTS.items():
    if _act.about == "task":
        _route(_do)
_route("decline", path="hand_back", summary="We began and cannot go on: as declining.")
