"""What is written about requests: a line of JSON and figures. Never a body, a header or a query."""

from __future__ import annotations

import logging
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

log = structlog.get_logger("request")
UNKNOWN_ROUTE = "-"
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one application, in a registry of its own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    alarms: Gauge = field(init=False)
    stuck: Gauge = field(init=False)
    clock: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Make the figures; labels are routes and statuses, never an id."""
        requests = Counter(
            "homeward_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        seconds = Histogram(
            "homeward_request_seconds",
            "How long requests took.",
            ("method", "route"),
            registry=self.registry,
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
        )
        alarms = Gauge(
            "homeward_ledger_alarms",
            "Disagreements between a running case and its ledger that wait for somebody.",
            registry=self.registry,
        )
        stuck = Gauge(
            "homeward_cases_stuck",
            "Cases that the engine tries to run and cannot.",
            registry=self.registry,
        )
        clock = Gauge(
            "homeward_clock_ahead_seconds",
            "How far this API's clock is ahead of the database's; one of them is wrong.",
            registry=self.registry,
        )
        object.__setattr__(self, "clock", clock)
        object.__setattr__(self, "stuck", stuck)
        object.__setattr__(self, "alarms", alarms)
        object.__setattr__(self, "requests", requests)
        object.__setattr__(self, "seconds", seconds)


def log_as_json(level: str) -> None:
    """Write every log line of this process as one JSON object to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


class Telemetry:
    """Numbers each request, counts it and writes a line about it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        """Wrap the whole application."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write down how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_seen)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = route_of(scope), scope["method"]
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(method, route).observe(seconds)
        if route in QUIET and status < 400:
            return
        log.info(
            "request",
            request=scope["state"]["request_id"],
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            user=scope["state"].get("user", ""),
        )


class Unforeseen:
    """Turns what nobody foresaw into a plain problem, behind the guard that puts its headers on."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap what answers requests."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whatever is raised from it becomes an answer without detail."""
        began = False

        async def send_seen(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self.app(scope, receive, send_seen)
        except Exception as wrong:
            if scope["type"] != "http":
                raise
            # Only class and place: the text of an exception may repeat what somebody typed.
            number = scope["state"]["request_id"]
            log.error("unexpected", request=number, **where(wrong))  # noqa: TRY400
            if began:
                raise
            await errors.answer(Request(scope), errors.Unexpected())(scope, receive, send)


def route_of(scope: Scope) -> str:
    """The template of the route, as `/cases/{case_ref}`; a path itself may hold anything."""
    return str(getattr(scope.get("route"), "path", UNKNOWN_ROUTE))


def where(wrong: BaseException) -> dict[str, str]:
    """The class of an exception and where it was raised, without its text."""
    frames = traceback.extract_tb(wrong.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return {"error": type(wrong).__name__, "at": place}
