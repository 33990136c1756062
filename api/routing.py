"""The class of route every JSON address has: strict bodies, and every refusal in the schema."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.errors import MEDIA_TYPE, ProblemBody, WrongContentType
from api.fields import NotPlainJson, strict_json

REFUSALS: dict[int, str] = {
    401: "No token, or one that does not count",
    403: "Your role, office or person may not do this",
    404: "It does not exist, or you may not know of it",
    409: "It cannot be done now; `type` says why",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field or header is missing or cannot have this value",
    500: "Our fault",
    503: "The engine or the records do not answer; repeating with the same key is safe",
}
READING = (401, 403, 404, 422, 500, 503)
CHANGING = tuple(REFUSALS)


class StrictRequest(Request):
    """A request whose JSON can be read in one way only."""

    async def json(self) -> Any:
        """Return the body; raises JSONDecodeError for what is not plain JSON."""
        try:
            return strict_json(await self.body())
        except NotPlainJson as wrong:
            raise RequestValidationError(
                [{"type": "value_error", "loc": ("body",), "ctx": {"error": str(wrong)}}]
            ) from None


class StrictRoute(APIRoute):
    """Refuses bodies that are not JSON before anybody looks into them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the body looked at first."""
        handler = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            if takes_body and not _says_json(request):
                raise WrongContentType
            return await handler(StrictRequest(request.scope, request.receive))

        return handle


def _says_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    no_body = length in {"", "0"} and "transfer-encoding" not in request.headers
    return kind == "application/json" or (no_body and not kind)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documented refusals of a route, all in the one problem shape."""
    return {
        status: {
            "description": REFUSALS[status],
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}
            },
        }
        for status in statuses
    }


def router(tag: str) -> APIRouter:
    """Return the router of one noun."""
    return APIRouter(tags=[tag], route_class=StrictRoute)
