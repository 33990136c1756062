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

from activities.cases import CaseEngine
from api import shapes
from api.errors import Unauthorized
from api.fields import Rows
from api.policy import EVERYTHING, Caller, Place, Policy
from api.queues import Queues
from api.security import SessionCookie
from api.telemetry import Metrics
from domain.plan import Plan
from domain.rulebook import Rulebook
from domain.ruleregister import RegisteredOffice
from records import sessions, tokens, users
from settings import Settings

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token made by an administrator: `hw_<prefix>_<secret>`. It ends, it can be "
    "revoked, it speaks for one user in one office.",
)


@dataclass(frozen=True, slots=True)
class ReadyPlan:
    """The rules of one corridor as new cases carry them."""

    plan: Plan
    digest: str
    title: str
    source: str


@dataclass(slots=True)
class House:
    """Everything the API is made of; built once in `app.py`."""

    settings: Settings
    database: Engine
    temporal: Client
    engine: CaseEngine
    rulebook: Rulebook
    register: dict[str, RegisteredOffice]  # offices by id
    plans: dict[str, ReadyPlan]
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


def house_of(request: Request) -> House:
    """Return what the application was built from."""
    house: House = request.app.state.house
    return house


TheHouse = Annotated[House, Depends(house_of)]


def connection(house: TheHouse) -> Iterator[Connection]:
    """One transaction for one request."""
    with house.database.begin() as opened:
        yield opened


# Ends with the route's function: nothing may be answered that was not written yet.
Records = Annotated[Connection, Depends(connection, scope="function")]


# -- who asks


def caller_of_token(house: House, token: str) -> Caller | None:
    """Return who a bearer token speaks for; None when it does not count."""
    with house.database.begin() as opened:
        holder = tokens.check(opened, token, house.instant())
        if holder is None:
            return None
        places = places_of(opened, holder.user_id, house.instant())
    here = next((place for place in places if place.office == holder.office_id), None)
    if here is None:
        return None
    # A token speaks for its one office, whatever other posts its user holds.
    return Caller(holder.user_id, here.office, here.roles, (here,), holder.scopes)


def caller_of_session(house: House, secret: str, office: str | None = None) -> Caller | None:
    """Return who is signed in with this cookie, acting in `office` or their first one."""
    with house.database.begin() as opened:
        user = sessions.check(opened, secret, house.instant())
        if user is None:
            return None
        places = places_of(opened, user, house.instant())
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
    house: TheHouse,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> Caller:
    """Who asks, by bearer token; raises Unauthorized."""
    if credentials is None:
        raise Unauthorized
    found = caller_of_token(house, credentials.credentials)
    if found is None:
        raise Unauthorized("This token is wrong, ended or revoked")
    return found


class Needs:
    """A route's permission: any of these words of `access.toml`. Every route states one."""

    def __init__(self, *any_of: str) -> None:
        """Remember the permissions; the access matrix test reads them off the routes."""
        self.any_of = any_of

    def __call__(
        self, house: TheHouse, asking: Annotated[Caller, Depends(caller)], request: Request
    ) -> Caller:
        """Return the caller, or raise Unauthorized or Forbidden."""
        request.state.user = asking.user
        house.policy.check(asking, *self.any_of)
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
            pattern=shapes.KEY,
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
            pattern=shapes.ONE_LINE,
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
