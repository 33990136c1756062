"""Pages for people: plain HTML over the same door as the JSON API, working without JavaScript.

`install` adds them to the application. They change nothing but through `api/acts.py`.
"""

from __future__ import annotations

from fastapi import FastAPI, Response

from api.errors import NotFound
from api.pages import cases, opening, signing, stalled, tasks
from api.pages.look import style
from api.pages.throttle import Throttle

FOR_EVER = "public, max-age=31536000, immutable"


def install(app: FastAPI) -> None:
    """Add the pages and their style sheet to the application."""
    app.state.throttle = Throttle()
    # `new` before the cases: it is no reference.
    for some in (signing, tasks, opening, cases, stalled):
        app.include_router(some.routes)
    app.add_api_route("/static/{version}/homeward.css", _style, include_in_schema=False)


def _style(version: str) -> Response:
    """The style sheet; its address changes with it, so a browser keeps it for ever."""
    known, content = style()
    if version != known:
        raise NotFound
    return Response(content, media_type="text/css", headers={"Cache-Control": FOR_EVER})
