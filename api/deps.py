"""What every route is given: the house, the caller, the idempotency key. It never reads a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy import Connection, Engine
from temporalio.client import Client

from api import patterns
from api.errors import Unauthorized
from api.fields import Rows
from api.limits import Queues
from api.policy import EVERYTHING, Caller, Place, Policy
from api.security import SessionCookie
from api.telemetry import Metrics
from domain.rules.book import Rulebook
from domain.rules.register import RegisteredOffice
from domain.work.procedure import Procedure
from engine.subjects import SubjectEngine
from records import sessions, tokens, users
from records.session import system, transaction
from settings import Settings

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token made by an administrator: `hw_<prefix>_<secret>`. It ends, it can be "
    "revoked, it speaks for one user in one office.",
)


@dataclass(frozen=True, slots=True)
class ActiveProcedure:
    """The rules of one corridor as new cases carry them."""

    procedure: Procedure
    digest: str
    title: str
    source: str


@dataclass(slots=True)
class Services:
    """Everything the API is made of; built once in `app.py`."""

    settings: Settings
    database: Engine
    temporal: Client
    engine: SubjectEngine
    rulebook: Rulebook
    register: dict[str, RegisteredOffice]  # offices by id
    procedures: dict[str, ActiveProcedure]
    policy: Policy
    hash_key: bytes
    cookie: SessionCookie
    rehearsal: bool
    metrics: Metrics
    queues: Queues = field(default_factory=Queues)  # of first reports
    move_clock: Any = None  # only in a rehearsal; see app.MoveClock

    def instant(self) -> datetime:
        """The moment now. The one clock of the API; for tokens, sessions and posts."""
        return datetime.now(UTC)

    def now(self) -> datetime:
        """The moment now to the whole second, as cases count."""
        return self.instant().replace(microsecond=0)

    def now_of(self, clock_offset: int, newest: datetime | None = None) -> datetime:
        """The moment now on a case's own clock, which never stands before its newest event."""
        own = self.now() + timedelta(seconds=clock_offset)
        return own if newest is None else max(own, newest)

    def home_corridors(self, caller: Caller) -> frozenset[str]:
        """The corridors whose cases are held by the country of the caller's office."""
        office = self.register.get(caller.office)
        country = office.country if office is not None else ""
        return frozenset(
            corridor
            for corridor, ready in self.procedures.items()
            if country in {"", ready.procedure.home_country}
        )


def services_of(request: Request) -> Services:
    """Return what the application was built from."""
    services: Services = request.app.state.services
    return services


Inject = Annotated[Services, Depends(services_of)]


# -- who asks


def caller_of_token(services: Services, token: str) -> Caller | None:
    """Return who a bearer token speaks for; None when it does not count."""
    with transaction(services.database, system("api")) as opened:
        holder = tokens.check(opened, token, services.instant())
        if holder is None:
            return None
        places = places_of(opened, holder.user_id, services.instant())
    here = next((place for place in places if place.office == holder.office_id), None)
    if here is None:
        return None
    # A token speaks for its one office, whatever other posts its user holds.
    return Caller(holder.user_id, here.office, here.roles, (here,), holder.scopes)


def caller_of_session(services: Services, secret: str, office: str | None = None) -> Caller | None:
    """Return who is signed in with this cookie, acting in `office` or their first one."""
    with transaction(services.database, system("api")) as opened:
        user = sessions.check(opened, secret, services.instant())
        if user is None:
            return None
        places = places_of(opened, user, services.instant())
    if not places:
        return None
    first = places[0]
    caller = Caller(user, first.office, first.roles, places, frozenset({EVERYTHING}))
    return caller if office is None else caller.acting_in(office)


def places_of(opened: Connection, user: str, at: datetime) -> tuple[Place, ...]:
    """Return the offices a user works in at that moment, with all roles in each."""
    found: dict[str, list[str]] = {}
    for member in users.memberships_of(opened, user, at):
        found.setdefault(member.office_id, []).append(member.role)
    return tuple(Place(office, tuple(dict.fromkeys(roles))) for office, roles in found.items())


def caller(
    services: Inject,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> Caller:
    """Who asks, by bearer token; raises Unauthorized."""
    if credentials is None:
        raise Unauthorized
    found = caller_of_token(services, credentials.credentials)
    if found is None:
        raise Unauthorized("This token is wrong, ended or revoked")
    return found


def connection(
    services: Inject, asking: Annotated[Caller, Depends(caller)]
) -> Iterator[Connection]:
    """One transaction for one request, on behalf of who asks."""
    with transaction(services.database, asking.actor) as opened:
        yield opened


# Ends with the route's function: nothing may be answered that was not written yet.
Records = Annotated[Connection, Depends(connection, scope="function")]


class Needs:
    """A route's permission: any of these words of `access.toml`. Every route states one."""

    def __init__(self, *any_of: str) -> None:
        """Remember the permissions; the access matrix test reads them off the routes."""
        self.any_of = any_of

    def __call__(
        self, services: Inject, asking: Annotated[Caller, Depends(caller)], request: Request
    ) -> Caller:
        """Return the caller, or raise Unauthorized or Forbidden."""
        request.state.user = asking.user
        services.policy.check(asking, *self.any_of)
        return asking


def signed_in(asking: Annotated[Caller, Depends(caller)]) -> Caller:
    """Anybody with a token that counts."""
    return asking


# -- headers and query


def idempotency_key(
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=200,
            pattern=patterns.KEY,
            description="A new random word for every new change; the same again when repeating. "
            "Needed on every change.",
            examples=["6f1c2f60-5d0e-4f0e-9c57-0b1d8f0f9a11"],
        ),
    ],
) -> str:
    """Return the key of a change; a missing one is a missing field."""
    return key


Key = Annotated[str, Depends(idempotency_key)]
NEEDS_KEY = [Depends(idempotency_key)]  # for changes that repeat harmlessly by themselves


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page begins and how long it is."""

    limit: int
    cursor: str | None


def paging(
    limit: Annotated[Rows, Query(description="Rows of one page.")] = 25,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next` of the page before.")
    ] = None,
) -> Paging:
    """Return the page that is asked for."""
    return Paging(limit, cursor)


Pages = Annotated[Paging, Depends(paging)]


def purpose(
    why: Annotated[
        str,
        Header(
            alias="X-Purpose",
            min_length=3,
            max_length=200,
            pattern=patterns.ONE_LINE,
            description="Why the record of a person is opened; it is noted with your name.",
            examples=["preparing the tracing request"],
        ),
    ],
) -> str:
    """Return why somebody opens a record about a person."""
    return why


Purpose = Annotated[str, Depends(purpose)]


def office_of(asking: Caller, office: str | None) -> Caller:
    """Return the caller in the office that the query names; raises Forbidden."""
    return asking if office is None else asking.acting_in(office)
