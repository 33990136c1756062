"""What an administrator or a focal says of the world, once for all cases it concerns.

It checks and writes the fact; the engine carries it (`activities/broadcasts.py`). The commands come
through here as well, so nothing here knows a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import ActiveProcedure, Services
from api.once import Once
from api.policy import ALL_CASES, Caller
from domain import errors as core
from domain.rules.book import Rulebook
from domain.rules.crossings import (
    RegisteredCrossing,
    corridors_counting,
    corridors_over,
    crossings_of,
    registered_crossings,
)
from domain.work.calendar import Calendar
from engine.broadcasts import start_broadcast
from engine.errors import EngineAway
from records import broadcasts, offices, posts, procedures, users, world
from records.posts import Term
from records.session import transaction
from records.world import Fact, NewFact
from workflows.encoding import calendar_to_json

OPEN = "open"
JUST_NOW = timedelta(minutes=1)  # a moment is typed without seconds


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it, why, and where they know it from."""

    by: str  # office
    user: str
    reason: str
    source: str


Write = Callable[[Connection, datetime], Sequence[Fact]]


async def say(
    services: Services, caller: Caller, key: str, asked: Sequence[object], write: Write
) -> Fact:
    """Write facts down once for each key, and let the engine tell the cases; return the first.

    Where the engine is away they are told as soon as it is back (`activities/upkeep.py`).
    """
    written = await run_in_threadpool(_say, services, caller, key, asked, write)
    await start_soon(services, written)
    return written[0]


def _say(
    services: Services, caller: Caller, key: str, asked: Sequence[object], write: Write
) -> Sequence[Fact]:
    once = Once.of(services, caller, key, "world", *asked)
    at = services.instant()
    with transaction(services.database, caller.actor) as connection:
        before = once.before(connection, at)
        if before is not None and before.made is not None:
            fact = world.find(connection, before.made)
            if fact is None:  # pragma: no cover - facts never go
                raise errors.NotFound
            return [fact]
        written = write(connection, at)
        once.made(connection, written[0].id)
        return written


async def start_soon(services: Services, facts: Sequence[Fact]) -> None:
    """Start telling; an engine that is away is asked again by and by."""
    for fact in facts:
        try:
            await start_broadcast(services.temporal, services.engine.task_queue, fact.id)
        except EngineAway:
            return


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


# -- crossings


def crossing_named(rulebook: Rulebook, crossing_id: str) -> RegisteredCrossing:
    """Return a registered crossing; raises NotFound naming the nearest."""
    known = registered_crossings(rulebook)
    if crossing_id not in known:
        raise errors.NotFound(f"There is no such crossing{_near(crossing_id, list(known))}")
    return known[crossing_id]


def check_may_change(services: Services, caller: Caller, crossing: RegisteredCrossing) -> None:
    """A focal speaks for the crossings of its own country, an administrator for all."""
    if ALL_CASES in services.policy.scopes_of(caller):
        return
    office = services.register.get(caller.office)
    if office is None or office.country not in crossing.countries:
        raise errors.Forbidden("Your office is in none of the countries that meet there")


def check_crossing(rulebook: Rulebook, corridor: str, crossing_id: str) -> None:
    """A plan is made over a crossing of the case's corridor; raises InvalidField."""
    known = [crossing.id for crossing in crossings_of(rulebook, corridor)]
    if crossing_id not in known:
        raise errors.InvalidField(
            f"`crossing` is none that {corridor} uses{_near(crossing_id, known)}", field="crossing"
        )


def status_of(connection: Connection, crossing_id: str) -> str:
    """`open` or `closed`, as it was said last."""
    fact = world.newest(connection, world.CROSSING, crossing_id)
    return OPEN if fact is None else str(fact.body["status"])


def change_crossing(
    connection: Connection,
    rulebook: Rulebook,
    crossing_id: str,
    status: str,
    said: Said,
    at: datetime,
) -> Fact:
    """Shut a crossing or open it; raises NotFound, WrongState where it is so already."""
    crossing = crossing_named(rulebook, crossing_id)
    world.lock(connection)
    if status_of(connection, crossing_id) == status:
        raise core.WrongState(f"The crossing is {status} already")
    body = {"status": status, "corridors": list(corridors_over(rulebook, crossing))}
    return world.write(connection, _new(world.CROSSING, crossing_id, body, said), at)


def _new(kind: str, subject: str, body: Mapping[str, object], said: Said) -> NewFact:
    return NewFact(kind, subject, body, said.by, said.user, said.reason, said.source)


# -- calendars


@dataclass(frozen=True, slots=True)
class Days:
    """Days that are said to be off, or worked. `anew`: they take the place of the whole list."""

    off: tuple[date, ...] = ()
    on: tuple[date, ...] = ()
    closes: time | None = None
    anew: bool = False


def countries(rulebook: Rulebook) -> list[str]:
    """The countries whose working days the rules know."""
    return [country for country in rulebook.table("calendars.toml") if country.isupper()]


def calendar_now(connection: Connection, rulebook: Rulebook, country: str) -> Calendar:
    """The list of a country that counts now; raises NotFound."""
    shipped = rulebook.calendar(country)
    if shipped is None:
        known = ", ".join(countries(rulebook))
        raise errors.NotFound(f"There is no calendar of that country; there are {known}")
    fact = world.newest(connection, world.CALENDAR, country)
    return shipped if fact is None else world.calendar_of(fact)


def with_days(present: Calendar, days: Days) -> Calendar:
    """The list with these days; raises MissingField, InvalidField, WrongState."""
    if not (days.off or days.on or days.closes):
        raise errors.MissingField("Say at least one day, or an hour", field="off")
    if set(days.off) & set(days.on):
        raise errors.InvalidField("`on`: a day is off or worked, not both", field="on")
    off, on = (set(), set()) if days.anew else (set(present.off), set(present.on))
    off = (off - set(days.on)) | set(days.off)
    on = (on - set(days.off)) | set(days.on)
    if days.closes is not None and days.closes <= present.opens:
        raise errors.InvalidField("`closes` lies after the hour of opening", field="closes")
    changed = replace(
        present,
        off=tuple(sorted(off)),
        on=tuple(sorted(on)),
        closes=days.closes or present.closes,
    )
    if changed == present:
        raise core.WrongState("The calendar says so already")
    return changed


def calendar_body(rulebook: Rulebook, calendar: Calendar) -> dict[str, object]:
    """What a fact about a calendar holds."""
    corridors = list(corridors_counting(rulebook, calendar.country))
    return {"calendar": calendar_to_json(calendar), "corridors": corridors}


def declare_calendar(
    connection: Connection,
    rulebook: Rulebook,
    country: str,
    days: Days,
    said: Said,
    at: datetime,
) -> Fact:
    """Say which days are off; raises what `with_days` raises, and NotFound."""
    world.lock(connection)
    calendar = with_days(calendar_now(connection, rulebook, country), days)
    body = calendar_body(rulebook, calendar)
    return world.write(connection, _new(world.CALENDAR, country, body, said), at)


# -- posts


@dataclass(frozen=True, slots=True)
class Appointment:
    """Who holds a post from when until when; nobody, where `holder` is empty."""

    post: str
    holder: str = ""
    role: str = ""  # of access.toml; default: the one in which the post was held last
    since: datetime | None = None
    until: datetime | None = None


def appoint(
    connection: Connection,
    rulebook: Rulebook,
    office_id: str,
    new: Appointment,
    said: Said,
    at: datetime,
) -> list[Fact]:
    """Let a post change hands, now or later; raises NotFound, InvalidField, MissingField.

    Access changes at the very moment; cases are told then.
    """
    if not posts.lock(connection, office_id):
        known = [office.id for office in offices.all_of(connection)]
        raise errors.NotFound(f"There is no such office{_near(office_id, known)}")
    if new.since is not None and new.since < at - JUST_NOW:
        raise errors.InvalidField(
            "`since` lies before now; a post changes now or later", field="since"
        )
    since = max(new.since or at, at)
    if new.until is not None and new.until <= since:
        raise errors.InvalidField("`until` lies after the term begins", field="until")
    if not new.holder:
        _vacate(connection, office_id, new, since)
        moments = [since]
    else:
        _begin(connection, rulebook, office_id, new, since)
        moments = [since, *([new.until] if new.until is not None else [])]
    return [
        world.write(
            connection,
            replace(_new(world.POST, office_id, {"post": new.post}, said), effective_at=moment),
            at,
        )
        for moment in moments
    ]


def _vacate(connection: Connection, office_id: str, new: Appointment, since: datetime) -> None:
    if new.until is not None:
        raise errors.InvalidField("`until`: nobody holds it until somebody begins", field="until")
    if not any(_lasts_to(term, new.post, since) for term in posts.terms_of(connection, office_id)):
        raise core.WrongState("Nobody holds this post then")
    posts.end(connection, office_id, new.post, since)


def _lasts_to(term: Term, post: str, moment: datetime) -> bool:
    return term.post == post and (term.until is None or term.until > moment)


def _begin(
    connection: Connection, rulebook: Rulebook, office_id: str, new: Appointment, since: datetime
) -> None:
    user = users.find(connection, new.holder)
    if user is None or user.disabled:
        raise errors.InvalidField("`holder` is nobody who has an account", field="holder")
    role = new.role or posts.role_of_last(connection, office_id, new.post)
    known = [role.id for role in rulebook.account_roles]
    if not role:
        raise errors.MissingField(
            "`role`: nobody held this post before, so say in which role", field="role"
        )
    if role not in known:
        raise errors.InvalidField(f"`role` is one of {', '.join(known)}", field="role")
    if any(
        term.post == new.post and term.holder == new.holder and _covers(term, since, new.until)
        for term in posts.terms_of(connection, office_id)
    ):
        raise core.WrongState("The post is theirs already")
    posts.begin(connection, Term(office_id, new.post, new.holder, since, new.until), role)


def _covers(term: Term, since: datetime, until: datetime | None) -> bool:
    return term.since <= since and term.until == until


# -- rules


def adopt_rules(connection: Connection, ready: ActiveProcedure, said: Said, at: datetime) -> Fact:
    """Let every open case of a corridor follow these rules."""
    procedures.keep(connection, ready.procedure, ready.digest)
    body = {"digest": ready.digest, "version": ready.procedure.version}
    if not broadcasts.open_cases(connection, world.RULES, ready.procedure.corridor, body):
        raise core.WrongState("Every open case follows these rules already")
    return world.write(connection, _new(world.RULES, ready.procedure.corridor, body, said), at)


def rules_of(services: Services, corridor: str) -> ActiveProcedure:
    """The present rules of a corridor; raises NotFound."""
    ready = services.procedures.get(corridor)
    if ready is None:
        known = ", ".join(services.procedures)
        raise errors.NotFound(f"There is no such corridor; there are {known}")
    return ready
