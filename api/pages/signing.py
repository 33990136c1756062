"""Signing in and out: user and password, a session that can be ended at once.

What was wrong is never told, and how often somebody tried is counted for minutes only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Inject, Services
from api.pages.context import PageContext, go
from api.pages.forms.base import Form, Posted, Sent, check_once, refilled, written
from api.pages.forms.base import refused as refused_form
from api.pages.forms.sign_in import sign_in_form, sign_in_page
from api.pages.route import router
from api.pages.throttle import Throttle
from api.pages.visitor import HOME, Signed, secret_of, visitor_of, way_back
from api.security import SESSION_HOURS
from records import sessions, users
from records.session import system, transaction

routes = router()

LONGEST = 200


def throttle_of(request: Request) -> Throttle:
    """Return the one memory of wrong tries."""
    found: Throttle = request.app.state.throttle
    return found


TheThrottle = Annotated[Throttle, Depends(throttle_of)]


@routes.get("/sign-in")
def ask(services: Inject, request: Request, next: str = HOME) -> Response:  # noqa: A002
    """Ask who it is; somebody already signed in goes on."""
    if visitor_of(services, request) is not None:
        return go(way_back(next))
    context = PageContext(services)
    return sign_in_page(context, request, sign_in_form(context), next)


@routes.post("/sign-in")
async def sign_in(
    services: Inject, request: Request, throttle: TheThrottle, sent: Sent
) -> Response:
    """Begin a session; the old one of this browser ends."""
    context = PageContext(services)
    address = request.client.host if request.client is not None else ""
    user, password = sent.one("user"), str(sent.data.get("password", ""))
    now = services.now()
    form = sign_in_form(context)
    try:
        check_once(form, sent, context.words)
    except errors.Problem as problem:
        return _shown(
            context, request, sent, refused_form(form, sent, problem, context.words), problem
        )
    if wait := throttle.wait(user, address, now):
        return _again(context, request, sent, errors.TooManyTries(), wait)
    too_long = max(len(user), len(password)) > LONGEST
    secret = "" if too_long else await run_in_threadpool(_begin, services, user, password, request)
    if not secret:
        throttle.wrong(user, address, now)
        return _again(context, request, sent, errors.Unauthorized())
    throttle.right(user)
    answer = _signed_in(context, request, sent)
    answer.headers["Set-Cookie"] = services.cookie.header(secret)
    return answer


def _begin(services: Services, user: str, password: str, request: Request) -> str:
    now = services.now()
    with transaction(services.database, system("api")) as connection:
        if "\x00" in user or not users.password_matches(connection, user, password):
            return ""
        if old := secret_of(services, request):
            sessions.revoke(connection, old, now)
        return sessions.start(connection, user, now, now + timedelta(hours=SESSION_HOURS))


def _signed_in(context: PageContext, request: Request, sent: Posted) -> Response:
    """Back to where they wanted to be; what was written before is shown once more on the way."""
    back, kept = way_back(sent.one("next")), written(sent, context.words)
    if not kept:
        return go(back)
    return context.page(request, "signed_in", back=back, written=kept)


def _again(
    context: PageContext, request: Request, sent: Posted, problem: errors.Problem, wait: int = 0
) -> Response:
    """The form once more; `wait` is for how many seconds no other try counts."""
    said = context.words("sign_in.too_many" if wait else "sign_in.wrong")
    form = replace(refilled(sign_in_form(context), sent), problem=said)
    return _shown(context, request, sent, form, problem, wait)


def _shown(
    context: PageContext,
    request: Request,
    sent: Posted,
    form: Form,
    problem: errors.Problem,
    wait: int = 0,
) -> Response:
    return sign_in_page(
        context,
        request,
        form,
        sent.one("next"),
        status=problem.status,
        headers={"Retry-After": str(wait)} if wait else None,
        written=written(sent, context.words),
    )


@routes.post("/sign-out")
def sign_out(services: Inject, request: Request) -> Response:
    """End the session, here and in the records."""
    with transaction(services.database, system("api")) as connection:
        sessions.revoke(connection, secret_of(services, request), services.now())
    answer = go("/sign-in", "signed_out")
    answer.headers["Set-Cookie"] = services.cookie.header("", 0)
    return answer


@routes.get("/")
def home(services: Inject, visitor: Signed) -> Response:
    """Lead to what this person does first."""
    for needs, url in (
        ("stalled.list", "/stalled"),
        ("tasks.list", "/tasks"),
        ("cases.list", "/cases"),
    ):
        only = needs == "stalled.list" and visitor.may(services.policy, "cases.open")
        if not only and visitor.may(services.policy, needs):
            return go(url)
    return go("/welcome")


@routes.get("/welcome")
def welcome(services: Inject, visitor: Signed, request: Request) -> Response:
    """A place for those whose role has no page of its own yet."""
    return PageContext(services, visitor).page(request, "welcome")
