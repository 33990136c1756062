"""Who is signed in. A visitor works in one or several offices; each asks the same policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request

from api.deps import Inject, caller_of_session
from api.errors import Forbidden, NotFound
from api.policy import Caller, Policy
from domain.case.state import Case
from records import users
from records.session import transaction

HOME = "/"
LONGEST_WAY_BACK = 300


class SignInFirst(Exception):  # noqa: N818 - sends a browser on, is no fault
    """Nobody is signed in, or not any more; `back` is where they wanted to be."""

    def __init__(self, back: str) -> None:
        """Keep the way back."""
        super().__init__()
        self.back = back


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who is signed in, as a caller in each of their offices."""

    name: str
    callers: tuple[Caller, ...]

    @property
    def user(self) -> str:
        """The person's id."""
        return self.callers[0].user

    @property
    def office(self) -> str:
        """Their first office."""
        return self.callers[0].office

    @property
    def offices(self) -> tuple[str, ...]:
        """Every office they work in."""
        return tuple(caller.office for caller in self.callers)

    def may(self, policy: Policy, *any_of: str) -> bool:
        """True when they may do this in one of their offices at least."""
        return any(policy.may(caller, *any_of) for caller in self.callers)

    def allowed(self, policy: Policy, *any_of: str) -> tuple[Caller, ...]:
        """Return them in each office where they may do this; raises Forbidden without one."""
        found = tuple(caller for caller in self.callers if policy.may(caller, *any_of))
        if not found:
            raise Forbidden
        return found

    def in_office(self, policy: Policy, office: str | None, *any_of: str) -> Caller:
        """Return them in that office, or the first where they may; raises Forbidden."""
        found = self.allowed(policy, *any_of)
        if not office:
            return found[0]
        for caller in found:
            if caller.office == office:
                return caller
        raise Forbidden("You do not work in that office")

    def who_sees(self, policy: Policy, case: Case, *any_of: str) -> Caller:
        """Return them in the office that sees this case whole; raises NotFound.

        Ask `allowed` before the case is looked for: a refusal must not tell that it exists.
        """
        for caller in self.allowed(policy, *any_of):
            if policy.sees_case(caller, case):
                return caller
        raise NotFound


def secret_of(services: Inject, request: Request) -> str:
    """Return the secret of the session cookie, or nothing."""
    return request.cookies.get(services.cookie.name, "")


def visitor_of(services: Inject, request: Request) -> Visitor | None:
    """Return who is signed in, if anybody."""
    secret = secret_of(services, request)
    first = caller_of_session(services, secret) if secret else None
    if first is None:
        return None
    with transaction(services.database, first.actor) as connection:
        user = users.find(connection, first.user)
    callers = tuple(first.acting_in(office) for office in first.offices)
    return Visitor(user.name if user is not None else first.user, callers)


def signed_in(services: Inject, request: Request) -> Visitor:
    """Return who is signed in; raises SignInFirst."""
    visitor = visitor_of(services, request)
    if visitor is None:
        raise SignInFirst(_here(request))
    request.state.user = visitor.user
    return visitor


Signed = Annotated[Visitor, Depends(signed_in)]


def _here(request: Request) -> str:
    """The address of the page; some forms are sent to one below it."""
    if request.method != "GET":
        return request.url.path.removesuffix("/words")
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def way_back(asked: str) -> str:
    """Return a place of our own to go to after signing in; any other word leads home."""
    try:
        parts = urlsplit(asked)
    except ValueError:  # no address at all
        return HOME
    ours = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked
    plain = all(" " < message < "\x7f" for message in asked)
    if not ours or parts.netloc or parts.scheme or not plain or len(asked) > LONGEST_WAY_BACK:
        return HOME
    return asked


def sign_in_url(back: str) -> str:
    """Return the address of the sign-in page that leads back."""
    return "/sign-in" if back == HOME else f"/sign-in?next={quote(back, safe='/')}"
