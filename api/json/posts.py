"""Posts: who answers for an office as head or deputy, and when that changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api.deps import Inject, Key, Needs, Records
from api.errors import NotFound
from api.json.schemas.base import PageOf
from api.json.schemas.world import FactShape, TermShape, fact_shape, term_shape
from api.params import OfficeId
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from api.world import appoint, say
from api.world_asked import ChangePost
from records import posts

routes = router("world")
MayChange = Annotated[Caller, Depends(Needs("posts.change"))]


@routes.get(
    "/offices/{office}/posts",
    responses=refusals(*READING),
    summary="List the terms of an office",
    dependencies=[Depends(Needs("posts.change"))],
)
def list_(services: Inject, records: Records, office: OfficeId) -> PageOf[TermShape]:
    """Who held, holds and will hold its posts, the newest first."""
    if office not in services.register:
        raise NotFound
    return PageOf(items=[term_shape(term) for term in posts.terms_of(records, office)])


@routes.post(
    "/offices/{office}/posts",
    responses=refusals(*CHANGING),
    summary="Let a post change hands",
)
async def change(
    services: Inject, caller: MayChange, key: Key, office: OfficeId, asked: ChangePost
) -> FactShape:
    """Access of whoever leaves ends at that very moment, and the successor's begins.

    Duties stay with the office. Every open case that binds it is told then. What was said before of
    this post from that moment on falls.
    """
    said, new = asked.said(caller), asked.appointment()
    fact = await say(
        services,
        caller,
        key,
        ("post", office, asked.model_dump(mode="json")),
        lambda c, at: appoint(c, services.rulebook, office, new, said, at),
    )
    return fact_shape(fact)
