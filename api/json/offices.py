"""Offices: the register of counterpart authorities and how each is reached."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from api import patterns
from api.deps import Inject, Needs
from api.errors import NotFound
from api.json.schemas.base import PageOf
from api.json.schemas.offices import OfficeShape, office_shape
from api.params import OfficeId
from api.routing import READING, refusals, router

routes = router("offices")
MAY_READ = [Depends(Needs("offices.read"))]


@routes.get("/offices", responses=refusals(*READING), summary="List offices", dependencies=MAY_READ)
def list_(
    services: Inject,
    country: Annotated[str | None, Query(pattern=patterns.COUNTRY, examples=["LA"])] = None,
    role: Annotated[
        str | None, Query(max_length=40, description="A role without its side, as `tracing`.")
    ] = None,
) -> PageOf[OfficeShape]:
    """The register, by country and role."""
    found = (
        office
        for office in services.register.values()
        if country in (None, office.country) and (role is None or role in office.roles)
    )
    return PageOf(items=[office_shape(office) for office in found])


@routes.get(
    "/offices/{office}",
    responses=refusals(*READING),
    summary="Read an office",
    dependencies=MAY_READ,
)
def read(
    services: Inject,
    office: OfficeId,
) -> OfficeShape:
    """Where it is, whom it answers to, and how it is reached."""
    found = services.register.get(office)
    if found is None:
        raise NotFound
    return office_shape(found)
