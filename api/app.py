"""The composition root of the API: one application out of settings, database, engine and rules."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api import errors, pages
from api.accounts import seed_offices
from api.deps import ActiveProcedure, Services
from api.json import (
    calendars,
    cases,
    corridors,
    crossings,
    escalations,
    health,
    integrity,
    me,
    offices,
    posts,
    rehearsal,
    rules,
    stalled,
    tasks,
    world,
)
from api.opening import known_roles, provinces_in
from api.policy import EVERYTHING, Policy
from api.security import BodyLimit, Guard, Heads, SessionCookie
from api.telemetry import Metrics, Telemetry, Unforeseen
from domain.case.acts.person import CONFLICT, FLAGS
from domain.kinds import CASE
from domain.rules.book import Rulebook, procedure_for
from engine.connection import connect
from engine.subjects import SubjectEngine
from records import installation
from records.session import make_engine, system, transaction
from rulefiles import read_rules
from settings import Settings
from workflows.encoding import procedure_digest

MOST_BYTES = 64 * 1024
CONNECTIONS = 20
AGAIN_AFTER = 2.0
OPENAPI = "/api/v1/openapi.json"
ABOUT = """\
Case management for the return home of survivors of trafficking.

Every change needs an `Idempotency-Key`: the same key and the same content always give the same
answer. Every change answers with the case's `version`; a read with `?at_least=<version>` waits for
it. Refusals are problems after RFC 9457 whose `type` is a stable word (`docs/api.md` lists them).
"""

log = structlog.get_logger("api")


class MoveClock(Protocol):
    """Moves one case's clock to a moment on it; only a rehearsal is given one."""

    def __call__(self, client: Any, workflow_id: str, to: datetime) -> Awaitable[datetime]: ...


def create_app(settings: Settings, *, move_clock: MoveClock | None = None) -> FastAPI:
    """Return the application. `settings.database_url` must be set; servers may still be away.

    `move_clock` (engine/virtual_time.py) is what the rehearsal's clock route uses.
    """
    rulebook = read_rules(settings.rules_dir)
    app = FastAPI(
        title="Homeward",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
        redirect_slashes=False,
        lifespan=_lifespan(settings, rulebook, move_clock),
    )
    metrics = Metrics()
    app.state.metrics = metrics
    https = settings.public_url().startswith("https://")
    app.add_middleware(BodyLimit, most=MOST_BYTES, answer_people=pages.answer_people)
    app.add_middleware(Unforeseen)
    app.add_middleware(Guard, https=https)
    app.add_middleware(Telemetry, metrics=metrics)
    app.add_middleware(Heads)
    errors.install(app, pages.answer_people)
    app.include_router(health.routes)
    app.include_router(_version_one(rehearsal_too=settings.rehearsal), prefix="/api/v1")
    pages.install(app)
    app.openapi = lambda: _described(app, rulebook)  # type: ignore[method-assign]
    return app


def _version_one(*, rehearsal_too: bool) -> APIRouter:
    one = APIRouter()
    said_of_all = (crossings, calendars, posts, rules, world)
    for noun in (
        cases,
        tasks,
        escalations,
        stalled,
        corridors,
        offices,
        *said_of_all,
        integrity,
        me,
    ):
        one.include_router(noun.routes)
    if rehearsal_too:
        one.include_router(rehearsal.routes)
    return one


def _described(app: FastAPI, rulebook: Rulebook) -> dict[str, Any]:
    """The OpenAPI description: with the one shape of all refusals, and the words of the rules."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            separate_input_output_schemas=True,
        )
        problem = errors.ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = problem.pop("$defs", {})
        schema.setdefault("components", {}).setdefault("schemas", {}).update(
            {**parts, errors.ProblemBody.__name__: problem}
        )
        _name_words(schema["components"]["schemas"], rulebook)
        _name_corridors(schema["paths"], rulebook)
        app.openapi_schema = schema
    return app.openapi_schema


def _name_words(shapes: dict[str, Any], rulebook: Rulebook) -> None:
    """Write the words that the rules allow into the requests that take them."""
    offices = [office.id for office in rulebook.offices]
    opening, token = shapes["OpenCaseRequest"]["properties"], shapes["NewToken"]["properties"]
    opening["corridor"]["enum"] = list(rulebook.corridors)
    opening["flags"]["items"] = {"enum": [*FLAGS, *(CONFLICT + office for office in offices)]}
    opening["offices"]["propertyNames"] = {"enum": known_roles(rulebook)}
    opening["offices"]["additionalProperties"] = {"enum": offices}
    opening["offices"].pop("patternProperties", None)
    opening["province"]["anyOf"][0] = {"type": "string", "enum": provinces_in(rulebook.offices)}
    token["office"]["enum"] = offices
    words = {word for role in rulebook.account_roles for word in role.may}
    token["scopes"]["items"] = {"enum": [EVERYTHING, *sorted(words)]}


def _name_corridors(paths: dict[str, Any], rulebook: Rulebook) -> None:
    """Write the corridors there are into the filters that take one."""
    for operation in (one for path in paths.values() for one in path.values()):
        for parameter in operation.get("parameters", ()):
            if (parameter["name"], parameter["in"]) == ("corridor", "query"):
                parameter["schema"]["anyOf"][0] = {
                    "type": "string",
                    "enum": list(rulebook.corridors),
                }


# -- what it is built of


def _lifespan(
    settings: Settings, rulebook: Rulebook, move_clock: MoveClock | None
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await build(settings, rulebook, app.state.metrics, move_clock)
        app.state.services = services
        preparing = asyncio.create_task(_prepare(services))
        yield
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
        services.database.dispose()

    return lifespan


async def build(
    settings: Settings, rulebook: Rulebook, metrics: Metrics, move_clock: MoveClock | None
) -> Services:
    """Put the house together; raises RulesWrong when the rules cannot be used."""
    if settings.database_url is None:
        raise SystemExit("The API needs to know the database: set DATABASE_URL.")
    database = make_engine(settings.database_url, pool_size=CONNECTIONS)
    temporal = await connect(settings, lazy=True)
    return Services(
        settings=settings,
        database=database,
        temporal=temporal,
        engine=SubjectEngine(temporal, database, CASE, task_queue=settings.task_queue),
        rulebook=rulebook,
        register={office.id: office for office in rulebook.offices},
        procedures=ready_plans(rulebook),
        policy=Policy(rulebook.account_roles),
        hash_key=settings.keyed_hash_key(),
        cookie=SessionCookie(secure=settings.public_url().startswith("https://")),
        rehearsal=settings.rehearsal,
        metrics=metrics,
        move_clock=move_clock,
    )


def ready_plans(rulebook: Rulebook) -> dict[str, ActiveProcedure]:
    """The present rules of each corridor, as new cases carry them."""
    found = {}
    for corridor in rulebook.corridors:
        procedure = procedure_for(rulebook, corridor)
        table = rulebook.table(f"corridors/{corridor}.toml")
        found[corridor] = ActiveProcedure(
            procedure,
            procedure_digest(procedure),
            str(table.get("title", corridor)),
            str(table.get("source", "")),
        )
    return found


async def _prepare(services: Services) -> None:
    """Write the register of offices; a database that is away is waited for."""
    while True:
        try:
            await run_in_threadpool(_write_register, services)
        except IntegrityError:
            log.error("not-a-rehearsal: this database holds real cases")  # noqa: TRY400
            services.rehearsal = False
            return
        except SQLAlchemyError as wrong:
            log.warning("waiting-for-database", error=type(wrong).__name__)
            await asyncio.sleep(AGAIN_AFTER)
        else:
            return


def _write_register(services: Services) -> None:
    with transaction(services.database, system("api")) as connection:
        seed_offices(connection, services.rulebook)
        if services.rehearsal and not installation.is_rehearsal(connection):
            installation.make_rehearsal(connection)
