"""Who answers for each office, and the form that lets a post change hands."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Inject
from api.errors import Problem
from api.pages import forms
from api.pages.forms import Option, Sent
from api.pages.look import Look, go
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
    look = Look(services, visitor)
    with transaction(services.database, look.actor) as connection:
        held = posts.holders(connection, services.instant())
        names = users.names_of(connection, [h.head for h in held.values()])
    nobody = look.words("world.nobody")
    rows = [
        (
            office.name,
            f"/world/posts/{office.id}",
            _holder(held[office.id], names, look) if office.id in held else nobody,
        )
        for office in services.register.values()
    ]
    return look.page(request, "world_posts", rows=rows)


def _holder(held: posts.Holders, names: dict[str, str], look: Look) -> str:
    return look.words("world.vacant") if held.vacant else names.get(held.head, held.head)


@routes.get("/world/posts/{office}")
def ask_post(services: Inject, visitor: Signed, request: Request, office: OfficeId) -> Response:
    """Who holds the posts of an office, and the form that changes it."""
    visitor.allowed(services.policy, MAY)
    look = Look(services, visitor)
    return show(request, look, _post(look, office))


@routes.post("/world/posts/{office}")
async def send_post(
    services: Inject, visitor: Signed, request: Request, office: OfficeId, sent: Sent
) -> Response:
    """Let a post change hands."""
    caller = visitor.in_office(services.policy, None, MAY)
    look = Look(services, visitor)
    sheet = await run_in_threadpool(_post, look, office)
    try:
        asked = forms.read_into(ChangePost, sheet.form, sent, look.words, look.zone)
        said, new = asked.said(caller), asked.appointment()
        await say(
            services,
            caller,
            sent.key,
            ("post", office, asked.model_dump(mode="json")),
            lambda c, at: appoint(c, services.rulebook, office, new, said, at),
        )
    except (Problem, core.Refused) as problem:
        return await again(request, look, lambda: _post(look, office), sent, problem)
    return go("/world", "said")


def _post(look: Look, office: str) -> Sheet:
    services, t = look.services, look.words
    if office not in services.register:
        raise errors.NotFound
    with transaction(services.database, look.actor) as connection:
        terms = posts.terms_of(connection, office)
        names = users.names_of(connection, [term.holder for term in terms])
    shown = [
        (
            t.word("posts", term.post),
            t(
                "world.term",
                holder=names.get(term.holder, term.holder),
                since=look.moment(term.since),
                until=moment(look, term.until),
            ),
        )
        for term in terms
    ]
    kinds = tuple(Option(word, t.word("posts", word)) for word in POSTS)
    roles = tuple(Option(role.id, role.title) for role in services.rulebook.account_roles)
    form = form_of(
        look,
        "post",
        replace(field(look, "post", "radio", required=True), options=kinds),
        field(look, "holder", "line", hint="holder"),
        replace(field(look, "role", "select", hint="role"), options=roles),
        field(look, "since", "moment", hint="since"),
        field(look, "until", "moment", hint="until"),
    )
    return Sheet(look.office(office), tuple(shown), form)
