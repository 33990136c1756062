"""Headers, cookies and cross-site checks of the door. Who somebody is stands in `deps.py`.

Nothing here knows a case; no value of a cookie, token or body is ever logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_HOURS = 12
CONTENT_POLICY = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers send `Origin: null` with every form of ours.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class FromElsewhere(errors.Forbidden):
    """Another site made a browser send this."""

    title = "This was sent from another site"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """Name and attributes of the cookie of the pages; on https it is bound to this host alone."""

    secure: bool

    @property
    def name(self) -> str:
        """`__Host-` is a promise browsers keep, and only over https."""
        return "__Host-homeward" if self.secure else "homeward"

    def header(self, secret: str, seconds: int = SESSION_HOURS * 3600) -> str:
        """Return the value of `Set-Cookie`; an empty secret with 0 seconds takes it away."""
        parts = [f"{self.name}={secret}", "Path=/", "HttpOnly", "SameSite=Lax"]
        parts.append(f"Max-Age={seconds}")
        return "; ".join([*parts, "Secure"] if self.secure else parts)


def bearer_of(authorization: str | None) -> str | None:
    """Return the token of an `Authorization: Bearer ...` header."""
    kind, _, token = (authorization or "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def is_cross_site(method: str, headers: Headers) -> bool:
    """True for a change that another site made a browser send.

    Browsers say where a request comes from and cannot be made to lie about it; what is no browser
    says nothing and carries no cookie of ours. A bearer token is never sent by itself either.
    """
    if method in SAFE_METHODS or bearer_of(headers.get("authorization")) is not None:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:  # no address at all
        return True


class BodyLimit:
    """Lets no body in that is longer than a request can sensibly be: it would wedge the engine."""

    def __init__(self, app: ASGIApp, *, most: int, answer_people: errors.ForPeople) -> None:
        """Wrap `app`; `most` in bytes."""
        self.app = app
        self.most = most
        self.answer_people = answer_people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a body that turns out too long ends it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isdecimal() or int(told) > self.most:
            request, problem = Request(scope), errors.TooLarge()
            page = self.answer_people(request, problem)
            await (page or errors.answer(request, problem))(scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                # As an HTTPException, because the framework passes those on from within a read.
                raise HTTPException(errors.TooLarge.status)
            return message

        await self.app(scope, receive_counted, send)


class Guard:
    """Refuses changes made from other sites and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Wrap `app`; `https` also tells browsers to stay with it."""
        self.app = app
        self.always = ALWAYS | (
            {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} if https else {}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it came from elsewhere."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.always.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if is_cross_site(scope["method"], Headers(scope=scope)):
            request, refused = Request(scope), FromElsewhere()
            page: Response | None = request.app.state.answer_people(request, refused)
            await (page or errors.answer(request, refused))(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)


class Heads:
    """Answers HEAD as GET without the body, on every address: monitors and browsers ask so."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the whole application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET; the server sends no body for what came as HEAD."""
        asked = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if asked else scope, receive, send)
