"""Crossings: where people cross, whether it is open, and the word that shuts or opens it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api.deps import Inject, Key, Needs, Records
from api.json.schemas.base import PageOf
from api.json.schemas.world import CrossingShape, FactShape, crossing_shape, fact_shape
from api.params import CrossingId
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from api.world import change_crossing, check_may_change, crossing_named, say
from api.world_asked import ChangeCrossing
from domain.rules.crossings import corridors_over, registered_crossings
from records import world

routes = router("world")
MAY_READ = [Depends(Needs("corridors.read"))]
MayChange = Annotated[Caller, Depends(Needs("crossings.change"))]


@routes.get(
    "/crossings", responses=refusals(*READING), summary="List crossings", dependencies=MAY_READ
)
def list_(services: Inject, records: Records) -> PageOf[CrossingShape]:
    """Every crossing of the rules, and whether it is open."""
    facts = {fact.subject: fact for fact in world.newest_of(records, world.CROSSING)}
    found = registered_crossings(services.rulebook).values()
    return PageOf(
        items=[
            crossing_shape(one, corridors_over(services.rulebook, one), facts.get(one.id))
            for one in found
        ]
    )


@routes.post(
    "/crossings/{crossing}",
    responses=refusals(*CHANGING),
    summary="Shut or open a crossing",
)
async def change(
    services: Inject, caller: MayChange, key: Key, crossing: CrossingId, asked: ChangeCrossing
) -> FactShape:
    """Every open case of the corridors that use it is told, and whoever is planned over it goes back.

    A focal speaks for the crossings of its own country.
    """
    check_may_change(services, caller, crossing_named(services.rulebook, crossing))
    said = asked.said(caller)
    fact = await say(
        services,
        caller,
        key,
        ("crossing", crossing, asked.model_dump(mode="json")),
        lambda c, at: [change_crossing(c, services.rulebook, crossing, asked.status, said, at)],
    )
    return fact_shape(fact)
