"""Who answers for each office, and the form that lets a post change hands."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Inject
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Option, Sent
from api.pages.route import router
from api.pages.visitor import Signed
from api.pages.world_sheets import (
    Sheet,
    again,
    field,
    form_of,
    moment,
    show,
)
from api.params import OfficeId
from api.world import (
    appoint,
    say,
)
from api.world_asked import ChangePost
from domain import errors as core
from records import posts, users
from records.posts import POSTS
from records.session import transaction

routes = router()

MAY = "posts.change"


@routes.get("/world/posts")
def list_posts(services: Inject, visitor: Signed, request: Request) -> Response:
    """Every office, and who answers for it."""
    visitor.allowed(services.policy, MAY)
    context = PageContext(services, visitor)
    with transaction(services.database, context.actor) as connection:
        held = posts.holders(connection, services.instant())
        names = users.names_of(connection, [h.head for h in held.values()])
    nobody = context.words("world.nobody")
    rows = [
        (
            office.name,
            f"/world/posts/{office.id}",
            _holder(held[office.id], names, context) if office.id in held else nobody,
        )
        for office in services.register.values()
    ]
    return context.page(request, "world_posts", rows=rows)


def _holder(held: posts.Holders, names: dict[str, str], context: PageContext) -> str:
    return context.words("world.vacant") if held.vacant else names.get(held.head, held.head)


@routes.get("/world/posts/{office}")
def ask_post(services: Inject, visitor: Signed, request: Request, office: OfficeId) -> Response:
    """Who holds the posts of an office, and the form that changes it."""
    visitor.allowed(services.policy, MAY)
    context = PageContext(services, visitor)
    return show(request, context, _post(context, office))


@routes.post("/world/posts/{office}")
async def send_post(
    services: Inject, visitor: Signed, request: Request, office: OfficeId, sent: Sent
) -> Response:
    """Let a post change hands."""
    caller = visitor.in_office(services.policy, None, MAY)
    context = PageContext(services, visitor)
    sheet = await run_in_threadpool(_post, context, office)
    try:
        asked = base.read_into(ChangePost, sheet.form, sent, context.words, context.zone)
        said, new = asked.said(caller), asked.appointment()
        await say(
            services,
            caller,
            sent.key,
            ("post", office, asked.model_dump(mode="json")),
            lambda c, at: appoint(c, services.rulebook, office, new, said, at),
        )
    except (Problem, core.Refused) as problem:
        return await again(request, context, lambda: _post(context, office), sent, problem)
    return go("/world", "said")


def _post(context: PageContext, office: str) -> Sheet:
    services, t = context.services, context.words
    if office not in services.register:
        raise errors.NotFound
    with transaction(services.database, context.actor) as connection:
        terms = posts.terms_of(connection, office)
        names = users.names_of(connection, [term.holder for term in terms])
    shown = [
        (
            t.word("posts", term.post),
            t(
                "world.term",
                holder=names.get(term.holder, term.holder),
                since=context.moment(term.since),
                until=moment(context, term.until),
            ),
        )
        for term in terms
    ]
    kinds = tuple(Option(word, t.word("posts", word)) for word in POSTS)
    roles = tuple(Option(role.id, role.title) for role in services.rulebook.account_roles)
    form = form_of(
        context,
        "post",
        replace(field(context, "post", "radio", required=True), options=kinds),
        field(context, "holder", "line", hint="holder"),
        replace(field(context, "role", "select", hint="role"), options=roles),
        field(context, "since", "moment", hint="since"),
        field(context, "until", "moment", hint="until"),
    )
    return Sheet(context.office(office), tuple(shown), form)
