"""Corridors: the ways home that this house knows, with every card of their rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from api import shapes
from api.deps import Needs, TheHouse
from api.errors import NotFound
from api.routing import READING, refusals, router
from api.view.corridors import CorridorItem, CorridorShape, corridor_item, corridor_shape
from api.view.shape import PageOf

routes = router("corridors")
MAY_READ = [Depends(Needs("corridors.read"))]


@routes.get(
    "/corridors", responses=refusals(*READING), summary="List corridors", dependencies=MAY_READ
)
def list_(house: TheHouse) -> PageOf[CorridorItem]:
    """Every pair of countries that has rules."""
    found = (corridor_item(r.plan, r.title, r.source) for r in house.plans.values())
    return PageOf(items=list(found))


@routes.get(
    "/corridors/{corridor}",
    responses=refusals(*READING),
    summary="Read a corridor",
    dependencies=MAY_READ,
)
def read(
    house: TheHouse,
    corridor: Annotated[str, Path(max_length=40, pattern=shapes.CORRIDOR, examples=["th-la"])],
) -> CorridorShape:
    """Its cards: who does what, after what, in what time, and by whose word."""
    ready = house.plans.get(corridor)
    if ready is None:
        raise NotFound
    return corridor_shape(ready.plan, ready.title, ready.source)
