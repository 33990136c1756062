"""Every route x every role: what is not stated here may not exist."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.app import create_app
from api.deps import Needs
from rulefiles import read_rules
from settings import Settings
from tests.api.conftest import CAST, Person, Running, new_key

EVERYBODY = "coordinator partner manager focal secretary admin rules_writer"
WHO = {
    "coordinator": "mali",
    "partner": "thida",
    "manager": "nida",
    "focal": "fon",
    "secretary": "anan",
    "admin": "root",
    "rules_writer": "rita",
}
CARE = "coordinator manager focal secretary"  # those who see whole cases
HOLDING = "coordinator partner manager focal secretary"  # those who may hold tasks
TASK = "/tasks/{case_ref}/{step:path}"

# Route -> the roles that are let in; "anybody" asks for no token at all.
STATED = {
    "GET /health/live": "anybody",
    "GET /health/ready": "anybody",
    "GET /metrics": "anybody",
    "GET /me": EVERYBODY,
    "POST /cases": "coordinator",
    "GET /cases": CARE,
    "GET /cases/{case_ref}": CARE,
    "GET /cases/{case_ref}/timeline": CARE,
    "GET /cases/{case_ref}/forecast": CARE,
    "GET /cases/{case_ref}/newer-rules": CARE,
    "GET /cases/{case_ref}/texts": CARE,
    "GET /cases/{case_ref}/person": "coordinator",
    "PUT /cases/{case_ref}/person": "coordinator",
    "POST /cases/{case_ref}/acts": HOLDING,
    "GET /tasks": HOLDING,
    f"GET {TASK}": HOLDING,
    f"POST {TASK}/accept": HOLDING,
    f"POST {TASK}/decline": HOLDING,
    f"POST {TASK}/hand_back": HOLDING,
    f"POST {TASK}/complete": HOLDING,
    f"POST {TASK}/note": HOLDING,
    f"POST {TASK}/promise": HOLDING,
    f"POST {TASK}/alarm": HOLDING,
    f"POST {TASK}/return": "coordinator",
    "GET /escalations": "coordinator manager focal secretary",
    "POST /escalations/{case_ref}/{step:path}/decide": "manager focal secretary",
    "GET /stalled": CARE,
    "GET /corridors": EVERYBODY,
    "GET /corridors/{corridor}": EVERYBODY,
    "GET /offices": "coordinator manager focal secretary admin",
    "GET /offices/{office}": "coordinator manager focal secretary admin",
    "GET /crossings": EVERYBODY,
    "POST /crossings/{crossing}": "focal admin",
    "GET /calendars": EVERYBODY,
    "POST /calendars/{country}": "admin",
    "POST /calendars/{country}/preview": "admin",
    "GET /offices/{office}/posts": "admin",
    "POST /offices/{office}/posts": "admin",
    "GET /corridors/{corridor}/rules/preview": "admin",
    "POST /corridors/{corridor}/rules/adopt": "admin",
    "GET /world/facts": "focal admin",
    "GET /world/facts/{fact}": "focal admin",
    "GET /integrity": "admin",
    "GET /integrity/{case_ref}": "admin",
    "POST /tokens": "admin",
    "DELETE /tokens/{prefix}": "admin",
    "POST /rehearsal/cases/{case_ref}/clock": CARE,
}
NOT_OURS = ("/api/v1/openapi.json",)


def the_routes() -> Iterator[APIRoute]:
    settings = Settings(database_url="postgresql://nowhere/nothing", rehearsal=True)
    yield from json_routes(create_app(settings))


def json_routes(app: FastAPI) -> Iterator[APIRoute]:
    for context in flat(app.router.routes):
        if not context.endpoint.__module__.startswith("api.pages"):
            yield context


def flat(routes: Any) -> Iterator[APIRoute]:
    """Every route, also those of routers within routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from flat(route.original_router.routes)
        elif getattr(route, "path", "") not in NOT_OURS:
            raise AssertionError(f"what is {route}?")


def names_of(route: APIRoute) -> list[str]:
    return [f"{method} {route.path}" for method in sorted(route.methods or ())]


ROUTES = {name: route for route in the_routes() for name in names_of(route)}


def test_it_states_an_answer_for_every_route() -> None:
    assert set(ROUTES) == set(STATED)


def test_it_states_only_roles_that_the_rules_know() -> None:
    assert {role.id for role in read_rules().account_roles} == set(WHO)


@pytest.mark.parametrize("name", sorted(STATED))
def test_it_asks_for_a_permission_of_the_rules(name: str) -> None:
    if STATED[name] in {"anybody", EVERYBODY} and name.endswith(("/me", "live", "ready", "ics")):
        return
    words = {role.id: set(role.may) for role in read_rules().account_roles}
    asked = needs_of(ROUTES[name])
    assert asked, f"{name} asks for nothing"
    assert asked <= set().union(*words.values()), f"{name} asks for what no role has"
    assert {role for role, may in words.items() if may & asked} == set(STATED[name].split())


def needs_of(route: APIRoute) -> set[str]:
    found: set[str] = set()
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        if isinstance(dependant.call, Needs):
            found |= set(dependant.call.any_of)
    return found


@pytest.mark.parametrize("role", [*WHO, ""])
@pytest.mark.parametrize("name", sorted(STATED))
def test_it_lets_in_those_who_are_stated_and_nobody_else(
    api: Running, name: str, role: str
) -> None:
    person = api.person(WHO[role]) if role else api.nobody
    answer = ask(person, name)
    if STATED[name] == "anybody" or role in STATED[name].split():
        assert answer.status_code not in {401, 403}, answer.text
        assert answer.status_code < 500, answer.text
    elif role:
        assert (answer.status_code, answer.json()["type"]) == (403, "forbidden")
    else:
        assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")


def test_it_lets_a_token_do_no_more_than_its_scopes(api: Running) -> None:
    asked = {"user": "mali", "office": "th-ubon-case", "scopes": ["corridors.read"]}
    token = api.root.do("/tokens", asked).json()["token"]
    with Person(api.url, token) as narrow:
        for name, roles in STATED.items():
            if roles == "anybody" or name == "GET /me":
                continue
            expected = "corridors.read" in needs_of(ROUTES[name])
            assert (ask(narrow, name).status_code != 403) is expected, name


WORDS = sorted({(role.id, word) for role in read_rules().account_roles for word in role.may})


@pytest.mark.parametrize(("role", "word"), WORDS)
def test_it_lets_each_scope_of_each_role_through_its_own_routes_alone(
    api: Running, role: str, word: str
) -> None:
    office = next(office for user, office, _ in CAST if user == WHO[role])
    asked = {"user": WHO[role], "office": office, "scopes": [word]}
    token = api.root.do("/tokens", asked).json()["token"]
    with Person(api.url, token) as narrow:
        for name, roles in STATED.items():
            if roles == "anybody" or name == "GET /me":
                continue
            answer = ask(narrow, name)
            if word in needs_of(ROUTES[name]):
                assert answer.status_code not in {401, 403}, name
                assert answer.status_code < 500, name
            else:
                assert (answer.status_code, answer.json()["type"]) == (403, "forbidden"), name


@pytest.mark.parametrize("role", WHO)
def test_it_gives_nobody_more_than_their_role_by_a_scope(api: Running, role: str) -> None:
    mine = {word for of, word in WORDS if of == role}
    others = sorted({word for _, word in WORDS} - mine)
    office = next(office for user, office, _ in CAST if user == WHO[role])
    asked = {"user": WHO[role], "office": office, "scopes": others}
    token = api.root.do("/tokens", asked).json()["token"]
    with Person(api.url, token) as narrow:
        assert narrow.read("/me").json()["permissions"] == []
        for name, roles in STATED.items():
            if roles != "anybody" and name != "GET /me":
                assert ask(narrow, name).status_code == 403, name


def ask(person: Person, name: str) -> Any:
    method, _, path = name.partition(" ")
    for parameter, value in (
        ("{case_ref}", "00000000-0000-4000-8000-000000000000"),
        ("{step:path}", "report"),
        ("{corridor}", "th-la"),
        ("{office}", "th-datip"),
        ("{prefix}", "0123456789"),
        ("{crossing}", "nong-khai"),
        ("{country}", "LA"),
        ("{fact}", "00000000-0000-4000-8000-000000000000"),
    ):
        path = path.replace(parameter, value)
    before = "" if STATED[name] == "anybody" else "/api/v1"
    return person.request(
        method,
        before + path,
        headers={"Idempotency-Key": new_key(), "X-Purpose": "to see who may"},
        json={} if method in {"POST", "PUT"} else None,
    )
