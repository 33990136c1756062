"""Facts of the world: what was said once, and how many of the cases concerned have been told."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from api.deps import Needs, Pages, Records
from api.errors import NotFound
from api.json.schemas.base import PageOf
from api.json.schemas.world import ProgressShape, progress_shape
from api.routing import READING, refusals, router
from records import broadcasts, world

routes = router("world")
MAY_LOOK = [Depends(Needs("world.look"))]
FactId = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        examples=["6f1c2f60-5d0e-4f0e-9c57-0b1d8f0f9a11"],
    ),
]


@routes.get(
    "/world/facts", responses=refusals(*READING), summary="List facts", dependencies=MAY_LOOK
)
def list_(records: Records, paging: Pages) -> PageOf[ProgressShape]:
    """What was said of the world, the newest first, and how far it has come."""
    page = world.page(records, paging.limit, paging.cursor)
    told = broadcasts.told(records, page.items)
    return PageOf(
        items=[progress_shape(fact, told[fact.id]) for fact in page.items], next=page.next
    )


@routes.get(
    "/world/facts/{fact}",
    responses=refusals(*READING),
    summary="Read a fact",
    dependencies=MAY_LOOK,
)
def read(records: Records, fact: FactId) -> ProgressShape:
    """What was said, by whom, why, and how many cases know."""
    found = world.find(records, fact)
    if found is None:
        raise NotFound
    return progress_shape(found, broadcasts.told(records, [found])[fact])
