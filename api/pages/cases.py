"""The list of cases and one case: sentence, plan, gates, forecast, what happened, steering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import acts, case_access, errors
from api.deps import Inject, Services
from api.errors import Problem
from api.fields import SeenVersion
from api.pages import events, procedures, sentences
from api.pages.context import PageContext, go, known
from api.pages.forms import base, steering
from api.pages.forms.base import Field, Form, Posted, Sent
from api.pages.forms.case import CaseForms
from api.pages.menu import MenuEntry
from api.pages.route import headers_of, router
from api.pages.shut import shut_crossings
from api.pages.tasks import Cursor, OfficeParam, people_of
from api.pages.visitor import Signed, Visitor
from api.params import CaseRef
from api.policy import ALL_CASES
from api.requests import ActRequest
from domain import errors as core
from records import cases, people, private_texts, timeline, users
from records.ledger import LedgerRow
from records.session import transaction
from wording.catalogue import Words

routes = router()

MENU = MenuEntry(20, "cases", "/cases", "cases.list")

ROWS = 25
LINES = 50
STATUSES = ("open", "on_hold", "returned", "returned_legal_open", "closed", "cancelled")
SHORTEST_PURPOSE = 3
LONGEST_PURPOSE = 200


@routes.get("/cases")
def list_(
    services: Inject,
    visitor: Signed,
    request: Request,
    office: OfficeParam = None,
    status: Annotated[str, Query(max_length=30)] = "",
    corridor: Annotated[str, Query(max_length=40)] = "",
    find: Annotated[str, Query(max_length=64)] = "",
    cursor: Cursor = None,
) -> Response:
    """Cases of one's office, newest first, or the one with a reference."""
    context, caller = (
        PageContext(services, visitor),
        visitor.in_office(services.policy, office, "cases.list"),
    )
    missing = False
    with transaction(services.database, visitor.callers[0].actor) as connection:
        if find:
            url = _found(services, visitor, connection, find)
            if url:
                return go(url)
            missing = True
        page = cases.list_page(
            connection,
            limit=ROWS,
            cursor=cursor,
            status=known(status, STATUSES),
            corridor=known(corridor, services.procedures),
            office=None if ALL_CASES in services.policy.scopes_of(caller) else caller.office,
            corridors=services.home_corridors(caller),
        )
        seen = services.home_corridors(caller)
        shut = shut_crossings(context, connection, seen)
    shown = [
        (row, sentences.of_row(context, row, services.now_of(row.clock_offset, row.now_at)))
        for row in page.items
    ]
    return context.page(
        request,
        "cases",
        status=404 if missing else 200,
        rows=shown,
        next=page.next,
        beginning=cursor is None,
        office=caller.office,
        offices=visitor.allowed(services.policy, "cases.list"),
        find=find,
        missing=missing,
        chosen={"status": status, "corridor": corridor},
        statuses=STATUSES,
        corridors=sorted(seen),
        shut=shut,
    )


def _found(services: Services, visitor: Visitor, connection: Connection, find: str) -> str:
    """The address of a case that the visitor sees, by its reference."""
    try:
        looked = case_access.look(services, connection, find)
        visitor.who_sees(services.policy, looked.case, "cases.read")
    except (errors.NotFound, errors.Forbidden):
        return ""
    return f"/cases/{looked.row.reference}"


# -- one case


@dataclass(frozen=True, slots=True)
class CasePage:
    """A visitor before one case."""

    case_forms: CaseForms
    rows: tuple[LedgerRow, ...]
    names: Mapping[str, str]
    earlier: int | None
    texts: Mapping[str, str] = field(default_factory=dict)
    person: tuple[tuple[str, str], ...] = ()


@routes.get("/cases/{case_ref}")
def read(
    services: Inject,
    visitor: Signed,
    request: Request,
    case_ref: CaseRef,
    before: Annotated[SeenVersion | None, Query()] = None,
) -> Response:
    """The whole case, for those who see it whole."""
    return _page(request, _stand(services, visitor, case_ref, before=before))


@routes.post("/cases/{case_ref}")
async def steer(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, sent: Sent
) -> Response:
    """Do what a form of the case asks, or show it again with what is wrong."""
    page = await run_in_threadpool(_stand, services, visitor, case_ref)
    form = steering.form_of(page.case_forms, sent.do)
    if form is None:
        raise errors.NotFound
    words = page.case_forms.context.words
    try:
        asked = base.read_into(
            ActRequest, form, sent, words, page.case_forms.context.zone, do=form.do
        )
        await acts.perform(services, page.case_forms.caller, case_ref, asked, sent.key)
    except (Problem, core.Refused) as problem:
        wrong = base.refused(form, sent, problem, words, page.case_forms.name_of)
        return await run_in_threadpool(
            _again, services, visitor, request, page.case_forms.looked.row.reference, wrong, problem
        )
    return go(f"/cases/{page.case_forms.looked.row.reference}", sent.do)


def _again(
    services: Services,
    visitor: Visitor,
    request: Request,
    reference: str,
    wrong: Form,
    problem: Problem | core.Refused,
) -> Response:
    return _page(request, _stand(services, visitor, reference), wrong, problem)


@routes.post("/cases/{case_ref}/words")
def open_words(
    services: Inject, visitor: Signed, request: Request, case_ref: CaseRef, sent: Sent
) -> Response:
    """Show reasons in words and who it is about; it is noted who opened them and why."""
    page = _stand(services, visitor, case_ref)
    case_forms, form = page.case_forms, _purpose_form(page.case_forms)
    try:
        purpose = _purpose(form, sent, case_forms.context.words)
    except Problem as problem:
        wrong = base.refused(form, sent, problem, case_forms.context.words)
        return _page(request, page, wrong, problem)
    with transaction(services.database, visitor.callers[0].actor) as connection:
        names = [
            name for line in events.lines(case_forms, list(page.rows), {}) for name in line.texts
        ]
        texts = private_texts.read(connection, case_forms.case.id, names)
        told = (
            _person(case_forms, connection)
            if services.policy.may(case_forms.caller, "cases.person")
            else ()
        )
        opened = ["texts", *(["names", "contact"] if told else [])]
        case_access.note_access(
            services, connection, case_forms.caller, case_forms.case.id, opened, purpose
        )
    shown = CasePage(case_forms, page.rows, page.names, page.earlier, texts, told)
    return _page(request, shown, opened=True)


def _purpose(form: Form, sent: Posted, words: Words) -> str:
    """Why somebody opens words and names; raises WrongFields, or InvalidField."""
    base.check_once(form, sent, words)
    purpose = sent.one("purpose")
    if SHORTEST_PURPOSE <= len(purpose) <= LONGEST_PURPOSE and purpose.isprintable():
        return purpose
    raise base.WrongFields(
        (errors.FieldProblem(field="purpose", problem=words("forms.purpose_length")),)
    )


def _person(case_forms: CaseForms, connection: Connection) -> tuple[tuple[str, str], ...]:
    found, t = people.read(connection, case_forms.case.id), case_forms.context.words
    if found is None:
        return ((t("data.names"), t("data.not_known")),)
    born = case_forms.context.day(found.born) if found.born is not None else ""
    told = {
        "names": found.name,
        "contact": found.contact or "",
        "birth_date": born,
        "sex": t.word("sexes", found.sex) if found.sex else "",
    }
    return tuple((t(f"data.{word}"), value) for word, value in told.items() if value)


def _purpose_form(case_forms: CaseForms) -> Form:
    t = case_forms.context.words
    person = case_forms.context.services.policy.may(case_forms.caller, "cases.person")
    return Form(
        do="words",
        title=t("acts.words.title_person" if person else "acts.words.title"),
        submit=t("acts.words.submit"),
        intro=t("acts.words.intro"),
        fields=(Field("purpose", "line", t("fields.why_open"), required=True),),
        key=base.new_key(),
    )


def _stand(
    services: Services, visitor: Visitor, case_ref: str, *, before: int | None = None
) -> CasePage:
    """Look at a case as the office of the visitor that sees it whole; raises NotFound."""
    visitor.allowed(services.policy, "cases.read")
    with transaction(services.database, visitor.callers[0].actor) as connection:
        looked = case_access.look(services, connection, case_ref)
        caller = visitor.who_sees(services.policy, looked.case, "cases.read")
        case_forms = CaseForms(
            PageContext(services, visitor), caller, looked, people_of(connection, looked.case)
        )
        end = min(before or looked.row.version + 1, looked.row.version + 1)
        first = max(0, end - 1 - LINES)
        found, _ = timeline.page(connection, looked.case.id, after_seq=first, limit=end - 1 - first)
        rows = tuple(row for row in found if row.seq < end)
        names = users.names_of(connection, events.users_in(list(rows)))
    return CasePage(case_forms, rows, names, first + 1 if first else None)


def _page(
    request: Request,
    page: CasePage,
    wrong: Form | None = None,
    problem: Problem | core.Refused | None = None,
    *,
    opened: bool = False,
) -> Response:
    case_forms, context = page.case_forms, page.case_forms.context
    case, row = case_forms.case, case_forms.looked.row
    words_form = _purpose_form(case_forms)
    if wrong is not None and wrong.do == words_form.do:
        words_form, wrong = wrong, None
    groups = steering.of_case(case_forms, wrong)
    return context.page(
        request,
        "case",
        status=problem.status if problem is not None else 200,
        headers=headers_of(problem) if problem is not None else None,
        reference=row.reference,
        corridor=context.corridor(case.procedure.corridor),
        status_word=context.words.word(
            "cases", row.status if case.ended else procedures.state_of(case)
        ),
        sentence=sentences.of_case(case_forms),
        turn=context.words.word("turns", procedures.turn(case_forms)),
        child=case.is_child(case_forms.looked.at),
        version=case.version,
        rules=case.procedure.version,
        now=context.moment(case_forms.looked.at),
        flags=[context.words.word("flags", flag) for flag in sorted(case.person.flags)],
        bars=[context.words.word("bars", kind) for kind in sorted(case.person.bars)],
        tracks=procedures.tracks(case_forms),
        mine=procedures.mine(case_forms),
        gates=procedures.gates_of(case_forms),
        forecast=procedures.forecast(case_forms),
        consents=procedures.consents(case_forms),
        handover=procedures.handover(case_forms),
        lines=events.lines(case_forms, list(page.rows), page.names),
        earlier=page.earlier,
        newest=bool(page.rows) and page.rows[-1].seq < case.version,
        texts=page.texts,
        person=page.person,
        opened=opened,
        words_form=words_form,
        steering=groups,
        wrong=wrong,
        action=f"/cases/{row.reference}",
    )
