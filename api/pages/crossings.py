"""A crossing: how it is, and the form that shuts or opens it."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import Inject
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Field, Form, Posted, Sent
from api.pages.route import router
from api.pages.visitor import Signed
from api.pages.world_sheets import (
    Sheet,
    again,
    form_of,
    said_last,
    show,
)
from api.params import CrossingId
from api.world import (
    change_crossing,
    check_may_change,
    crossing_named,
    say,
)
from api.world_asked import ChangeCrossing
from domain import errors as core
from domain.rules.crossings import corridors_over
from records import world
from records.session import transaction

routes = router()

MAY = "crossings.change"


@routes.get("/world/crossings/{crossing}")
def ask_crossing(
    services: Inject, visitor: Signed, request: Request, crossing: CrossingId
) -> Response:
    """How a crossing is, and the form that shuts or opens it."""
    visitor.allowed(services.policy, MAY)
    context = PageContext(services, visitor)
    return show(request, context, _crossing(context, crossing))


@routes.post("/world/crossings/{crossing}")
async def send_crossing(
    services: Inject, visitor: Signed, request: Request, crossing: CrossingId, sent: Sent
) -> Response:
    """Shut or open it."""
    caller = visitor.in_office(services.policy, None, MAY)
    context = PageContext(services, visitor)
    sheet = await run_in_threadpool(_crossing, context, crossing)
    try:
        form = replace(sheet.form, fields=_with_status(sheet.form, sent))
        asked = base.read_into(ChangeCrossing, form, sent, context.words, context.zone)
        check_may_change(services, caller, crossing_named(services.rulebook, crossing))
        said = asked.said(caller)
        await say(
            services,
            caller,
            sent.key,
            ("crossing", crossing, asked.model_dump(mode="json")),
            lambda c, at: [change_crossing(c, services.rulebook, crossing, asked.status, said, at)],
        )
    except (Problem, core.Refused) as problem:
        return await again(request, context, lambda: _crossing(context, crossing), sent, problem)
    return go("/world", "said")


def _with_status(form: Form, sent: Posted) -> tuple[Field, ...]:
    """What the page showed is what is asked, also when somebody else was quicker."""
    return tuple(
        replace(f, typed=(sent.one("status"),)) if f.name == "status" else f for f in form.fields
    )


def _crossing(context: PageContext, crossing_id: str) -> Sheet:
    services, t = context.services, context.words
    one = crossing_named(services.rulebook, crossing_id)
    with transaction(services.database, context.actor) as connection:
        fact = world.newest(connection, world.CROSSING, crossing_id)
    status = "open" if fact is None else str(fact.body["status"])
    then = "closed" if status == "open" else "open"
    corridors = [context.corridor(word) for word in corridors_over(services.rulebook, one)]
    shown = [
        (t("world.status"), t.word("crossings", status)),
        (t("world.hours"), one.hours),
        (t("world.corridors"), ", ".join(corridors) or t("world.no_corridor")),
        (t("world.reached"), ", ".join(context.office(o) for o in one.offices.values())),
        *said_last(context, fact),
    ]
    hidden = Field("status", "hidden", "", typed=(then,))
    form = form_of(context, f"crossing_{then}", hidden, danger=then == "closed")
    return Sheet(one.name, tuple(shown), form)
