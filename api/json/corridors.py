"""Corridors: the ways home that this house knows, with every card of their rules."""

from __future__ import annotations

from fastapi import Depends

from api.deps import Inject, Needs
from api.errors import NotFound
from api.json.schemas.base import PageOf
from api.json.schemas.corridors import CorridorItem, CorridorShape, corridor_item, corridor_shape
from api.params import CorridorId
from api.routing import READING, refusals, router

routes = router("corridors")
MAY_READ = [Depends(Needs("corridors.read"))]


@routes.get(
    "/corridors", responses=refusals(*READING), summary="List corridors", dependencies=MAY_READ
)
def list_(services: Inject) -> PageOf[CorridorItem]:
    """Every pair of countries that has rules."""
    found = (corridor_item(r.procedure, r.title, r.source) for r in services.procedures.values())
    return PageOf(items=list(found))


@routes.get(
    "/corridors/{corridor}",
    responses=refusals(*READING),
    summary="Read a corridor",
    dependencies=MAY_READ,
)
def read(
    services: Inject,
    corridor: CorridorId,
) -> CorridorShape:
    """Its cards: who does what, after what, in what time, and by whose word."""
    ready = services.procedures.get(corridor)
    if ready is None:
        raise NotFound
    return corridor_shape(ready.procedure, ready.title, ready.source)
