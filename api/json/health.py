"""Is it alive, is it ready, how is it doing. Nothing here names a case or a person."""

from __future__ import annotations

import asyncio
from typing import Literal

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.deps import Inject, Services
from api.json.schemas.base import Shape
from records import alarms
from records.session import system, transaction

log = structlog.get_logger("health")
routes = APIRouter(tags=["health"])
PATIENCE = 3.0


class Health(Shape):
    """How it stands with what we need."""

    status: Literal["ok", "away"]
    database: Literal["ok", "away"]
    engine: Literal["ok", "away"]


class Alive(Shape):
    """The process answers."""

    status: Literal["ok"] = "ok"


@routes.get("/health/live", summary="The process answers")
async def live() -> Alive:
    """Say that we are here; ask nobody."""
    return Alive()


@routes.get(
    "/health/ready",
    summary="Database and engine answer",
    responses={503: {"model": Health, "description": "One of them does not answer"}},
)
async def ready(services: Inject, response: Response) -> Health:
    """Ask both, for at most three seconds."""
    database, engine = await asyncio.gather(_database(services), _engine(services))
    both = database and engine
    response.status_code = 200 if both else 503
    return Health(
        status="ok" if both else "away",
        database="ok" if database else "away",
        engine="ok" if engine else "away",
    )


@routes.get("/metrics", summary="Figures for Prometheus", response_class=Response)
def metrics(services: Inject) -> Response:
    """Requests by route and status, how long they took, open alarms, a wrong clock; no ids."""
    try:
        with transaction(services.database, system("api")) as connection:
            services.metrics.alarms.set(alarms.count_open(connection))
            services.metrics.stuck.set(alarms.count_stuck(connection))
            there = connection.execute(select(func.clock_timestamp())).scalar_one()
            services.metrics.clock.set((services.instant() - there).total_seconds())
    except SQLAlchemyError as wrong:  # the last count stays: an alarm must not vanish meanwhile
        log.warning("not-counted", error=type(wrong).__name__)
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _database(services: Services) -> bool:
    def ask() -> None:
        with transaction(services.database, system("api")) as connection:
            connection.execute(text("SELECT 1"))

    return await _answers("database", run_in_threadpool(ask))


async def _engine(services: Services) -> bool:
    return await _answers("engine", services.temporal.service_client.check_health())


async def _answers(what: str, asking: object) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asking is not False  # type: ignore[misc]
    except Exception as wrong:  # noqa: BLE001 - whatever it is, it does not answer
        log.warning("not-ready", part=what, error=type(wrong).__name__)
        return False
