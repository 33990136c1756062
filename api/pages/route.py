"""The class of route every page has: what is refused is answered as a page, never as JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import errors
from api.deps import House
from api.errors import Problem
from api.pages.look import Look, go
from api.pages.visitor import SignInFirst, sign_in_url
from api.telemetry import where
from domain import errors as core
from records.paging import BadCursor

log = structlog.get_logger("pages")


class PageRoute(APIRoute):
    """Answers a page for whatever goes wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that never lets a refusal out as JSON."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if says_twice(request):
                    return problem_page(request, errors.InvalidField(), said="problem.twice")
                return await handler(request)
            except SignInFirst as first:
                return go(sign_in_url(first.back))
            except (Problem, core.Refused) as problem:
                return problem_page(request, problem)
            except (RequestValidationError, BadCursor):
                return problem_page(request, errors.NotFound())
            except errors.RECORDS_AWAY as wrong:
                log.warning("records-away", **errors.why_away(wrong))
                return problem_page(request, errors.RecordsAway())
            except HTTPException as wrong:
                return problem_page(request, _known(wrong.status_code))
            except Exception as wrong:  # noqa: BLE001 - people get a page, whatever it was
                # Only class and place: the text of an exception may repeat what somebody typed.
                log.error("unexpected", request=_number(request), **where(wrong))  # noqa: TRY400
                return problem_page(request, errors.Unexpected())

        return handle


def says_twice(request: Request) -> bool:
    """True when the address names something more than once: nobody knows which is meant."""
    named = [name for name, _ in request.query_params.multi_items()]
    return len(named) > len(set(named))


def _known(status: int) -> Problem:
    """The problem that stands for a status of the framework."""
    found = next((kind for kind in errors.OWN if kind.status == status), errors.InvalidField)
    return found()


def _number(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def problem_page(request: Request, problem: Problem | core.Refused, said: str = "") -> Response:
    """Say what was not done and why, on a page without anybody's name.

    `said` names a text that tells more than the kind of refusal does.
    """
    house: House = request.app.state.house
    return Look(house).page(
        request,
        "problem",
        status=problem.status,
        headers=headers_of(problem),
        said=said or f"refusals.{problem.slug}",
        request_id=_number(request),
    )


def headers_of(problem: Problem | core.Refused) -> dict[str, str]:
    """The headers that belong to a refusal."""
    retry_after = getattr(problem, "retry_after", None)
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def router() -> APIRouter:
    """Return the router of some pages; they are no part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)
