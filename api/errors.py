"""Every refusal as one problem shape (RFC 9457), in the user's words. No text holds what was typed.

Problem
├── Unauthorized Forbidden NotFound MethodNotAllowed
├── TooLarge WrongContentType MissingField InvalidField KeyReused
├── EngineAway RecordsAway RecordsDisagree NotVisibleYet TooManyTries
└── Unexpected
The refusals of the core (`domain/errors.py`) become problems under their own slugs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from domain import errors as core
from records.paging import BadCursor

MEDIA_TYPE = "application/problem+json"
LONGEST_NAME = 60

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


class TooManyTries(Problem):
    """Too many wrong passwords."""

    slug = "busy"
    status = 429
    title = "Too many tries; wait a little"
    retry_after = 60


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


def from_slug(slug: str, detail: str) -> core.Refused | None:
    """Return the refusal of the core that has this slug, or None."""
    kind = core.BY_SLUG.get(slug)
    return None if kind is None else kind(detail)


# -- what the framework raises


def problems_of(wrong: Sequence[Mapping[str, Any]]) -> tuple[Problem, list[FieldProblem]]:
    """Turn pydantic's errors into the first problem and a line for each field.

    What was typed is never repeated: it may hold a name.
    """
    lines = [FieldProblem(field=_place(item), problem=_sentence(item)) for item in wrong]
    missing = all(item["type"] == "missing" for item in wrong)
    kind = MissingField if missing else InvalidField
    chosen = next((i for i, item in enumerate(wrong) if missing or item["type"] != "missing"), 0)
    line = lines[chosen]
    return kind(f"{_named(line.field)}: {line.problem}", field=line.field), lines


def _named(field: str) -> str:
    return f"`{field}`" if field else "The body"


def _place(item: Mapping[str, Any]) -> str:
    parts = [part for part in item["loc"] if part not in {"body", "query", "path", "header"}]
    if item["type"] == "json_invalid":
        return ""
    return ".".join(_tame(str(part)) for part in parts)


def _tame(name: str) -> str:
    shown = "".join(letter for letter in name if letter.isprintable())
    return shown if len(shown) <= LONGEST_NAME else shown[:LONGEST_NAME] + "…"


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "json_invalid": "is not JSON that can be read",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "string_type": "must be text",
    "string_pattern_mismatch": "is not written the way it must be",
    "date_type": "must be a date, as 2026-03-05",
    "date_parsing": "must be a date, as 2026-03-05",
    "date_from_datetime_parsing": "must be a date, as 2026-03-05",
    "datetime_type": "must be a moment with its offset, as 2026-03-05T10:00:00+07:00",
    "datetime_parsing": "must be a moment with its offset, as 2026-03-05T10:00:00+07:00",
    "datetime_from_date_parsing": "must be a moment with its offset, as 2026-03-05T10:00:00+07:00",
    "timezone_aware": "must be a moment with its offset, as 2026-03-05T10:00:00+07:00",
    "uuid_parsing": "must be an id",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


def _sentence(item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    if kind == "value_error":
        return str(item.get("ctx", {}).get("error", "cannot have this value"))
    if kind in {"literal_error", "enum"}:
        return f"is one of {item['ctx']['expected']}"
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    message = str(item.get("msg", "cannot have this value"))
    return message.replace("Input should", "should").replace("String should", "should")


def install(app: FastAPI) -> None:
    """Make the application answer every refusal as a problem."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> JSONResponse:
        return answer(request, problem)

    @app.exception_handler(core.Refused)
    async def _refused(request: Request, refused: core.Refused) -> JSONResponse:
        return answer(request, refused)

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(ValidationError)
    async def _invalid(
        request: Request, wrong: RequestValidationError | ValidationError
    ) -> JSONResponse:
        problem, lines = problems_of(wrong.errors())
        more = {"errors": [line.model_dump() for line in lines]} if len(lines) > 1 else {}
        return answer(request, problem, **more)

    @app.exception_handler(BadCursor)
    async def _cursor(request: Request, wrong: BadCursor) -> JSONResponse:
        return answer(request, NotFound(str(wrong).capitalize(), field="cursor"))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, wrong: HTTPException) -> JSONResponse:
        found = next((k for k in OWN if k.status == wrong.status_code), None)
        if found is None and wrong.status_code == 400:
            return answer(request, InvalidField("The body cannot be read"))
        response = answer(request, (found or Unexpected)())
        response.headers.update(wrong.headers or {})
        return response

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeoutError)
    async def _records_away(request: Request, wrong: Exception) -> JSONResponse:
        log.warning("records-away", error=type(wrong).__name__)
        return answer(request, RecordsAway())
