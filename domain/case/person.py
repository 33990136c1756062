"""What the rules judge of the person: age, country, consents, flags, bars. No name, no contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's yes for one purpose; `receiver` empty means the offices of that purpose."""

    purpose: str
    receiver: str
    until: date
    given_at: datetime
    confirmed_at: datetime
    by_guardian: bool = False
    withdrawn_at: datetime | None = None
    lapsed: bool = False  # its end has been recorded


@dataclass(frozen=True, slots=True)
class Bar:
    """A legal reason that shuts the gate `legal` and pauses nothing."""

    kind: str
    owner: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """The person of a case, as far as rules ask; unknown age counts as a child (stories.md 2.6)."""

    adult_on: date | None = None  # eighteenth birthday; None: unknown age, which counts as a child
    child_since: datetime | None = None
    turned_adult: bool = False
    adult_since: datetime | None = None  # since when she is known as an adult
    country: str = ""  # of nationality
    consents: tuple[Consent, ...] = ()
    flags: Mapping[str, datetime] = field(default_factory=dict)
    flags_lifted: Mapping[str, datetime] = field(default_factory=dict)
    bars: Mapping[str, Bar] = field(default_factory=dict)
    bars_lifted_at: datetime | None = None

    def is_child(self, today: date) -> bool:
        """True before the eighteenth birthday; an unknown age counts as a child (2.6)."""
        return self.adult_on is None or today < self.adult_on
