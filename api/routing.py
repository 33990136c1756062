"""The class of route every JSON address has: strict bodies, and every refusal in the schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.errors import MEDIA_TYPE, ProblemBody, UnreadableBody, WrongContentType
from api.fields import NotPlainJson, strict_json
from api.security import SAFE_METHODS

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
CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
ALWAYS_ONCE = ("Authorization", "Content-Type")
READING = (401, 403, 404, 422, 500, 503)
CHANGING = tuple(REFUSALS)


class StrictRequest(Request):
    """A request whose JSON can be read in one way only."""

    async def json(self) -> Any:
        """Return the body; raises JSONDecodeError, or UnreadableBody for what is not plain JSON."""
        try:
            return strict_json(await self.body())
        except NotPlainJson as wrong:
            raise UnreadableBody(str(wrong)) from None


class StrictRoute(APIRoute):
    """Refuses bodies that are not JSON, and whatever is given twice or is not known here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the body looked at first."""
        handler = super().get_route_handler()
        takes_body = self.body_field is not None
        takes = get_flat_params(self.dependant)
        query = frozenset(p.alias for p in takes if isinstance(p.field_info, params.Query))
        named = (p.alias for p in takes if isinstance(p.field_info, params.Header))
        headers = (*ALWAYS_ONCE, *named)

        async def handle(request: Request) -> Response:
            wrong = [
                *_wrong_in_query(request, query),
                *_wrong_in_headers(request, headers),
                *_conditions(request),
            ]
            if wrong:
                raise RequestValidationError(wrong)
            if takes_body and not _says_json(request):
                raise WrongContentType
            return await handler(StrictRequest(request.scope, request.receive))

        return handle


def _wrong_in_query(request: Request, known: frozenset[str]) -> Iterator[dict[str, Any]]:
    """A misspelt filter would quietly show everything, a second value quietly win."""
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            yield _wrong("query", name, "is not a parameter of this address")
        elif times > 1:
            yield _wrong("query", name, "is given twice")


def _wrong_in_headers(request: Request, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name in names:
        if len(request.headers.getlist(name)) > 1:
            yield _wrong("header", name, "is sent twice")


def _conditions(request: Request) -> Iterator[dict[str, Any]]:
    """Whoever sends one believes that nothing of somebody else is written over."""
    if request.method not in SAFE_METHODS:
        for name in CONDITIONS:
            if name in request.headers:
                said = "is not kept here; an act says the `version` that was seen before it"
                yield _wrong("header", name, said)


def _wrong(place: str, name: str, said: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": (place, name), "ctx": {"error": said}}


def _says_json(request: Request) -> bool:
    said, *more = request.headers.get("content-type", "").lower().split(";")
    kind = said.strip()
    for name, _, value in (part.partition("=") for part in more):
        if name.strip() == "charset" and value.strip(' "') not in UTF_8:
            raise WrongContentType("Send JSON written in UTF-8")
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
