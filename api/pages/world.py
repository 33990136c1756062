"""The world around the cases: crossings, days off, posts, rules, and who has been told of them.

Each thing has a page of its own: how it is now, and a form that asks what it is to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy import Connection

from api.deps import Inject, Services
from api.pages.context import PageContext
from api.pages.menu import MenuEntry
from api.pages.route import router
from api.pages.visitor import Signed, Visitor
from api.world import (
    countries,
    status_of,
)
from domain.rules.crossings import registered_crossings
from records import broadcasts, world
from records.broadcasts import Told
from records.session import transaction
from records.world import Fact

routes = router()

MENU = MenuEntry(50, "world", "/world", "world.look")

ROWS = 20
LINES = 50
CROSSINGS, CALENDARS, IN_POSTS, RULES = (
    "crossings.change",
    "calendars.change",
    "posts.change",
    "rules.adopt",
)
SEEN = "_seen"  # what was previewed: other days are previewed anew


@dataclass(frozen=True, slots=True)
class FactRow:
    """What was said, ready to be read."""

    title: str
    when: str
    by: str
    reason: str
    source: str
    told: str
    state: str
    is_done: bool


@routes.get("/world")
def look_over(
    services: Inject,
    visitor: Signed,
    request: Request,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """What can be changed here, and what was said last."""
    visitor.allowed(services.policy, MENU.permission)
    context = PageContext(services, visitor)
    with transaction(services.database, visitor.callers[0].actor) as connection:
        page = world.page(connection, ROWS, cursor)
        told = broadcasts.told(connection, page.items)
        shut = [c for c in registered_crossings(services.rulebook) if _is_shut(connection, c)]
    return context.page(
        request,
        "world",
        crossings=[
            (one.name, f"/world/crossings/{one.id}", one.id in shut)
            for one in registered_crossings(services.rulebook).values()
        ],
        calendars=_links(
            visitor, services, CALENDARS, "calendars", countries(services.rulebook), context
        ),
        rules=_links(visitor, services, RULES, "rules", services.procedures, context),
        in_posts=visitor.may(services.policy, IN_POSTS),
        facts=[_row(context, fact, told[fact.id]) for fact in page.items],
        next=page.next,
        beginning=cursor is None,
    )


def _is_shut(connection: Connection, crossing_id: str) -> bool:
    return status_of(connection, crossing_id) == "closed"


def _links(
    visitor: Visitor,
    services: Services,
    permission: str,
    folder: str,
    ids: Iterable[str],
    context: PageContext,
) -> list[tuple[str, str]]:
    if not visitor.may(services.policy, permission):
        return []
    return [(_name(context, folder, one), f"/world/{folder}/{one}") for one in ids]


def _name(context: PageContext, folder: str, one: str) -> str:
    return context.corridor(one) if folder == "rules" else context.words.word("countries", one)


def _row(context: PageContext, fact: Fact, told: Told) -> FactRow:
    t = context.words
    return FactRow(
        title=t(f"world.of_{fact.kind}", subject=_subject(context, fact)),
        when=context.moment(fact.effective_at),
        by=context.office(fact.by),
        reason=fact.reason,
        source=fact.source,
        told=t("world.told", done=told.done, all=told.concerned),
        state=t(f"world.{fact.state}"),
        is_done=fact.state == world.FINISHED,
    )


def _subject(context: PageContext, fact: Fact) -> str:
    if fact.kind == world.CROSSING:
        known = registered_crossings(context.services.rulebook).get(fact.subject)
        name = known.name if known is not None else fact.subject
        return f"{name}: {context.words.word('crossings', str(fact.body['status']))}"
    if fact.kind == world.POST:
        return context.office(fact.subject)
    if fact.kind == world.RULES:
        return context.corridor(fact.subject)
    return context.words.word("countries", fact.subject)
