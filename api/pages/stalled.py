"""What stands still, longest first, and the form that ends an escalation by a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import acts, case_access, errors
from api.deps import Inject, Services
from api.errors import Problem
from api.pages import sentences
from api.pages.context import PageContext, go, known
from api.pages.forms import base
from api.pages.forms.base import Form, Posted, Sent
from api.pages.forms.case import CaseForms
from api.pages.forms.task import decision_form
from api.pages.menu import MenuEntry
from api.pages.route import headers_of, problem_page, router
from api.pages.shut import shut_crossings
from api.pages.tasks import Cursor, OfficeParam, people_of
from api.pages.visitor import Signed, Visitor
from api.params import CaseRef, Step
from api.policy import ALL_CASES, Caller
from api.requests import ActRequest
from api.standstill import Standstill, standstill_of
from domain import errors as core
from domain.case import reading
from domain.case.state import Case
from domain.work.calendars import calendar_for
from domain.work.procedure import Card
from domain.work.state import Task
from records import escalations, stalled, tasks
from records.cases import CaseView
from records.escalations import EscalationView
from records.session import transaction

routes = router()

MENU = MenuEntry(30, "stalled", "/stalled", "stalled.list")

ROWS = 20
QUESTIONS = 50
NO_RUNG = "none"
TURNS = ("host", "origin", "partner", "person", "nobody")


@dataclass(frozen=True, slots=True)
class Row:
    """A case that stands still, ready to be read."""

    reference: str
    url: str
    corridor: str
    blocker: str
    holder: str
    turn: str
    stands: str
    age: str
    due: str
    rung: str
    next_rung: str
    decide: tuple[tuple[str, str], ...]  # title and address of what may be decided


@dataclass(frozen=True, slots=True)
class Question:
    """An escalation that waits for a decision of the visitor's office."""

    url: str
    reference: str
    title: str
    rung: str
    since: str
    holder: str


@routes.get("/stalled")
def list_(
    services: Inject,
    visitor: Signed,
    request: Request,
    office: OfficeParam = None,
    corridor: Annotated[str, Query(max_length=40)] = "",
    turn: Annotated[str, Query(max_length=20)] = "",
    cursor: Cursor = None,
) -> Response:
    """Cases of one's office that stand still: on what, whose turn, how long, what comes next."""
    context, caller = (
        PageContext(services, visitor),
        visitor.in_office(services.policy, office, "stalled.list"),
    )
    now, decides = services.now(), services.policy.may(caller, "escalations.decide")
    with transaction(services.database, visitor.callers[0].actor) as connection:
        page = stalled.page(
            connection,
            now,
            limit=ROWS,
            cursor=cursor,
            corridor=known(corridor, services.procedures),
            turn=known(turn, TURNS),
            office=None if ALL_CASES in services.policy.scopes_of(caller) else caller.office,
            corridors=services.home_corridors(caller),
            rehearsal=services.rehearsal,
        )
        seen = services.home_corridors(caller)
        shut = shut_crossings(context, connection, seen)
        late = {row.case_id: row.late_at for row in page.items if row.late_at is not None}
        blocking = tasks.blocking(connection, late)
        rows = [
            _row(
                context,
                row,
                standstill_of(
                    row,
                    blocking.get(row.case_id),
                    now,
                    services.now_of(row.clock_offset, row.now_at),
                ),
                _open_to(connection, row, caller if decides else None),
            )
            for row in page.items
        ]
        asked = (
            escalations.open_for(connection, caller.office, limit=QUESTIONS).items
            if decides and cursor is None
            else ()
        )
    return context.page(
        request,
        "stalled",
        rows=rows,
        next=page.next,
        beginning=cursor is None,
        questions=[_question(context, found) for found in asked],
        office=caller.office,
        offices=visitor.allowed(services.policy, "stalled.list"),
        chosen={"corridor": corridor, "turn": turn},
        turns=TURNS,
        corridors=sorted(seen),
        shut=shut,
    )


def _blocker(context: PageContext, row: CaseView, item: Standstill) -> str:
    if row.disagrees:
        return context.words("stalled.disagree")
    return (
        context.words("stalled.stuck")
        if row.stuck
        else item.blocker or context.words("stalled.idle")
    )


def _row(
    context: PageContext,
    row: CaseView,
    item: Standstill,
    opened: list[EscalationView],
) -> Row:
    own = context.services.now_of(row.clock_offset, row.now_at)
    zone, t = context.zone_of(item.holder), context.words
    next_rung = due = ""
    if item.next_rung and item.next_rung_at is not None:
        day = context.day(item.next_rung_at, zone)
        next_rung = t("stalled.next", rung=t.word("rungs", item.next_rung), day=day)
    if item.due_at is not None:
        distance = context.distance(item.due_at, own, zone)
        due = t("stalled.due_value", due=context.day(item.due_at, zone), distance=distance)
    return Row(
        reference=row.reference,
        url=f"/cases/{row.reference}",
        corridor=context.corridor(row.corridor),
        blocker=_blocker(context, row, item),
        holder=context.office(item.holder) if item.holder else "",
        turn=t.word("turns", item.turn),
        stands=t("stalled.days", n=item.late_days),
        age=t("stalled.days", n=item.age_days),
        due=due,
        rung=t.word("rungs", item.rung) if item.rung != NO_RUNG else "",
        next_rung=next_rung,
        decide=tuple((found.title, decide_url(row.reference, found.step)) for found in opened),
    )


def _open_to(connection: Connection, row: CaseView, decider: Caller | None) -> list[EscalationView]:
    """The escalations of a case that this office may decide now."""
    if decider is None:
        return []
    found = escalations.of_case(connection, row.case_id)
    return [e for e in found if e.state == "open" and decider.office in e.deciders]


def _question(context: PageContext, found: EscalationView) -> Question:
    return Question(
        url=decide_url(found.reference, found.step),
        reference=found.reference,
        title=found.title,
        rung=context.words.word("rungs", found.rung),
        since=context.day(found.opened_at),
        holder=context.office(found.holder),
    )


def decide_url(reference: str, step: str) -> str:
    """The address of a decision."""
    return f"/stalled/{reference}/{step}"


# -- a decision


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A visitor before one escalation; `is_open`: it may still be decided by this office."""

    case_forms: CaseForms
    card: Card
    task: Task
    is_open: bool
    whole: bool


@routes.get("/stalled/{case_ref}/{step:path}")
def ask(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, step: Step
) -> Response:
    """What is to be decided, and the form."""
    page = _stand(services, visitor, case_ref, step)
    if not page.is_open:
        raise errors.NotFound
    return _page(request, page, decision_form(page.case_forms, page.card))


@routes.post("/stalled/{case_ref}/{step:path}")
async def decide(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, step: Step, sent: Sent
) -> Response:
    """End the escalation, or show the form again with what is wrong."""
    page = await run_in_threadpool(_stand, services, visitor, case_ref, step, sent.one("by"))
    form, context = decision_form(page.case_forms, page.card), page.case_forms.context
    try:
        asked = base.read_into(
            ActRequest, form, sent, context.words, context.zone, do=form.do, step=page.card.id
        )
        await acts.perform(services, page.case_forms.caller, case_ref, asked, sent.key)
    except (Problem, core.Refused) as problem:
        return await run_in_threadpool(
            _again, services, visitor, request, page, form, sent, problem
        )
    return go("/stalled", "decide")


def _again(
    services: Services,
    visitor: Visitor,
    request: Request,
    before: DecisionPage,
    form: Form,
    sent: Posted,
    problem: Problem | core.Refused,
) -> Response:
    """The page as it is now, with the form as it was sent.

    Where nothing is to be decided any more it says so, and shows what was written.
    """
    reference, office = before.case_forms.looked.row.reference, before.case_forms.caller.office
    page = _stand(services, visitor, reference, before.card.id, office)
    words = page.case_forms.context.words
    if not page.is_open:
        return problem_page(
            request,
            problem,
            also="problem.question_gone" if problem.status < base.UNSURE else "",
            written=base.written(sent, words),
            case_url=f"/cases/{reference}" if page.whole else "",
        )
    return _page(
        request, page, base.refused(form, sent, problem, words, page.case_forms.name_of), problem
    )


def _stand(
    services: Services, visitor: Visitor, case_ref: str, step: str, acting: str = ""
) -> DecisionPage:
    """Look at an escalation as the office that may decide it; raises NotFound."""
    policy = services.policy
    callers = visitor.allowed(policy, "escalations.decide")
    with transaction(services.database, visitor.callers[0].actor) as connection:
        looked = case_access.look(services, connection, case_ref)
        card, task = looked.case.card(step), _in_question(looked.case, step)
        if card is None or task is None:
            raise errors.NotFound
        reached = [c for c in callers if c.office in task.deciders or c.office == acting]
        caller = next((c for c in reached if policy.reaches(c, looked.case)), None)
        if caller is None:
            raise errors.NotFound
        case_forms = CaseForms(
            PageContext(services, visitor), caller, looked, people_of(connection, looked.case)
        )
    is_open = task.escalation == "open" and caller.office in task.deciders
    whole = policy.may(caller, "cases.read") and policy.sees_case(caller, looked.case)
    return DecisionPage(case_forms, card, task, is_open, whole)


def _in_question(case: Case, step: str) -> Task | None:
    attempts = case.work.tasks.get(step, ())
    return next((t for t in attempts if t.escalation == "open"), attempts[-1] if attempts else None)


def _page(
    request: Request, page: DecisionPage, form: Form, problem: Problem | core.Refused | None = None
) -> Response:
    case_forms, task, context = page.case_forms, page.task, page.case_forms.context
    zone = calendar_for(case_forms.case, task.made_for).zone
    coming = reading.next_rung(task)
    t = context.words
    return context.page(
        request,
        "decide",
        status=problem.status if problem is not None else 200,
        headers=headers_of(problem) if problem is not None else None,
        title=page.card.title,
        reference=case_forms.looked.row.reference,
        corridor=context.corridor(case_forms.case.procedure.corridor),
        sentence=sentences.of_case(case_forms),
        holder=context.office(task.holder),
        office=context.office(case_forms.caller.office),
        due=context.moment(task.due_at, zone) if task.due_at is not None else "",
        distance=context.distance(task.due_at, case_forms.looked.at, zone) if task.due_at else "",
        rung=t.word("rungs", task.rung),
        deciders=context.offices(task.deciders),
        next_rung=(
            t("stalled.next", rung=t.word("rungs", coming[0]), day=context.day(coming[1], zone))
            if coming is not None
            else ""
        ),
        form=form,
        action=decide_url(case_forms.looked.row.reference, page.card.id),
        case_url=f"/cases/{case_forms.looked.row.reference}" if page.whole else "",
    )
