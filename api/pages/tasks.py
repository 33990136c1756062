"""My tasks, and one task with everything its office can do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import acts, case_access, errors
from api.deps import Inject, Services
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Form, Posted, Sent
from api.pages.forms.case import CaseForms
from api.pages.forms.task import forms_of_task, holder_of, task_form
from api.pages.menu import MenuEntry
from api.pages.route import headers_of, problem_page, router
from api.pages.visitor import Signed, Visitor
from api.params import CaseRef, Step
from api.policy import Caller, Policy
from api.requests import ActRequest
from domain import errors as core
from domain.case import reading
from domain.case.state import Case
from domain.work.calendars import calendar_for
from domain.work.procedure import Card
from domain.work.state import Task
from records import tasks, users
from records.session import transaction
from records.tasks import TaskView

routes = router()

MENU = MenuEntry(10, "tasks", "/tasks", "tasks.list")

ROWS = 25
Cursor = Annotated[str | None, Query(max_length=500)]
OfficeParam = Annotated[str | None, Query(max_length=80)]


@dataclass(frozen=True, slots=True)
class Row:
    """A task in the list, ready to be read."""

    url: str
    title: str
    reference: str
    corridor: str
    state: str
    late: bool
    due: str
    distance: str
    since: str
    promised: str
    on_hold: bool
    escalated: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What one office holds."""

    office: str
    name: str
    rows: tuple[Row, ...]
    next: str | None


@routes.get("/tasks")
def list_(
    services: Inject,
    visitor: Signed,
    request: Request,
    office: OfficeParam = None,
    cursor: Cursor = None,
) -> Response:
    """What the visitor's offices hold, first due first."""
    context = PageContext(services, visitor)
    callers = visitor.allowed(services.policy, "tasks.list")
    if office:
        callers = (visitor.in_office(services.policy, office, "tasks.list"),)
    with transaction(services.database, visitor.callers[0].actor) as connection:
        held = [
            _held(context, connection, caller, cursor if office else None) for caller in callers
        ]
    return context.page(request, "tasks", held=held, beginning=cursor is None)


def _held(context: PageContext, connection: Connection, caller: Caller, cursor: str | None) -> Held:
    page = tasks.of_office(connection, caller.office, limit=ROWS, cursor=cursor)
    rows = tuple(_row(context, row) for row in page.items)
    return Held(caller.office, context.office(caller.office), rows, page.next)


def _row(context: PageContext, row: TaskView) -> Row:
    now, zone = context.services.now_of(row.clock_offset, row.now_at), context.zone_of(row.made_for)
    due = row.due_at
    return Row(
        url=task_url(row.reference, row.step),
        title=row.title,
        reference=row.reference,
        corridor=context.corridor(row.corridor),
        state=context.words.word("states", row.state),
        late=due is not None and due < now,
        due=context.moment(due, zone) if due is not None else "",
        distance=context.distance(due, now, zone) if due is not None else "",
        since=context.day(row.offered_at, zone),
        promised=context.day(row.promised_on) if row.promised_on is not None else "",
        on_hold=row.on_hold,
        escalated=row.escalation == "open",
    )


def task_url(reference: str, step: str) -> str:
    """The address of a task; it names nobody."""
    return f"/tasks/{reference}/{step}"


# -- one task


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A visitor before one task. `may_read`: they may see it now, not only have acted on it."""

    case_forms: CaseForms
    card: Card
    task: Task | None
    may_read: bool
    whole: bool  # the caller sees the whole case
    about: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The address of this task."""
        return task_url(self.case_forms.looked.row.reference, self.card.id)


@routes.get("/tasks/{case_ref}/{step:path}")
def read(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, step: Step
) -> Response:
    """One task: what is asked, until when, and the forms to answer."""
    page = _stand(services, visitor, case_ref, step)
    return _page(request, page, forms_of_task(page.case_forms, page.card, page.task))


@routes.post("/tasks/{case_ref}/{step:path}")
async def act(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, step: Step, sent: Sent
) -> Response:
    """Do what a form of the task asks, or show it again with what is wrong."""
    page = await run_in_threadpool(_stand, services, visitor, case_ref, step, sent.one("by"))
    form = task_form(page.case_forms, page.card, sent.do, sent.one("for"))
    if form is None:
        raise errors.NotFound
    try:
        asked = base.read_into(
            ActRequest,
            form,
            sent,
            page.case_forms.context.words,
            page.case_forms.context.zone,
            do=form.do,
            step=page.card.id,
        )
        await acts.perform(services, page.case_forms.caller, case_ref, asked, sent.key)
    except (Problem, core.Refused) as problem:
        return await run_in_threadpool(
            _again, services, visitor, request, page, form, sent, problem
        )
    return go(await run_in_threadpool(_after, services, visitor, page), sent.do)


def _again(
    services: Services,
    visitor: Visitor,
    request: Request,
    before: TaskPage,
    form: Form,
    sent: Posted,
    problem: Problem | core.Refused,
) -> Response:
    """The page as it is now, with the form as it was sent.

    Who holds the task no longer is told so, and shown what they wrote and nothing else.
    """
    page = _stand(
        services,
        visitor,
        before.case_forms.looked.row.reference,
        before.card.id,
        before.case_forms.caller.office,
    )
    if not page.may_read:
        also = "problem.task_gone" if problem.status < base.UNSURE else ""
        kept = base.written(sent, page.case_forms.context.words)
        return problem_page(request, problem, also=also, written=kept)
    wrong = base.refused(
        form, sent, problem, page.case_forms.context.words, page.case_forms.name_of
    )
    others = [f for f in forms_of_task(page.case_forms, page.card, page.task) if f.do != form.do]
    return _page(request, page, [wrong, *others], problem)


def _after(services: Services, visitor: Visitor, before: TaskPage) -> str:
    """Where to go: the task while it is open, else the case, else the list."""
    reference, office = before.case_forms.looked.row.reference, before.case_forms.caller.office
    page = _stand(services, visitor, reference, before.card.id, office)
    if page.may_read and page.task is not None and page.task.is_open:
        return page.url
    return f"/cases/{reference}" if page.whole else "/tasks"


def _stand(
    services: Services, visitor: Visitor, case_ref: str, step: str, acting: str = ""
) -> TaskPage:
    """Look at a task; raises NotFound.

    `acting` is the office that a form was sent for. It may have lost the task meanwhile: then it
    reads nothing, but is answered the same when the form comes twice.
    """
    policy = services.policy
    visitor.allowed(policy, "tasks.act" if acting else "tasks.read", "cases.read")
    with transaction(services.database, visitor.callers[0].actor) as connection:
        looked = case_access.look(services, connection, case_ref)
        case, card = looked.case, looked.case.card(step)
        if card is None:
            raise errors.NotFound
        task = reading.shown_task(case, step)
        caller = (
            visitor.in_office(policy, acting, "tasks.act", "cases.read")
            if acting
            else _seen_as(policy, visitor, case, step, task)
        )
        if not policy.reaches(caller, case):
            raise errors.NotFound
        case_forms = CaseForms(
            PageContext(services, visitor), caller, looked, people_of(connection, case)
        )
        may_read = policy.sees_task(caller, case, step)
        about = (
            case_access.about(services, connection, looked, caller, task)
            if may_read and task
            else {}
        )
    told = tuple(
        (case_forms.context.words.word("data", word), value) for word, value in about.items()
    )
    return TaskPage(case_forms, card, task, may_read, policy.sees_case(caller, case), told)


def _seen_as(policy: Policy, visitor: Visitor, case: Case, step: str, task: Task | None) -> Caller:
    """The visitor in the office that holds the task, else in one that sees it; raises NotFound."""
    seen = [
        caller
        for caller in visitor.allowed(policy, "tasks.read", "cases.read")
        if policy.sees_task(caller, case, step)
    ]
    holding = (c for c in seen if task is not None and c.office == task.holder)
    found = next(holding, seen[0] if seen else None)
    if found is None:
        raise errors.NotFound
    return found


def people_of(connection: Connection, case: Case) -> tuple[tuple[str, str], ...]:
    """Who holds a post in this case and has an account, by name."""
    posts = {user for office in case.work.offices.values() for user in (office.head, office.deputy)}
    return tuple(sorted(users.names_of(connection, sorted(posts)).items()))


def _page(
    request: Request,
    page: TaskPage,
    shown: list[Form],
    problem: Problem | core.Refused | None = None,
) -> Response:
    case_forms, task, card = page.case_forms, page.task, page.card
    context, case, now = case_forms.context, case_forms.case, case_forms.looked.at
    zone = calendar_for(case, task.made_for).zone if task is not None else context.zone
    due = task.due_at if task is not None and task.is_open else None
    holder = holder_of(case_forms, card)
    return context.page(
        request,
        "task",
        status=problem.status if problem is not None else 200,
        headers=headers_of(problem) if problem is not None else None,
        title=card.title,
        reference=case_forms.looked.row.reference,
        corridor=context.corridor(case.procedure.corridor),
        state=context.words.word("states", reading.step_state(case, card.id, now)),
        outcome=context.words.word("outcomes", task.outcome) if task and task.outcome else "",
        holder=context.office(holder),
        begun=task is not None,
        mine=holder == case_forms.caller.office,
        due=context.moment(due, zone) if due is not None else "",
        distance=context.distance(due, now, zone) if due is not None else "",
        late=due is not None and due < now,
        since=context.day(task.offered_at, zone) if task is not None else "",
        promised=context.day(task.promised_on) if task is not None and task.promised_on else "",
        on_hold=case.work.on_hold,
        about=page.about,
        forms=shown,
        action=page.url,
        case_url=f"/cases/{case_forms.looked.row.reference}" if page.whole else "",
    )
