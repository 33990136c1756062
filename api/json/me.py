"""Who one is here, and the tokens an administrator makes and ends."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Response
from pydantic import Field

from api import accounts
from api.asked import Strict
from api.deps import NEEDS_KEY, Needs, Records, TheHouse, signed_in
from api.errors import InvalidField, NotFound
from api.fields import Line, Scope, Word
from api.policy import EVERYTHING, Caller
from api.routing import CHANGING, READING, refusals, router
from api.view import Shape
from records import tokens, users

routes = router("me")

SignedIn = Annotated[Caller, Depends(signed_in)]
MANAGING = [Depends(Needs("accounts.manage")), *NEEDS_KEY]


class Me(Shape):
    """Who asks, in which office, and what they may."""

    user: str
    name: str
    office: str
    roles: list[str]
    permissions: list[str]
    offices: list[str]
    rehearsal: bool = Field(description="True where cases are fictional and time can be moved.")


class NewToken(Strict):
    """A token for a user in one of their offices."""

    user: Word = Field(examples=["mali"])
    office: Word = Field(examples=["th-ubon-case"])
    days: int = Field(default=accounts.TOKEN_DAYS, ge=1, le=accounts.LONGEST_TOKEN_DAYS)
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
def me(house: TheHouse, caller: SignedIn, records: Records) -> Me:
    """Your user, office, roles and permissions."""
    user = users.find(records, caller.user)
    return Me(
        user=caller.user,
        name=user.name if user is not None else caller.user,
        office=caller.office,
        roles=list(caller.roles),
        permissions=sorted(house.policy.permissions_of(caller)),
        offices=list(caller.offices),
        rehearsal=house.rehearsal,
    )


@routes.post(
    "/tokens",
    status_code=201,
    responses=refusals(*CHANGING),
    summary="Make a token",
    dependencies=MANAGING,
)
def make(house: TheHouse, records: Records, asked: NewToken) -> TokenShape:
    """A token is kept as a hash: repeating this makes a second one, also with the same key."""
    unknown = set(asked.scopes) - house.policy.permissions - {EVERYTHING}
    if unknown:
        raise InvalidField("`scopes` are permissions of access.toml, or *", field="scopes")
    now = house.instant()
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
    dependencies=MANAGING,
)
def revoke(
    house: TheHouse,
    records: Records,
    prefix: Annotated[str, Path(max_length=40, pattern=r"^[0-9a-z]+$")],
) -> Response:
    """It does not count any more from this moment on."""
    if not tokens.revoke(records, prefix, house.instant()):
        raise NotFound
    return Response(status_code=204)
