"""A first report: the form that opens a case."""

from __future__ import annotations

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import Inject
from api.errors import FieldProblem, Problem
from api.opening import open_case
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Field, Form, Option, Posted, Sent, new_key
from api.pages.menu import MenuEntry
from api.pages.route import headers_of, router
from api.pages.visitor import Signed
from api.policy import Caller
from api.requests import OpenCaseRequest
from domain import errors as core
from domain.case.acts.person import FLAGS
from domain.case.acts.steering import SEXES

routes = router()

MENU = MenuEntry(40, "new_case", "/cases/new", "cases.open")

UNKNOWN = "unknown"


@routes.get("/cases/new")
def ask(services: Inject, visitor: Signed, request: Request) -> Response:
    """Ask what is known."""
    caller = visitor.in_office(services.policy, None, "cases.open")
    context = PageContext(services, visitor)
    return context.page(request, "new_case", form=_form(context, caller))


@routes.post("/cases/new")
async def open_(services: Inject, visitor: Signed, request: Request, sent: Sent) -> Response:
    """OpenCaseRequest the case, or show the form again with what is wrong."""
    context = PageContext(services, visitor)
    caller = visitor.in_office(services.policy, sent.one("_by"), "cases.open")
    form = _form(context, caller)
    try:
        unknown = _age_unknown(sent, context)
        asked = base.read_into(OpenCaseRequest, form, sent, context.words, context.zone, **unknown)
        done = await open_case(services, caller, asked, sent.key)
    except (Problem, core.Refused) as problem:
        wrong = base.refused(form, sent, problem, context.words, context.office)
        return await run_in_threadpool(
            context.page,
            request,
            "new_case",
            status=problem.status,
            headers=headers_of(problem),
            form=wrong,
        )
    return go(f"/cases/{done.reference}", "opened")


def _age_unknown(sent: Posted, context: PageContext) -> dict[str, str]:
    """Whoever ticks the box has nothing to type; raises WrongFields where both was done."""
    if not sent.one("_age_unknown"):
        return {}
    if sent.one("age"):
        said = context.words("forms.age_twice")
        raise base.WrongFields((FieldProblem(field="age", problem=said),))
    return {"age": UNKNOWN}


def _form(context: PageContext, caller: Caller) -> Form:
    t = context.words
    corridors = sorted(context.services.home_corridors(caller))
    fields = [
        Field(
            "corridor",
            "select",
            t("fields.corridor"),
            required=True,
            options=tuple(Option(word, context.corridor(word)) for word in corridors),
        ),
        Field("person.name", "line", t("fields.name"), t("hints.name"), required=True),
        Field("person.contact", "area", t("fields.contact"), t("hints.contact")),
        Field("born", "day", t("fields.born"), t("hints.born")),
        Field("age", "number", t("fields.age"), t("hints.age")),
        Field(
            "_age_unknown",
            "check",
            t("fields.age_unknown"),
            options=(Option("yes", t("fields.age_unknown_yes")),),
        ),
        Field("sex", "radio", t("fields.sex"), options=_words(context, "sexes", SEXES)),
        Field("flags", "check", t("fields.flags"), options=_words(context, "flags", FLAGS)),
        Field(
            "province",
            "select",
            t("fields.province"),
            t("hints.province"),
            options=_provinces(context, caller),
        ),
    ]
    if context.services.rehearsal:
        zone = context.moment(context.services.now()).rpartition("(")[2].rstrip(")")
        hint = t("hints.opens", zone=zone)
        fields.append(Field("opens", "moment", t("fields.opens"), hint))
    fields.append(Field("_by", "hidden", "", typed=(caller.office,)))
    return Form(
        do="open",
        title=t("acts.open.title"),
        submit=t("acts.open.submit"),
        intro=t("acts.open.intro"),
        fields=tuple(fields),
        key=new_key(),
        always_open=True,
    )


def _words(context: PageContext, group: str, names: tuple[str, ...]) -> tuple[Option, ...]:
    return tuple(Option(name, context.words.word(group, name)) for name in names)


def _provinces(context: PageContext, caller: Caller) -> tuple[Option, ...]:
    """The caller's own province; an office without one may choose among those of its country."""
    own = context.services.register.get(caller.office)
    if own is not None and own.province:  # elsewhere it would hold no role
        return (Option(own.province, own.province),)
    found = {
        office.province
        for office in context.services.register.values()
        if own is not None and office.country == own.country and office.province
    }
    return tuple(Option(name, name) for name in sorted(found))
