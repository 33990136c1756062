"""What happens in a case: the person, her consents, the handover, the case's own states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from domain.case.person import Consent
from domain.event import Acted, Event, event
from domain.work import events as work_events
from domain.work.calendar import Calendar
from domain.work.state import Office

KINDS: dict[str, type[Event]] = {**work_events.KINDS}  # everything the ledger of a case may hold


@event(KINDS)
class CaseOpened(Acted):
    """The first report."""

    case_id: str
    edition: int
    procedure_digest: str
    adult_on: date | None
    country: str
    offices: tuple[Office, ...]
    roles: Mapping[str, str]
    flags: tuple[str, ...] = ()
    crossings: Mapping[str, str] = field(default_factory=dict)
    calendars: tuple[Calendar, ...] = ()


@event(KINDS)
class CaseMoved(Acted):
    """The case went to another state: returned, closed, cancelled, open again ..."""

    state: str
    why: str


@event(KINDS)
class CaseReopened(Acted):
    """A closed or cancelled case lives again."""


@event(KINDS)
class TurnedAdult(Event):
    """The eighteenth birthday began where the person is."""


@event(KINDS)
class FactCorrected(Acted):
    """A wrong fact was put right. The value itself is not told, but for what the rules judge."""

    fact: str
    adult_on: date | None = None
    country: str = ""
    step: str = ""
    attempt: int = 0
    outcome: str = ""


@event(KINDS)
class ConsentGiven(Acted):
    """A yes for one purpose, or its renewal."""

    consent: Consent


@event(KINDS)
class ConsentConfirmed(Event):
    """Asked again and said yes again."""

    purpose: str


@event(KINDS)
class ConsentWithdrawn(Acted):
    """A no. Nobody has to say why."""

    purpose: str


@event(KINDS)
class ConsentLapsed(Event):
    """A consent came to the end of its last day."""

    purpose: str


@event(KINDS)
class FlagSet(Acted):
    """A fact about the person or the danger."""

    flag: str


@event(KINDS)
class FlagLifted(Acted):
    """No longer so."""

    flag: str


@event(KINDS)
class BarSet(Acted):
    """A witness duty, warrant or court order that shuts the gate `legal`."""

    kind: str
    owner: str
    review: date


@event(KINDS)
class BarLifted(Acted):
    """Its owner released it."""

    kind: str


@event(KINDS)
class HandoverPlanned(Acted):
    """A day, a crossing and a receiving office."""

    number: int
    planned_at: datetime
    crossing: str
    receiving: str


@event(KINDS)
class HandoverEnded(Event):
    """The plan to cross is off; the gate crossing stays shut until a new one."""

    number: int
    why: str


@event(KINDS)
class Departed(Acted):
    """On the way to the crossing, every gate open."""

    number: int


@event(KINDS)
class ManifestMade(Event):
    """A new version of who travels; an empty one is not sent."""

    version: int
    empty: bool


@event(KINDS)
class CrossingChanged(Acted):
    """A crossing was shut or opened."""

    crossing: str
    status: str
