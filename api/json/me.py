"""Who one is here, and the tokens an administrator makes and ends."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from annotated_types import Ge, Le
from fastapi import Depends, Path, Response
from pydantic import BeforeValidator, Field

from api import accounts, patterns
from api.deps import Inject, Key, Needs, Records, signed_in
from api.errors import AlreadyMade, InvalidField, NotFound
from api.fields import Line, Scope, Word, whole
from api.json.schemas.base import Shape
from api.once import Once
from api.policy import EVERYTHING, Caller
from api.requests import Strict
from api.routing import CHANGING, READING, refusals, router
from records import tokens, users

routes = router("me")

SignedIn = Annotated[Caller, Depends(signed_in)]
Manages = Annotated[Caller, Depends(Needs("accounts.manage"))]


class Me(Shape):
    """Who asks, in which office, and what they may."""

    user: str
    name: str
    office: str
    roles: list[str]
    permissions: list[str]
    offices: list[str]
    rehearsal: bool = Field(description="True where cases are fictional and time can be moved.")


TokenDays = Annotated[int, Ge(1), Le(accounts.LONGEST_TOKEN_DAYS), BeforeValidator(whole)]


class NewToken(Strict):
    """A token for a user in one of their offices."""

    user: Word = Field(examples=["mali"])
    office: Word = Field(examples=["th-ubon-case"])
    days: TokenDays = accounts.TOKEN_DAYS
    scopes: list[Scope] = Field(
        default_factory=lambda: [EVERYTHING],
        max_length=40,
        description="Permissions of `access.toml`, or `*` for all that the user's role has.",
        examples=[["tasks.list", "tasks.act"]],
    )
    label: Line | None = None


class TokenShape(Shape):
    """A token. It is shown this once; keep it, or revoke it by its prefix and make another."""

    token: str
    prefix: str
    user: str
    office: str
    expires_at: datetime


@routes.get("/me", responses=refusals(*READING), summary="Who am I")
def me(services: Inject, caller: SignedIn, records: Records) -> Me:
    """Your user, office, roles and permissions."""
    user = users.find(records, caller.user)
    return Me(
        user=caller.user,
        name=user.name if user is not None else caller.user,
        office=caller.office,
        roles=list(caller.roles),
        permissions=sorted(services.policy.permissions_of(caller)),
        offices=list(caller.offices),
        rehearsal=services.rehearsal,
    )


@routes.post(
    "/tokens",
    status_code=201,
    responses=refusals(*CHANGING),
    summary="Make a token",
)
def make(
    services: Inject, caller: Manages, records: Records, key: Key, asked: NewToken
) -> TokenShape:
    """A token is kept as a hash and shown once.

    Repeated with the same key it makes no second one: the answer is 409 `already-made`, and `made`
    is the prefix of the first. If its answer was lost, end it and make another with a new key.
    """
    unknown = set(asked.scopes) - services.policy.permissions - {EVERYTHING}
    if unknown:
        raise InvalidField("`scopes` are permissions of access.toml, or *", field="scopes")
    now = services.instant()
    once = Once.of(services, caller, key, "token", asked.model_dump(mode="json"))
    known = once.before(records, now)
    if known is not None:
        raise _made_before(known.made or "")
    try:
        issued = accounts.make_token(
            records,
            user_id=asked.user,
            office=asked.office,
            at=now,
            days=asked.days,
            scopes=asked.scopes,
            label=asked.label or "",
        )
    except accounts.AccountWrong as wrong:
        raise NotFound(str(wrong), field="user") from None
    once.made(records, issued.prefix)
    holder = tokens.check(records, issued.token, now)
    assert holder is not None  # noqa: S101 - it was made a line ago
    return TokenShape(
        token=issued.token,
        prefix=issued.prefix,
        user=asked.user,
        office=asked.office,
        expires_at=holder.expires_at,
    )


@routes.delete(
    "/tokens/{prefix}",
    status_code=204,
    responses=refusals(*CHANGING),
    summary="Revoke a token",
)
def revoke(
    services: Inject,
    caller: Manages,
    records: Records,
    key: Key,
    prefix: Annotated[str, Path(max_length=40, pattern=patterns.PREFIX)],
) -> Response:
    """It does not count any more from this moment on."""
    once = Once.of(services, caller, key, "end token", prefix)
    if once.before(records, services.instant()) is None and not tokens.revoke(
        records, prefix, services.instant()
    ):
        raise NotFound
    return Response(status_code=204)


def _made_before(prefix: str) -> AlreadyMade:
    return AlreadyMade(
        f"A token was made with this key before, and its secret was shown once. If that answer "
        f"did not reach you, end token {prefix} and make another with a new key",
        made=prefix,
    )
