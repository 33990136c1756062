"""What can be said of the world, as it comes in: one model for JSON and for the forms of the pages."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from api.fields import Day, FreeText, Line, Moment, Word
from api.policy import Caller
from api.requests import Strict
from api.world import Appointment, Days, Said

HOUR = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
MOST_DAYS = 400


def _hour(value: object) -> object:
    if isinstance(value, time):
        return value
    try:
        if not isinstance(value, str) or len(value) != len("16:30"):
            raise ValueError  # noqa: TRY301 - one sentence for whatever is wrong
        return time.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an hour, as 16:30") from None


Hour = Annotated[time, BeforeValidator(_hour), WithJsonSchema({"type": "string", "pattern": HOUR})]


class Telling(Strict):
    """Why it is said, and where it is known from. Neither is sent to any case."""

    reason: FreeText = Field(examples=["The bridge is damaged by the flood."])
    source: Line = Field(
        description="Who said so: a letter, a notice, a call.", examples=["Notice 12/2026"]
    )

    def said(self, caller: Caller) -> Said:
        """The same, with who says it."""
        return Said(caller.office, caller.user, self.reason, self.source)


class ChangeCrossing(Telling):
    """A crossing is shut, or open again."""

    status: Literal["open", "closed"]


class TheDays(Strict):
    """Days that are off or worked, and the hour at which offices close."""

    off: list[Day] = Field(default_factory=list, max_length=MOST_DAYS)
    on: list[Day] = Field(
        default_factory=list, max_length=MOST_DAYS, description="Days of a weekend that are worked."
    )
    closes: Hour | None = None
    anew: bool = Field(
        default=False,
        description="True: these are all the days there are. Else they are added to the list.",
    )

    def days(self) -> Days:
        """As the list takes them."""
        return Days(tuple(self.off), tuple(self.on), self.closes, self.anew)


class DeclareCalendar(TheDays, Telling):
    """Which days are off in a country."""


class ChangePost(Telling):
    """Who holds a post from when on. Without a holder nobody does."""

    post: Literal["head", "deputy"]
    holder: Word | None = Field(default=None, description="A user.", examples=["nida"])
    role: Word | None = Field(
        default=None, description="A role of access.toml; default: that of whoever held it last."
    )
    since: Moment | None = Field(default=None, description="Default: now. Never before now.")
    until: Moment | None = Field(
        default=None, description="When the term, and with it the access, ends by itself."
    )

    def appointment(self) -> Appointment:
        """As the posts take it."""
        return Appointment(self.post, self.holder or "", self.role or "", self.since, self.until)


class AdoptRules(Telling):
    """Every open case of a corridor follows the present rules."""
