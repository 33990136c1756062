"""Whether the records agree: a page for whoever keeps the system running. It shows no case."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.deps import Inject
from api.errors import NotFound
from api.integrity import in_one_case, over_all_cases
from api.pages.context import PageContext
from api.pages.menu import MenuEntry
from api.pages.route import router
from api.pages.visitor import Signed

routes = router()

MENU = MenuEntry(60, "integrity", "/integrity", "integrity.look")


@routes.get("/integrity")
async def read(
    services: Inject,
    visitor: Signed,
    request: Request,
    find: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Over all open cases, or into the one with a reference."""
    visitor.allowed(services.policy, MENU.permission)
    missing, found = False, None
    if find.strip():
        try:
            found = await in_one_case(services, find.strip())
        except NotFound:
            missing = True
    return PageContext(services, visitor).page(
        request,
        "integrity",
        find=find,
        missing=missing,
        one=found is not None,
        found=found or await over_all_cases(services),
        now=services.now(),
    )
