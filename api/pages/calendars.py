"""Days off of a country: those to come, and a form that shows what others would move."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api import world_preview
from api.deps import Inject
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms import base
from api.pages.forms.base import Field, Form, Posted, Sent
from api.pages.route import router
from api.pages.visitor import Signed
from api.pages.world_sheets import (
    Sheet,
    again,
    counted,
    field,
    form_of,
    lines,
    said_last,
    show,
)
from api.params import CountryId
from api.world import (
    calendar_now,
    declare_calendar,
    say,
)
from api.world_asked import DeclareCalendar, TheDays
from domain import errors as core
from records import world
from records.session import transaction

routes = router()

MAY = "calendars.change"
SEEN = "_seen"  # what was previewed: other days are previewed anew


@routes.get("/world/calendars/{country}")
def ask_calendar(
    services: Inject, visitor: Signed, request: Request, country: CountryId
) -> Response:
    """Which days are off, and the form that says others."""
    visitor.allowed(services.policy, MAY)
    context = PageContext(services, visitor)
    return show(request, context, _calendar(context, country))


@routes.post("/world/calendars/{country}")
async def send_calendar(
    services: Inject, visitor: Signed, request: Request, country: CountryId, sent: Sent
) -> Response:
    """Show what would move; sent once more, say it."""
    caller = visitor.in_office(services.policy, None, MAY)
    context = PageContext(services, visitor)
    sheet = await run_in_threadpool(_calendar, context, country)
    try:
        base.check_once(sheet.form, sent, context.words)
        asked = _read_calendar(context, sheet.form, sent)
        seen = " ".join(map(str, (*asked.off, "on", *asked.on)))
        if sent.one(SEEN) != seen:
            previewed = await run_in_threadpool(_previewed, context, country, asked, sent, seen)
            return await run_in_threadpool(show, request, context, previewed)
        said, days = asked.said(caller), asked.days()
        await say(
            services,
            caller,
            sent.key,
            ("calendar", country, asked.model_dump(mode="json")),
            lambda c, at: [declare_calendar(c, services.rulebook, country, days, said, at)],
        )
    except (Problem, core.Refused) as problem:
        return await again(request, context, lambda: _calendar(context, country), sent, problem)
    return go("/world", "said")


def _read_calendar(context: PageContext, form: Form, sent: Posted) -> DeclareCalendar:
    """Days are typed one after the other, with blanks between them."""
    days = {name: sent.one(name).replace(",", " ").split() for name in ("off", "on")}
    plain = replace(form, fields=tuple(f for f in form.fields if f.name not in days))
    return base.read_into(DeclareCalendar, plain, sent, context.words, context.zone, **days)


def _previewed(
    context: PageContext, country: str, asked: TheDays, sent: Posted, seen: str
) -> Sheet:
    """The same page with what would move, and a button that says it."""
    services, t = context.services, context.words
    with transaction(services.database, context.actor) as connection:
        found = world_preview.of_calendar(
            connection, services.rulebook, country, asked.days(), services.now()
        )
    sheet = _calendar(context, country)
    form = base.refilled(sheet.form, sent)
    form = replace(
        form,
        submit=t("world_acts.calendar_sure"),
        fields=tuple(replace(f, typed=(seen,)) if f.name == SEEN else f for f in form.fields),
    )
    return replace(
        sheet,
        form=form,
        items_title=t("world.would_move"),
        items=lines(context, found),
        note=counted(context, found),
    )


def _calendar(context: PageContext, country: str) -> Sheet:
    services, t = context.services, context.words
    with transaction(services.database, context.actor) as connection:
        calendar = calendar_now(connection, services.rulebook, country)
        fact = world.newest(connection, world.CALENDAR, country)
    today = calendar.local_date(services.now())
    coming = [context.day(day, calendar.zone) for day in calendar.off if day >= today]
    shown = [
        (t("world.coming"), ", ".join(coming) or t("world.no_days")),
        (t("world.hours"), f"{calendar.opens:%H:%M}-{calendar.closes:%H:%M}"),
        *said_last(context, fact),
    ]
    form = form_of(
        context,
        "calendar",
        field(context, "off", "line", hint="days"),
        field(context, "on", "line", hint="worked"),
        Field(SEEN, "hidden", ""),
    )
    return Sheet(t.word("countries", country), tuple(shown), form)
