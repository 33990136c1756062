"""Offices: the register of counterpart authorities and how each is reached."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from api import shapes
from api.deps import Needs, TheHouse
from api.errors import NotFound
from api.routing import READING, refusals, router
from api.view.offices import OfficeShape, office_shape
from api.view.shape import PageOf

routes = router("offices")
MAY_READ = [Depends(Needs("offices.read"))]


@routes.get("/offices", responses=refusals(*READING), summary="List offices", dependencies=MAY_READ)
def list_(
    house: TheHouse,
    country: Annotated[str | None, Query(pattern=shapes.COUNTRY, examples=["LA"])] = None,
    role: Annotated[
        str | None, Query(max_length=40, description="A role without its side, as `tracing`.")
    ] = None,
) -> PageOf[OfficeShape]:
    """The register, by country and role."""
    found = (
        office
        for office in house.register.values()
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
    house: TheHouse,
    office: Annotated[str, Path(max_length=80, pattern=shapes.OFFICE, examples=["th-datip"])],
) -> OfficeShape:
    """Where it is, whom it answers to, and how it is reached."""
    found = house.register.get(office)
    if found is None:
        raise NotFound
    return office_shape(found)
