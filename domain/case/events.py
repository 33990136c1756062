"""What happened, in the past tense: the ledger's rows. Each carries all that `apply` needs.

`at` is the moment it was recorded, or the nominal moment of a timer; whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.case.state import Consent, Office, Pending
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything that happened in a case."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted(Event):
    """Something an office did. `by` is the office that recorded it, `user` the person's id."""

    by: str = ""
    user: str = ""
    for_: str = ""
    reason: str = ""  # name of a private text


# -- the case


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMoved(Acted):
    """The case went to another state: returned, closed, cancelled, open again ..."""

    state: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReopened(Acted):
    """A closed or cancelled case lives again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHeld(Acted):
    """The task clocks stand still until somebody resumes."""

    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResumed(Acted):
    """The hold is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesAdopted(Acted):
    """The case moved to another rulebook."""

    procedure_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionMoved(Event):
    """The case moved to a newer edition of the core."""

    edition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAdult(Event):
    """The eighteenth birthday began where the person is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleFound(Event):
    """No open task for so long that the case counts as stalled (stories.md 4.9)."""

    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCorrected(Acted):
    """A wrong fact was put right. The value itself is not told, but for what the rules judge."""

    fact: str
    adult_on: date | None = None
    country: str = ""
    step: str = ""
    attempt: int = 0
    outcome: str = ""


# -- tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOffered(Event):
    """A step (or its next attempt, or a watch) was made and handed to an office."""

    step: str
    attempt: int
    role: str
    holder: str
    made_for: str
    started_at: datetime
    clock: Clock | None
    due_at: datetime | None
    unrolled_on: date | None
    pending: tuple[Pending, ...] = ()
    given: bool = False
    left: Clock | None = None  # made during a hold: the whole clock is left
    valid_until: date | None = None  # the paper it is about
    reports: tuple[Pending, ...] = ()
    handover_no: int = 0
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAccepted(Acted):
    """The office said it will do it."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMoved(Acted):
    """Another office holds the task now: declined, withdrawn, reassigned or excluded."""

    step: str
    attempt: int
    to: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPreassigned(Acted):
    """A step to come will be made for this office."""

    step: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDone(Acted):
    """A step got its outcome."""

    step: str
    attempt: int
    outcome: str
    happened_at: datetime
    valid_until: date | None = None
    approved_by: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # no free text, no names
    ends_at: datetime | None = None  # of a paper that is watched
    pending: tuple[Pending, ...] = ()  # warnings before it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSkipped(Acted):
    """A step was left out: skipped, waived, cancelled by decision, or the case ended."""

    step: str
    attempt: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTakenBack(Event):
    """What the step waits for is no longer so; it may be made again later."""

    step: str
    attempt: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNoted(Acted):
    """A note on a task; its words are a private text."""

    step: str
    attempt: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPromised(Acted):
    """The office named the day it will be done; reminders until then are quiet."""

    step: str
    attempt: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Acted):
    """Somebody raised an alarm on a task."""

    step: str
    attempt: int
    alarm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet(Acted):
    """A due date moved: extended, resumed, another calendar, other rules. `old` may be none."""

    step: str
    attempt: int
    old: datetime | None
    due_at: datetime
    unrolled_on: date | None
    pending: tuple[Pending, ...]
    clock: Clock | None
    clock_from: datetime
    how: str
    given: bool = False
    anew: bool = True  # reminders and rungs count from it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStopped(Event):
    """A hold stopped this clock; `left` is kept."""

    step: str
    attempt: int
    left: Clock


# -- rungs and escalations


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded(Event):
    """E0: at 50 or 80 percent of the clock, or before the end of a paper or watch."""

    step: str
    attempt: int
    to: tuple[str, ...]
    quiet: bool = False  # a promised day has not come: nobody is reminded, nothing is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RungFired(Event):
    """A level of the ladder was reached. `opens`: it opened an escalation."""

    step: str
    attempt: int
    rung: str
    to: tuple[str, ...]
    decides: bool
    opens: bool
    top: bool = False  # at once; the rungs below do not fire


@dataclass(frozen=True, slots=True, kw_only=True)
class RungSkipped(Event):
    """Nobody on this rung could take it; the next fired at that moment (stories.md 3.10)."""

    step: str
    attempt: int
    rung: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationDecided(Acted):
    """An escalation ended by a recorded decision (or was referred up)."""

    step: str
    attempt: int
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationOvertaken(Event):
    """The answer it waited for came, or the step fell away."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Event):
    """Something worth a line: agenda_item, national_report, answered_in_time."""

    what: str
    step: str
    attempt: int = 0


# -- the person


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Acted):
    """A yes for one purpose, or its renewal."""

    consent: Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentConfirmed(Event):
    """Asked again and said yes again."""

    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Acted):
    """A no. Nobody has to say why."""

    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentLapsed(Event):
    """A consent came to the end of its last day."""

    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSet(Acted):
    """A fact about the person or the danger."""

    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagLifted(Acted):
    """No longer so."""

    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarSet(Acted):
    """A witness duty, warrant or court order that shuts the gate `legal`."""

    kind: str
    owner: str
    review: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BarLifted(Acted):
    """Its owner released it."""

    kind: str


# -- the road


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPlanned(Acted):
    """A day, a crossing and a receiving office."""

    number: int
    planned_at: datetime
    crossing: str
    receiving: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverEnded(Event):
    """The plan to cross is off; the gate crossing stays shut until a new one."""

    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed(Acted):
    """On the way to the crossing, every gate open."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestMade(Event):
    """A new version of who travels; an empty one is not sent."""

    version: int
    empty: bool


# -- the world


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingChanged(Acted):
    """A crossing was shut or opened."""

    crossing: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged(Acted):
    """A country's days off became known anew."""

    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class PostChanged(Acted):
    """Somebody else holds the post, nobody does, or it is excluded from this case."""

    office: Office


# -- what leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued(Event):
    """A message that is to leave at `leaves_at`; whether it may is asked at that moment."""

    id: int
    kind: str
    step: str
    attempt: int
    to: str
    carries: tuple[str, ...]
    leaves_at: datetime
    about: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReleased(Event):
    """It left: the outbox may deliver it. `carries` as allowed at this moment."""

    id: int
    kind: str
    step: str
    attempt: int
    to: str
    carries: tuple[str, ...]
    about: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDropped(Event):
    """It may not, or need not, leave any more."""

    id: int
    why: str


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        CaseOpened,
        CaseMoved,
        CaseReopened,
        CaseHeld,
        CaseResumed,
        RulesAdopted,
        EditionMoved,
        TurnedAdult,
        IdleFound,
        FactCorrected,
        TaskOffered,
        TaskAccepted,
        TaskMoved,
        TaskPreassigned,
        TaskDone,
        TaskSkipped,
        TaskTakenBack,
        TaskNoted,
        TaskPromised,
        AlarmRaised,
        ClockSet,
        ClockStopped,
        Reminded,
        RungFired,
        RungSkipped,
        EscalationDecided,
        EscalationOvertaken,
        Recorded,
        ConsentGiven,
        ConsentConfirmed,
        ConsentWithdrawn,
        ConsentLapsed,
        FlagSet,
        FlagLifted,
        BarSet,
        BarLifted,
        HandoverPlanned,
        HandoverEnded,
        Departed,
        ManifestMade,
        CrossingChanged,
        CalendarChanged,
        PostChanged,
        MessageQueued,
        MessageReleased,
        MessageDropped,
    )
}
