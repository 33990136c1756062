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
from api.deps import Services
from api.errors import Problem
from api.pages.context import PageContext, go
from api.pages.forms.base import Field, posted
from api.pages.forms.base import written as written_in
from api.pages.forms.sign_in import nothing_was_sent
from api.pages.visitor import SignInFirst, sign_in_url
from api.telemetry import where
from domain import errors as core
from records.errors import RecordsError
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
                return await _sign_in(request, first)
            except (Problem, core.Refused) as problem:
                return await _refused(request, problem)
            except (RequestValidationError, BadCursor):
                return await _refused(request, errors.NotFound())
            except errors.RECORDS_AWAY as wrong:
                log.warning("records-away", **errors.why_away(wrong))
                return await _refused(request, errors.RecordsAway())
            except RecordsError as wrong:
                return await _refused(request, errors.damaged(wrong))
            except HTTPException as wrong:
                return await _refused(request, _known(wrong.status_code))
            except Exception as wrong:  # noqa: BLE001 - people get a page, whatever it was
                # Only class and place: the text of an exception may repeat what somebody typed.
                log.error("unexpected", request=_number(request), **where(wrong))  # noqa: TRY400
                return await _refused(request, errors.Unexpected())

        return handle


def says_twice(request: Request) -> bool:
    """True when the address names something more than once: nobody knows which is meant."""
    named = [name for name, _ in request.query_params.multi_items()]
    return len(named) > len(set(named))


async def _sign_in(request: Request, first: SignInFirst) -> Response:
    """Lead to the sign-in page; a form that came without a session is answered with it."""
    if request.method == "GET":
        return go(sign_in_url(first.back))
    context = PageContext(request.app.state.services)
    return nothing_was_sent(context, request, first.back, await _written(request))


async def _refused(request: Request, problem: Problem | core.Refused) -> Response:
    return problem_page(request, problem, written=await _written(request))


async def _written(request: Request) -> tuple[Field, ...]:
    """What a form said in somebody's own words: it is shown to them again, whatever went wrong."""
    if request.method != "POST":
        return ()
    try:
        sent = await posted(request)
    except Exception:  # noqa: BLE001 - what cannot be read cannot be shown
        return ()
    return written_in(sent, PageContext(request.app.state.services).words)


def _known(status: int) -> Problem:
    """The problem that stands for a status of the framework."""
    found = next((kind for kind in errors.OWN if kind.status == status), errors.InvalidField)
    return found()


def _number(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def problem_page(
    request: Request,
    problem: Problem | core.Refused,
    *,
    said: str = "",
    also: str = "",
    written: tuple[Field, ...] = (),
    case_url: str = "",
) -> Response:
    """Say what was not done and why, on a page without anybody's name but what they wrote.

    `said` names a text that tells more than the kind of refusal does, `also` one more of them.
    """
    services: Services = request.app.state.services
    if request.method == "POST" and isinstance(problem, errors.NotFound):
        also = also or "problem.maybe_ended"
    return PageContext(services).page(
        request,
        "problem",
        status=problem.status,
        headers=headers_of(problem),
        said=said or f"refusals.{problem.slug}",
        also=also,
        written=written,
        case_url=case_url,
        request_id=_number(request),
    )


def headers_of(problem: Problem | core.Refused) -> dict[str, str]:
    """The headers that belong to a refusal."""
    retry_after = getattr(problem, "retry_after", None)
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def router() -> APIRouter:
    """Return the router of some pages; they are no part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)
