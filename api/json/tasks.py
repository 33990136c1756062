"""Tasks: what an office holds, and everything its people do with one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from api import acts, case_access, errors, patterns, requests
from api.deps import Inject, Key, Needs, Pages, Records, office_of
from api.json.cases import CaseRef, OwnOffice
from api.json.schemas.base import PageOf, page_of
from api.json.schemas.done import Done
from api.json.schemas.tasks import TaskItem, TaskShape, task_item, task_shape
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from domain.case import reading
from records import tasks
from records.paging import Page
from records.tasks import TaskView

routes = router("tasks")

Step = Annotated[
    str,
    Path(
        min_length=1,
        max_length=80,
        pattern=patterns.STEP,
        description="A step of the rules, as `tracing` or `follow_up/3m`.",
        examples=["tracing"],
    ),
]
Lists = Annotated[Caller, Depends(Needs("tasks.list"))]
Reads = Annotated[Caller, Depends(Needs("tasks.read", "cases.read"))]
Does = Annotated[Caller, Depends(Needs("tasks.act"))]
Steers = Annotated[Caller, Depends(Needs("cases.steer"))]
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
    return task_shape(looked.case, task, card, looked.row.reference, looked.at, words, about)


# -- what the office that holds it does


@routes.post(HERE + "/accept", responses=refusals(*CHANGING), summary="Accept a task")
async def accept(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Accept
) -> Done:
    """We will do it."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("accept", given, step=step), key
    )


@routes.post(HERE + "/decline", responses=refusals(*CHANGING), summary="Decline a task")
async def decline(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Decline
) -> Done:
    """We cannot, and why. It goes back to whoever offered it; its clock runs on."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("decline", given, step=step), key
    )


@routes.post(HERE + "/hand_back", responses=refusals(*CHANGING), summary="Hand a task back")
async def hand_back(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Decline
) -> Done:
    """We began and cannot go on. The same as declining after having accepted."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("decline", given, step=step), key
    )


@routes.post(HERE + "/complete", responses=refusals(*CHANGING), summary="Complete a task")
async def complete(
    services: Inject,
    caller: Does,
    key: Key,
    case_ref: CaseRef,
    step: Step,
    given: requests.Complete,
) -> Done:
    """It is done, with its outcome. With `for` it records what another office answered."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("complete", given, step=step), key
    )


@routes.post(HERE + "/note", responses=refusals(*CHANGING), summary="Add a note")
async def note(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Note
) -> Done:
    """Something worth keeping; its words are kept apart from the case."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("note", given, step=step), key
    )


@routes.post(HERE + "/promise", responses=refusals(*CHANGING), summary="Promise a date")
async def promise(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Promise
) -> Done:
    """The day by which it will be done. Reminders are quiet until then, lateness is not."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("promise", given, step=step), key
    )


@routes.post(HERE + "/alarm", responses=refusals(*CHANGING), summary="Raise an alarm")
async def alarm(
    services: Inject, caller: Does, key: Key, case_ref: CaseRef, step: Step, given: requests.Alarm
) -> Done:
    """The person is in danger, gone, or refuses: whoever holds or held the task, at any time."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("alarm", given, step=step), key
    )


@routes.post(HERE + "/return", responses=refusals(*CHANGING), summary="Return for correction")
async def return_(
    services: Inject,
    caller: Steers,
    key: Key,
    case_ref: CaseRef,
    step: Step,
    given: requests.ForCorrection,
) -> Done:
    """What was completed must be done once more: a new attempt with a full clock."""
    return await acts.perform(
        services, caller, case_ref, requests.asked("return", given, step=step), key
    )
