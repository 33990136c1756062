"""Calendars: which days are off in a country, a word that changes them, and what that would move."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api import world_preview
from api.deps import NEEDS_KEY, Inject, Key, Needs, Records
from api.json.schemas.base import PageOf
from api.json.schemas.world import (
    CalendarShape,
    FactShape,
    SummaryShape,
    calendar_shape,
    fact_shape,
    summary_shape,
)
from api.params import CountryId
from api.policy import Caller
from api.routing import CHANGING, READING, refusals, router
from api.world import calendar_now, countries, declare_calendar, say
from api.world_asked import DeclareCalendar, TheDays
from records import world

routes = router("world")
MAY_READ = [Depends(Needs("corridors.read"))]
MayChange = Annotated[Caller, Depends(Needs("calendars.change"))]


@routes.get(
    "/calendars", responses=refusals(*READING), summary="List calendars", dependencies=MAY_READ
)
def list_(services: Inject, records: Records) -> PageOf[CalendarShape]:
    """Every country of the rules, with its days as they count now."""
    facts = {fact.subject: fact for fact in world.newest_of(records, world.CALENDAR)}
    return PageOf(
        items=[
            calendar_shape(calendar_now(records, services.rulebook, country), facts.get(country))
            for country in countries(services.rulebook)
        ]
    )


@routes.post(
    "/calendars/{country}/preview",
    responses=refusals(*CHANGING),
    summary="What other days would move",
    dependencies=[*NEEDS_KEY, Depends(Needs("calendars.change"))],
)
def preview(services: Inject, records: Records, country: CountryId, asked: TheDays) -> SummaryShape:
    """Which open clocks of which cases, with old and new due dates. Nothing is changed by asking."""
    days, now = asked.days(), services.now()
    return summary_shape(world_preview.of_calendar(records, services.rulebook, country, days, now))


@routes.post(
    "/calendars/{country}",
    responses=refusals(*CHANGING),
    summary="Declare days off",
)
async def declare(
    services: Inject, caller: MayChange, key: Key, country: CountryId, asked: DeclareCalendar
) -> FactShape:
    """Open clocks of that country move, and each case records the old and the new date.

    Also a day off declared today for today. Days that are named are added to the list, unless they
    take its place (`anew`).
    """
    said, days = asked.said(caller), asked.days()
    fact = await say(
        services,
        caller,
        key,
        ("calendar", country, asked.model_dump(mode="json")),
        lambda c, at: [declare_calendar(c, services.rulebook, country, days, said, at)],
    )
    return fact_shape(fact)
