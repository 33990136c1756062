"""Every refusal as one problem shape (RFC 9457), in the user's words. No text holds what was typed.

Problem
├── Unauthorized Forbidden NotFound MethodNotAllowed
├── TooLarge WrongContentType MissingField InvalidField KeyReused AlreadyMade
├── EngineAway RecordsAway RecordsDisagree NotVisibleYet TooManyTries
└── Unexpected
The refusals of the core (`domain/errors.py`) become problems under their own slugs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from api.validation_messages import place, sentence
from domain import errors as core
from records.errors import RecordsError
from records.paging import BadCursor

MEDIA_TYPE = "application/problem+json"

# What the database raises when it is away, or cannot write: full, over its quota, made read-only.
RECORDS_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)

log = structlog.get_logger("api")


class Problem(Exception):  # noqa: N818 - an answer, not a fault
    """A request that was not done, and why. `safe_to_repeat`: the same key may be sent again."""

    slug: ClassVar[str] = "problem"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "This was not done"
    retry_after: ClassVar[int | None] = None

    def __init__(self, detail: str = "", *, field: str | None = None) -> None:
        """Keep a plain sentence for the user; the class's title stands where none is given."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field


class Unauthorized(Problem):
    """Nobody said who they are, or the token or session does not count any more."""

    slug = "unauthorized"
    status = 401
    title = "Say who you are: send a valid token"


class Forbidden(Problem):
    """The role of the caller does not include this."""

    slug = "forbidden"
    status = 403
    title = "Your role does not include this"


class NotFound(Problem):
    """It does not exist, or the caller may not know that it does."""

    slug = "not-found"
    status = 404
    title = "There is nothing here that you may see"


class MethodNotAllowed(Problem):
    """This address knows other methods."""

    slug = "method-not-allowed"
    status = 405
    title = "This address does not take that method"


class TooLarge(Problem):
    """The body is longer than the door lets in."""

    slug = "too-large"
    status = 413
    title = "A request may hold at most 64 KiB"


class WrongContentType(Problem):
    """A body that is not JSON."""

    slug = "wrong-content-type"
    status = 415
    title = "Send JSON, with the header `Content-Type: application/json`"


class MissingField(Problem):
    """A field or header that is needed was not sent."""

    slug = "missing-field"
    status = 422
    title = "A field is missing"


class InvalidField(Problem):
    """A field that cannot have this value, or that does not exist."""

    slug = "invalid-field"
    status = 422
    title = "A field cannot have this value"


class KeyReused(Problem):
    """The idempotency key was used before, for something else."""

    slug = "key-reused"
    status = 409
    title = "This Idempotency-Key was used before for another request; take a new one"


class AlreadyMade(Problem):
    """The same was made before with this key, and its secret is shown only once. `made`: its id."""

    slug = "already-made"
    status = 409
    title = "This was made before, and its secret was shown once"

    def __init__(self, detail: str, *, made: str) -> None:
        """Keep the sentence, and the id of what there is."""
        super().__init__(detail)
        self.made = made


class TooManyTries(Problem):
    """Too many wrong passwords."""

    slug = "busy"
    status = 429
    title = "Too many tries; wait a little"
    retry_after = 60


class TooMuchAtOnce(Problem):
    """Too many first reports of one person are under way; nothing was recorded."""

    slug = "busy"
    status = 503
    title = "Too many of your cases are being opened at once"
    retry_after = 5


class EngineAway(Problem):
    """The engine did not answer in time. The act may still happen."""

    slug = "engine-away"
    status = 503
    title = "The engine does not answer; it is safe to send this again with the same key"
    retry_after = 5


class RecordsDisagree(Problem):
    """The running case and its ledger contradict each other; an operator is told elsewhere."""

    slug = "records-disagree"
    status = 503
    title = "The records of this case disagree; nothing was changed, and somebody must look at it"
    retry_after = 300


class RecordsAway(Problem):
    """The database did not answer in time."""

    slug = "busy"
    status = 503
    title = "The records do not answer; it is safe to send this again with the same key"
    retry_after = 5


class NotVisibleYet(Problem):
    """The version that was asked for has not reached the records yet."""

    slug = "not-visible-yet"
    status = 503
    title = "That version is not visible yet; ask again in a moment"
    retry_after = 1


class Unexpected(Problem):
    """Our fault."""

    slug = "unexpected"
    status = 500
    title = "Something went wrong on our side; it has been noted"


OWN: tuple[type[Problem], ...] = (
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    WrongContentType,
    MissingField,
    InvalidField,
    KeyReused,
    AlreadyMade,
    TooManyTries,
    EngineAway,
    RecordsAway,
    RecordsDisagree,
    NotVisibleYet,
    Unexpected,
)


class FieldProblem(BaseModel):
    """One field and what is wrong with it."""

    field: str
    problem: str


class ProblemBody(BaseModel):
    """What was not done and why, after RFC 9457; `type` is a stable word."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "closed-gate",
                "title": "A gate is closed",
                "status": 409,
                "detail": "gate identity: verification",
            }
        }
    )

    type: str = Field(description="A stable word; see docs/api.md for all of them.")
    title: str
    status: int
    detail: str
    field: str | None = Field(default=None, description="The field it is about, if one.")
    errors: list[FieldProblem] | None = Field(default=None, description="Every field, if several.")
    made: str | None = Field(default=None, description="Id of what was made before, if anything.")
    request: str | None = Field(default=None, description="Number of this request in our log.")


def body_of(problem: Problem | core.Refused, request_id: str | None = None) -> dict[str, Any]:
    """Return the JSON of a problem; fields without a value are left out."""
    field = getattr(problem, "field", None)
    return ProblemBody(
        type=problem.slug,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        field=field,
        made=getattr(problem, "made", None),
        request=request_id,
    ).model_dump(exclude_none=True)


def answer(request: Request, problem: Problem | core.Refused, **more: Any) -> JSONResponse:
    """Return a problem as a response, with the headers that belong to it."""
    headers: dict[str, str] = {}
    retry_after = getattr(problem, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    request_id = getattr(request.state, "request_id", None)
    content = body_of(problem, request_id) | more
    return JSONResponse(content, problem.status, headers=headers, media_type=MEDIA_TYPE)


class ForPeople(Protocol):
    """Answers a refusal with a page where a browser asks for one; None for programs."""

    def __call__(self, request: Request, problem: Problem) -> Response | None: ...


def from_slug(slug: str, detail: str) -> core.Refused | None:
    """Return the refusal of the core that has this slug, or None."""
    kind = core.BY_SLUG.get(slug)
    return None if kind is None else kind(detail)


# -- what the framework raises


def problems_of(wrong: Sequence[Mapping[str, Any]]) -> tuple[Problem, list[FieldProblem]]:
    """Turn pydantic's errors into the first problem and a line for each field.

    What was typed is never repeated: it may hold a name.
    """
    lines = [FieldProblem(field=place(item), problem=sentence(item)) for item in wrong]
    missing = all(item["type"] == "missing" for item in wrong)
    kind = MissingField if missing else InvalidField
    chosen = next((i for i, item in enumerate(wrong) if missing or item["type"] != "missing"), 0)
    line = lines[chosen]
    return kind(f"{_named(line.field)}: {line.problem}", field=line.field), lines


def _named(field: str) -> str:
    return f"`{field}`" if field else "The body"


class UnreadableBody(HTTPException):
    """A body that is no plain JSON. While one is read the framework lets only its own kind through."""

    def __init__(self, why: str) -> None:
        """Say why, to stand behind "The body"."""
        super().__init__(400, f"The body {why}")


def of_http(wrong: HTTPException) -> Problem:
    """The problem that stands for a refusal of the framework."""
    if wrong.status_code == 400:
        known = isinstance(wrong, UnreadableBody)
        return InvalidField(wrong.detail if known else "The body cannot be read")
    return next((kind for kind in OWN if kind.status == wrong.status_code), Unexpected)()


def _methods_of(request: Request) -> list[str]:
    """Every method that this address takes; the framework names those of one of its routes."""
    asked = {m: {**request.scope, "method": m} for m in ("DELETE", "GET", "PATCH", "POST", "PUT")}
    routes = request.app.router.routes
    found = [m for m in asked if any(r.matches(asked[m])[0] is Match.FULL for r in routes)]
    return sorted([*found, "HEAD"] if "GET" in found else found)


def install(app: FastAPI, answer_people: ForPeople) -> None:
    """Make the application answer every refusal as a problem, and people's browsers with a page."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> JSONResponse:
        return answer(request, problem)

    @app.exception_handler(core.Refused)
    async def _refused(request: Request, refused: core.Refused) -> JSONResponse:
        return answer(request, refused)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, wrong: RequestValidationError) -> JSONResponse:
        problem, lines = problems_of(wrong.errors())
        more = {"errors": [line.model_dump() for line in lines]} if len(lines) > 1 else {}
        return answer(request, problem, **more)

    @app.exception_handler(BadCursor)
    async def _cursor(request: Request, wrong: BadCursor) -> JSONResponse:
        return answer(request, NotFound(str(wrong).capitalize(), field="cursor"))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, wrong: HTTPException) -> Response:
        problem = of_http(wrong)
        response = answer_people(request, problem) or answer(request, problem)
        response.headers.update(wrong.headers or {})
        if isinstance(problem, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(_methods_of(request))
        return response

    @app.exception_handler(RecordsError)
    async def _damaged(request: Request, wrong: RecordsError) -> JSONResponse:
        return answer(request, damaged(wrong))

    async def _records_away(request: Request, wrong: Exception) -> JSONResponse:
        log.warning("records-away", **why_away(wrong))
        return answer(request, RecordsAway())

    for kind in RECORDS_AWAY:
        app.add_exception_handler(kind, _records_away)


def damaged(wrong: RecordsError) -> RecordsDisagree:
    """What to answer where records cannot be read; the log names the case for an operator."""
    log.critical("records-damaged", error=type(wrong).__name__, what=str(wrong))
    return RecordsDisagree()


def why_away(wrong: Exception) -> dict[str, str]:
    """For the log: the kind of error, and PostgreSQL's own number of it (53100: a full disk)."""
    original = wrong.orig if isinstance(wrong, DBAPIError) else None
    return {"error": type(wrong).__name__, "sqlstate": getattr(original, "sqlstate", None) or ""}
