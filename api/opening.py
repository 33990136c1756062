"""Opening a case: the same door as `acts.py`, for what does not exist yet.

The person's name goes into its own table and never into what the engine is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import acts, answers, errors, keys
from api.asked import Open
from api.deps import House, ReadyPlan
from api.policy import Caller
from api.view.done import Done
from domain import errors as core
from domain.acts.person import CONFLICT, FLAGS
from domain.acts.steering import adult_on
from domain.case import EDITION, Office
from domain.commands import Opening
from domain.plan import Plan, side_of
from domain.rulebook import Rulebook, offices_for
from domain.ruleregister import RegisteredOffice
from records import idempotency, offices, openings, people, plans
from records.offices import KnownOffice
from records.people import Person

# The person and the guardian are roles without an office; the case's own offices record for them.
PEOPLE = ("person", "guardian")
SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A first report that was let in: what the engine is given, and the case's own clock."""

    opening: Opening
    key: str
    content: str
    at: datetime | None
    clock_offset: int


async def open_case(house: House, caller: Caller, asked: Open, idempotency_key: str) -> Done:
    """Open a case and tell what it waits for; raises Problem. Safe to repeat with the same key."""
    async with house.queues.of(caller.user):
        return await _open_case(house, caller, asked, idempotency_key)


async def _open_case(house: House, caller: Caller, asked: Open, idempotency_key: str) -> Done:
    admitted = await run_in_threadpool(_admit, house, caller, asked, idempotency_key)
    if isinstance(admitted, Done):
        return admitted
    answer = await acts.ask(
        house.engine.open(
            admitted.opening,
            key=admitted.key,
            content=admitted.content,
            at=admitted.at,
            clock_offset=admitted.clock_offset,
        )
    )
    if answer.content and answer.content != admitted.content:
        raise errors.KeyReused
    return await answers.done_when_visible(house, admitted.opening.case_id, answer.version)


def _admit(house: House, caller: Caller, asked: Open, idempotency_key: str) -> Admitted | Done:
    ready = house.plans.get(asked.corridor)
    if ready is None:
        known = ", ".join(house.plans)
        raise errors.InvalidField(f"`corridor` is one of {known}", field="corridor")
    if asked.opens is not None and not house.rehearsal:
        raise errors.InvalidField("`opens` is for rehearsals only", field="opens")
    key = keys.key_of(house, caller.user, idempotency_key)
    content = keys.content_of(
        house, "open", caller.office, asked.model_dump(mode="json", exclude_none=True)
    )
    # The key makes the case's id, so that a report sent twice at once is one case.
    case_id = str(UUID(hex=keys.keyed(house, "case", key)[:32], version=4))
    with house.database.begin() as connection:
        act = idempotency.act_of(connection, key)
        if act is not None:
            return answers.again(connection, act, case_id, content)
        offset = _offset(house, connection, asked, case_id)
        at = house.now_of(offset) if asked.opens is None else asked.opens
        opening = _opening(house, connection, caller, asked, case_id, ready, at)
        if openings.of_case(connection, case_id) is None:
            plans.keep(connection, ready.plan, ready.digest)
            openings.admit(connection, case_id, offset)
            people.keep(connection, case_id, _person(asked, house.now()))
        else:
            people.ask_again(connection, case_id, _person(asked, house.now()))
    return Admitted(opening, key, content, None if asked.opens is None else at, offset)


def _offset(house: House, connection: Connection, asked: Open, case_id: str) -> int:
    known = openings.of_case(connection, case_id)
    if known is not None:
        return known.clock_offset
    return 0 if asked.opens is None else int((asked.opens - house.now()).total_seconds())


def _person(asked: Open, at: datetime) -> Person:
    return Person(asked.person.name, asked.person.contact, asked.born, asked.sex, at)


# -- what the core is given


def _opening(
    house: House,
    connection: Connection,
    caller: Caller,
    asked: Open,
    case_id: str,
    ready: ReadyPlan,
    at: datetime,
) -> Opening:
    plan = ready.plan
    roles = _roles(house, caller, asked, plan)
    bound = _bind(house, connection, roles, plan, _conflicted(house, asked))
    return Opening(
        case_id=case_id,
        plan=plan,
        plan_digest=ready.digest,
        adult_on=_adult_on(asked, plan, at),
        country=asked.country or plan.origin,
        offices=tuple(bound.values()),
        roles=roles,
        flags=tuple(dict.fromkeys(asked.flags)),
        user=caller.user,
        edition=EDITION,
    )


def _adult_on(asked: Open, plan: Plan, at: datetime) -> date | None:
    if asked.born is None and asked.age is None:
        return None
    value = asked.born.isoformat() if asked.born is not None else str(asked.age)
    try:
        return adult_on(value, plan.calendar(plan.host).local_date(at))
    except core.InvalidField:
        raise errors.InvalidField(
            "`born` is a date of birth within the last 120 years", field="born"
        ) from None


def _roles(house: House, caller: Caller, asked: Open, plan: Plan) -> dict[str, str]:
    own = house.register.get(caller.office)
    if asked.province is not None and asked.province not in (known := provinces_of(house, plan)):
        said = f"`province` is one of {', '.join(known)}"
        if asked.province in provinces_in(house.register.values()):
            raise core.NobodyThere(said)
        raise errors.InvalidField(said, field="province")
    province = asked.province or (own.province if own is not None else "")
    roles = offices_for(house.rulebook, asked.corridor, province)
    for role, office in asked.offices.items():
        if role not in known_roles(house.rulebook):
            raise errors.InvalidField(f"`offices`: there is no role {role}", field="offices")
        _check_office(house, plan, role, office)
        roles[role] = office
    if caller.office not in roles.values():
        raise errors.Forbidden(
            "Your own office would hold no role in this case; name it under `offices`",
            field="offices",
        )
    return roles | {word: word for word in PEOPLE}


def provinces_of(house: House, plan: Plan) -> list[str]:
    """The provinces whose offices can take a case of this corridor, on either side."""
    return provinces_in(
        office
        for office in house.register.values()
        if office.country in {plan.host, plan.origin}
        and (not office.corridors or plan.corridor in office.corridors)
    )


def provinces_in(offices: Iterable[RegisteredOffice]) -> list[str]:
    """The provinces of these offices."""
    return sorted({office.province for office in offices} - {""})


def known_roles(rulebook: Rulebook) -> list[str]:
    """Every role that an office of the register can hold, with its side."""
    sided = {role for office in rulebook.offices if office.country for role in office.roles}
    plain = {role for office in rulebook.offices if not office.country for role in office.roles}
    return sorted({f"{side}.{role}" for side in ("host", "origin") for role in sided} | plain)


def _check_office(house: House, plan: Plan, role: str, office: str) -> None:
    found = house.register.get(office)
    if found is None:
        raise errors.InvalidField(f"`offices`: there is no office {office}", field="offices")
    country = {"host": plan.host, "origin": plan.origin}.get(side_of(role), found.country)
    if found.country not in {"", country}:
        raise core.NobodyThere(f"{office} is in {found.country} and cannot be {role}")


def _bind(
    house: House,
    connection: Connection,
    roles: dict[str, str],
    plan: Plan,
    conflicted: Iterable[str],
) -> dict[str, Office]:
    """Every office that holds a role or is in conflict, and those above it, as of now."""
    held: dict[str, list[str]] = {}
    for role, office in roles.items():
        held.setdefault(office, []).append(role)
    known = {office.id: office for office in offices.all_of(connection)}
    bound: dict[str, Office] = {}
    waiting = [*held, *conflicted]
    while waiting:
        office_id = waiting.pop(0)
        if office_id in bound:
            continue
        bound[office_id] = _office(house, known, office_id, held.get(office_id, []), plan)
        if bound[office_id].under:
            waiting.append(bound[office_id].under)
    return bound


def _office(
    house: House, known: dict[str, KnownOffice], office_id: str, roles: list[str], plan: Plan
) -> Office:
    if office_id in PEOPLE:
        return Office(id=office_id, role=office_id, country="", head=office_id)
    registered, post = house.register.get(office_id), known.get(office_id)
    country = registered.country if registered is not None else ""
    return Office(
        id=office_id,
        role=_main_role(registered, roles, country, plan),
        country=country,
        # An office without an account is still there: it answers by letter or phone.
        head=(post.head if post is not None else "") or f"head.{office_id}",
        deputy=post.deputy if post is not None else "",
        under=registered.under if registered is not None else "",
        vacant=post.vacant if post is not None else False,
    )


def _main_role(
    registered: RegisteredOffice | None, roles: list[str], country: str, plan: Plan
) -> str:
    """The first of its roles as the register has them; one without a role stands above others."""
    if roles:
        order = list(registered.roles) if registered is not None else []
        return min(roles, key=lambda role: _rank(role, order))
    side = "host" if country == plan.host else "origin"
    return f"{side}.{SUPERVISOR}" if country else SUPERVISOR


def _rank(role: str, order: list[str]) -> int:
    name = role.rpartition(".")[2]
    return order.index(name) if name in order else len(order)


def _conflicted(house: House, asked: Open) -> list[str]:
    """The offices that must see nothing of this case; raises InvalidField for an unknown flag."""
    found = [flag.removeprefix(CONFLICT) for flag in asked.flags if flag.startswith(CONFLICT)]
    plain = [flag for flag in asked.flags if not flag.startswith(CONFLICT)]
    if set(plain) - set(FLAGS) or set(found) - set(house.register):
        raise errors.InvalidField(
            f"`flags`: each is one of {', '.join(FLAGS)}, or conflict:OFFICE", field="flags"
        )
    return found
