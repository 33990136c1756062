"""Rules: what newer ones would change in all open cases of a corridor, and the word that adopts them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api import world_preview
from api.deps import Inject, Key, Needs, Records
from api.json.schemas.world import FactShape, SummaryShape, fact_shape, summary_shape
from api.params import CorridorId
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from api.world import adopt_rules, rules_of, say
from api.world_asked import AdoptRules

routes = router("world")
MayAdopt = Annotated[Caller, Depends(Needs("rules.adopt"))]


@routes.get(
    "/corridors/{corridor}/rules/preview",
    responses=refusals(*READING),
    summary="What adopting the present rules would change",
    dependencies=[Depends(Needs("rules.adopt"))],
)
def preview(services: Inject, records: Records, corridor: CorridorId) -> SummaryShape:
    """How many cases, how many due dates move, which steps would vanish or begin."""
    return summary_shape(
        world_preview.of_rules(records, rules_of(services, corridor), services.now())
    )


@routes.post(
    "/corridors/{corridor}/rules/adopt",
    responses=refusals(*CHANGING),
    summary="Let every open case follow the present rules",
)
async def adopt(
    services: Inject, caller: MayAdopt, key: Key, corridor: CorridorId, asked: AdoptRules
) -> FactShape:
    """What is done stays; open clocks are counted anew."""
    ready, said = rules_of(services, corridor), asked.said(caller)
    fact = await say(
        services,
        caller,
        key,
        ("rules", corridor, asked.model_dump(mode="json")),
        lambda c, at: [adopt_rules(c, ready, said, at)],
    )
    return fact_shape(fact)
