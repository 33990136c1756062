"""Whether the records agree: a page for whoever keeps the system running. It shows no case."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.deps import Inject
from api.errors import NotFound
from api.integrity import in_one_case, over_all_cases
from api.pages.look import Look
from api.pages.route import router
from api.pages.visitor import Signed

routes = router()


@routes.get("/integrity")
async def look(
    services: Inject,
    visitor: Signed,
    request: Request,
    find: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Over all open cases, or into the one with a reference."""
    visitor.allowed(services.policy, "integrity.look")
    missing, found = False, None
    if find.strip():
        try:
            found = await in_one_case(services, find.strip())
        except NotFound:
            missing = True
    return Look(services, visitor).page(
        request,
        "integrity",
        find=find,
        missing=missing,
        one=found is not None,
        found=found or await over_all_cases(services),
        now=services.now(),
    )
