"""Pages for people: plain HTML over the same door as the JSON API, working without JavaScript.

`install` adds them to the application. They change nothing but through `api/acts.py`.
"""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from api.errors import NotFound, Problem
from api.pages.collect import collected_pages
from api.pages.context import style
from api.pages.route import problem_page
from api.pages.throttle import Throttle
from api.security import FromElsewhere

OF_PROGRAMS = ("/api", "/health", "/metrics")
FOR_EVER = "public, max-age=31536000, immutable"


def install(app: FastAPI) -> None:
    """Add the pages and their style sheet to the application."""
    pages = collected_pages()
    app.state.throttle = Throttle()
    app.state.answer_people = answer_people
    app.state.menu = pages.menu
    app.include_router(pages.router())
    app.add_api_route("/static/{version}/homeward.css", _style, include_in_schema=False)


def answer_people(request: Request, problem: Problem) -> Response | None:
    """A page for a browser that asked for one beside every page; None for programs."""
    accepts = request.headers.get("accept", "")
    if request.url.path.startswith(OF_PROGRAMS) or "text/html" not in accepts:
        return None
    said = "problem.elsewhere" if isinstance(problem, FromElsewhere) else ""
    return problem_page(request, problem, said=said)


def _style(version: str) -> Response:
    """The style sheet; its address changes with it, so a browser keeps it for ever."""
    known, content = style()
    if version != known:
        raise NotFound
    return Response(content, media_type="text/css", headers={"Cache-Control": FOR_EVER})
