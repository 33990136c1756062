"""What the present rules would change in all open cases, and the form that adopts them."""

from __future__ import annotations

from fastapi import Request, Response

from api import world_preview
from api.deps import Inject
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Sent
from api.pages.route import router
from api.pages.visitor import Signed
from api.pages.world_sheets import (
    Sheet,
    again,
    counted,
    form_of,
    show,
)
from api.params import CorridorId
from api.world import (
    adopt_rules,
    rules_of,
    say,
)
from api.world_asked import AdoptRules
from domain import errors as core
from records.session import transaction

routes = router()

MAY = "rules.adopt"


@routes.get("/world/rules/{corridor}")
def ask_rules(
    services: Inject, visitor: Signed, request: Request, corridor: CorridorId
) -> Response:
    """What the present rules would change in all open cases, and the form that adopts them."""
    visitor.allowed(services.policy, MAY)
    context = PageContext(services, visitor)
    return show(request, context, _rules(context, corridor))


@routes.post("/world/rules/{corridor}")
async def send_rules(
    services: Inject, visitor: Signed, request: Request, corridor: CorridorId, sent: Sent
) -> Response:
    """Adopt them."""
    caller = visitor.in_office(services.policy, None, MAY)
    context, ready = PageContext(services, visitor), rules_of(services, corridor)
    form = form_of(context, "rules")
    try:
        asked = base.read_into(AdoptRules, form, sent, context.words, context.zone)
        said = asked.said(caller)
        await say(
            services,
            caller,
            sent.key,
            ("rules", corridor, asked.model_dump(mode="json")),
            lambda c, at: [adopt_rules(c, ready, said, at)],
        )
    except (Problem, core.Refused) as problem:
        return await again(request, context, lambda: _rules(context, corridor), sent, problem)
    return go("/world", "said")


def _rules(context: PageContext, corridor: str) -> Sheet:
    services, t = context.services, context.words
    ready = rules_of(services, corridor)
    with transaction(services.database, context.actor) as connection:
        found = world_preview.of_rules(connection, ready, services.now())
    changes = [
        t(f"world.{word}", title=context.step(corridor, step), n=count)
        for word, counted in (
            ("step_moves", found.moved),
            ("step_vanishes", found.vanished),
            ("step_begins", found.begun),
        )
        for step, count in sorted(counted.items())
    ]
    return Sheet(
        context.corridor(corridor),
        ((t("world.version"), ready.procedure.version),),
        form_of(context, "rules"),
        items_title=t("world.would_change"),
        items=tuple(changes),
        note=counted(context, found),
    )
