"""An office of the register: where it is and how it is reached. Nobody who works there is named."""

from __future__ import annotations

from pydantic import Field

from api.json.schemas.base import Shape
from domain.rules.register import RegisteredOffice


class OfficeShape(Shape):
    """An office of the register: where it is and how it is reached."""

    office: str = Field(examples=["th-datip"])
    name: str
    country: str
    province: str
    roles: list[str]
    under: str
    organisation: str
    channel: str
    language: str
    hours: str


def office_shape(office: RegisteredOffice) -> OfficeShape:
    """Return an office of the register."""
    return OfficeShape(
        office=office.id,
        name=office.name,
        country=office.country,
        province=office.province,
        roles=list(office.roles),
        under=office.under,
        organisation=office.organisation,
        channel=office.channel,
        language=office.language,
        hours=office.hours,
    )
