"""Opening a case: the same door as `acts.py`, for what does not exist yet.

The person's name goes into its own table and never into what the engine is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api import acts, errors, keys, visibility
from api.deps import ActiveProcedure, Services
from api.json.schemas.done import Done
from api.policy import Caller
from api.requests import OpenCaseRequest
from domain import errors as core
from domain.behaviour import EDITION
from domain.case.acts.person import CONFLICT, FLAGS
from domain.case.acts.steering import adult_on
from domain.case.commands import OpenCase
from domain.kinds import CASE
from domain.rules.book import Rulebook, offices_for
from domain.rules.register import RegisteredOffice
from domain.work.calendar import Calendar
from domain.work.procedure import Procedure, side_of
from domain.work.state import Office
from engine.broadcasts import start_missed
from engine.errors import EngineAway
from records import broadcasts, idempotency, people, posts, procedures, subjects, world
from records.people import Person
from records.posts import Holders
from records.session import system, transaction
from records.world import Seen

# The person and the guardian are roles without an office; the case's own offices record for them.
PEOPLE = ("person", "guardian")
SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A first report that was let in: what the engine is given, and the case's own clock."""

    opening: OpenCase
    key: str
    content: str
    at: datetime | None
    clock_offset: int


async def open_case(
    services: Services, caller: Caller, asked: OpenCaseRequest, idempotency_key: str
) -> Done:
    """OpenCaseRequest a case and tell what it waits for; raises Problem. Safe to repeat with the same key."""
    async with services.queues.of(caller.user):
        return await _open_case(services, caller, asked, idempotency_key)


async def _open_case(
    services: Services, caller: Caller, asked: OpenCaseRequest, idempotency_key: str
) -> Done:
    admitted = await run_in_threadpool(_admit, services, caller, asked, idempotency_key)
    if isinstance(admitted, Done):
        return admitted
    answer = await acts.ask(
        services.engine.open(
            admitted.opening,
            key=admitted.key,
            content=admitted.content,
            at=admitted.at,
            clock_offset=admitted.clock_offset,
        )
    )
    if answer.content and answer.content != admitted.content:
        raise errors.KeyReused
    done = await visibility.done_when_visible(services, admitted.opening.case_id, answer.version)
    await _catch_up(services, done.case)
    return done


async def _catch_up(services: Services, case_id: str) -> None:
    """What took effect while the case was opening is told to it now, not at the next round."""

    def is_behind() -> bool:
        with transaction(services.database, system("api")) as connection:
            return broadcasts.behind(connection, case_id)

    with suppress(EngineAway, SQLAlchemyError):
        if await run_in_threadpool(is_behind):
            await start_missed(services.temporal, services.engine.task_queue, services.database)


def _admit(
    services: Services, caller: Caller, asked: OpenCaseRequest, idempotency_key: str
) -> Admitted | Done:
    ready = services.procedures.get(asked.corridor)
    if ready is None:
        known = ", ".join(services.procedures)
        raise errors.InvalidField(f"`corridor` is one of {known}", field="corridor")
    if asked.opens is not None and not services.rehearsal:
        raise errors.InvalidField("`opens` is for rehearsals only", field="opens")
    key = keys.key_of(services, caller.user, idempotency_key)
    content = keys.content_of(
        services, "open", caller.office, asked.model_dump(mode="json", exclude_none=True)
    )
    # The key makes the case's id, so that a report sent twice at once is one case.
    case_id = str(UUID(hex=keys.keyed(services, "case", key)[:32], version=4))
    with transaction(services.database, caller.actor) as connection:
        seen = _world(connection, case_id)
        act = idempotency.act_of(connection, key)
        if act is not None:
            return visibility.again(connection, act, case_id, content)
        offset = _offset(services, connection, asked, case_id)
        at = services.now_of(offset) if asked.opens is None else asked.opens
        opening = _opening(services, connection, caller, asked, case_id, ready, at, seen)
        if subjects.find(connection, case_id) is None:
            procedures.keep(connection, ready.procedure, ready.digest)
            subjects.admit(connection, CASE.name, case_id, offset, seen.number)
            people.keep(connection, case_id, _person(asked, services.now()))
        else:
            people.ask_again(connection, case_id, _person(asked, services.now()))
    return Admitted(opening, key, content, None if asked.opens is None else at, offset)


def _world(connection: Connection, case_id: str) -> Seen:
    """The world as it is, or as it was when this report came for the first time."""
    now = world.seen_now(connection)
    known = subjects.find(connection, case_id)
    return now if known is None else world.seen_at(connection, known.world_seen)


def _offset(
    services: Services, connection: Connection, asked: OpenCaseRequest, case_id: str
) -> int:
    known = subjects.find(connection, case_id)
    if known is not None:
        return known.clock_offset
    return 0 if asked.opens is None else int((asked.opens - services.now()).total_seconds())


def _person(asked: OpenCaseRequest, at: datetime) -> Person:
    return Person(asked.person.name, asked.person.contact, asked.born, asked.sex, at)


# -- what the core is given


def _opening(
    services: Services,
    connection: Connection,
    caller: Caller,
    asked: OpenCaseRequest,
    case_id: str,
    ready: ActiveProcedure,
    at: datetime,
    seen: Seen,
) -> OpenCase:
    procedure = ready.procedure
    roles = _roles(services, caller, asked, procedure)
    bound = _bind(services, connection, roles, procedure, _conflicted(services, asked))
    return OpenCase(
        case_id=case_id,
        procedure=procedure,
        procedure_digest=ready.digest,
        adult_on=_adult_on(asked, procedure, at),
        country=asked.country or procedure.origin,
        offices=tuple(bound.values()),
        roles=roles,
        flags=tuple(dict.fromkeys(asked.flags)),
        user=caller.user,
        crossings=seen.crossings,
        calendars=_calendars(seen, procedure),
        edition=EDITION,
    )


def _calendars(seen: Seen, procedure: Procedure) -> tuple[Calendar, ...]:
    """Those declared since the rulebook was written, of the countries that the plan counts."""
    return tuple(
        calendar
        for country, calendar in seen.calendars.items()
        if country in procedure.calendars and calendar != procedure.calendar(country)
    )


def _adult_on(asked: OpenCaseRequest, procedure: Procedure, at: datetime) -> date | None:
    if asked.born is None and asked.age is None:
        return None
    value = asked.born.isoformat() if asked.born is not None else str(asked.age)
    try:
        return adult_on(value, procedure.calendar(procedure.host).local_date(at))
    except core.InvalidField:
        raise errors.InvalidField(
            "`born` is a date of birth within the last 120 years", field="born"
        ) from None


def _roles(
    services: Services, caller: Caller, asked: OpenCaseRequest, procedure: Procedure
) -> dict[str, str]:
    own = services.register.get(caller.office)
    if asked.province is not None and asked.province not in (
        known := provinces_of(services, procedure)
    ):
        said = f"`province` is one of {', '.join(known)}"
        if asked.province in provinces_in(services.register.values()):
            raise core.NobodyThere(said)
        raise errors.InvalidField(said, field="province")
    province = asked.province or (own.province if own is not None else "")
    roles = offices_for(services.rulebook, asked.corridor, province)
    for role, office in asked.offices.items():
        if role not in known_roles(services.rulebook):
            raise errors.InvalidField(f"`offices`: there is no role {role}", field="offices")
        _check_office(services, procedure, role, office)
        roles[role] = office
    if caller.office not in roles.values():
        raise errors.Forbidden(
            "Your own office would hold no role in this case; name it under `offices`",
            field="offices",
        )
    return roles | {word: word for word in PEOPLE}


def provinces_of(services: Services, procedure: Procedure) -> list[str]:
    """The provinces whose offices can take a case of this corridor, on either side."""
    return provinces_in(
        office
        for office in services.register.values()
        if office.country in {procedure.host, procedure.origin}
        and (not office.corridors or procedure.corridor in office.corridors)
    )


def provinces_in(offices: Iterable[RegisteredOffice]) -> list[str]:
    """The provinces of these offices."""
    return sorted({office.province for office in offices} - {""})


def known_roles(rulebook: Rulebook) -> list[str]:
    """Every role that an office of the register can hold, with its side."""
    sided = {role for office in rulebook.offices if office.country for role in office.roles}
    plain = {role for office in rulebook.offices if not office.country for role in office.roles}
    return sorted({f"{side}.{role}" for side in ("host", "origin") for role in sided} | plain)


def _check_office(services: Services, procedure: Procedure, role: str, office: str) -> None:
    found = services.register.get(office)
    if found is None:
        raise errors.InvalidField(f"`offices`: there is no office {office}", field="offices")
    country = {"host": procedure.host, "origin": procedure.origin}.get(side_of(role), found.country)
    if found.country not in {"", country}:
        raise core.NobodyThere(f"{office} is in {found.country} and cannot be {role}")


def _bind(
    services: Services,
    connection: Connection,
    roles: dict[str, str],
    procedure: Procedure,
    conflicted: Iterable[str],
) -> dict[str, Office]:
    """Every office that holds a role or is in conflict, and those above it, as of now."""
    held: dict[str, list[str]] = {}
    for role, office in roles.items():
        held.setdefault(office, []).append(role)
    known = posts.holders(connection, services.instant())
    bound: dict[str, Office] = {}
    waiting = [*held, *conflicted]
    while waiting:
        office_id = waiting.pop(0)
        if office_id in bound:
            continue
        bound[office_id] = _office(services, known, office_id, held.get(office_id, []), procedure)
        if bound[office_id].under:
            waiting.append(bound[office_id].under)
    return bound


def _office(
    services: Services,
    known: dict[str, Holders],
    office_id: str,
    roles: list[str],
    procedure: Procedure,
) -> Office:
    if office_id in PEOPLE:
        return Office(id=office_id, role=office_id, country="", head=office_id)
    registered, post = services.register.get(office_id), known.get(office_id, Holders())
    country = registered.country if registered is not None else ""
    return Office(
        id=office_id,
        role=_main_role(registered, roles, country, procedure),
        country=country,
        # An office without an account is still there: it answers by letter or phone.
        head=post.head or f"head.{office_id}",
        deputy=post.deputy,
        under=registered.under if registered is not None else "",
        vacant=post.vacant,
    )


def _main_role(
    registered: RegisteredOffice | None, roles: list[str], country: str, procedure: Procedure
) -> str:
    """The first of its roles as the register has them; one without a role stands above others."""
    if roles:
        order = list(registered.roles) if registered is not None else []
        return min(roles, key=lambda role: _rank(role, order))
    side = "host" if country == procedure.host else "origin"
    return f"{side}.{SUPERVISOR}" if country else SUPERVISOR


def _rank(role: str, order: list[str]) -> int:
    name = role.rpartition(".")[2]
    return order.index(name) if name in order else len(order)


def _conflicted(services: Services, asked: OpenCaseRequest) -> list[str]:
    """The offices that must see nothing of this case; raises InvalidField for an unknown flag."""
    found = [flag.removeprefix(CONFLICT) for flag in asked.flags if flag.startswith(CONFLICT)]
    plain = [flag for flag in asked.flags if not flag.startswith(CONFLICT)]
    if set(plain) - set(FLAGS) or set(found) - set(services.register):
        raise errors.InvalidField(
            f"`flags`: each is one of {', '.join(FLAGS)}, or conflict:OFFICE", field="flags"
        )
    return found
