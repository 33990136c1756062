"""What happens in the work of any subject: tasks, clocks, rungs, escalations, holds, messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from domain.event import Acted, Event, event
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from domain.work.state import Office, Pending

KINDS: dict[str, type[Event]] = {}


@event(KINDS)
class WorkHeld(Acted):
    """The task clocks stand still until somebody resumes."""

    until: date


@event(KINDS)
class WorkResumed(Acted):
    """The hold is over."""


@event(KINDS)
class RulesAdopted(Acted):
    """The case moved to another rulebook."""

    procedure_digest: str


@event(KINDS)
class EditionMoved(Event):
    """The case moved to a newer edition of the core."""

    edition: int


@event(KINDS)
class IdleFound(Event):
    """No open task for so long that the case counts as stalled (stories.md 4.9)."""

    since: datetime


@event(KINDS)
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


@event(KINDS)
class TaskAccepted(Acted):
    """The office said it will do it."""

    step: str
    attempt: int


@event(KINDS)
class TaskMoved(Acted):
    """Another office holds the task now: declined, withdrawn, reassigned or excluded."""

    step: str
    attempt: int
    to: str
    how: str


@event(KINDS)
class TaskPreassigned(Acted):
    """A step to come will be made for this office."""

    step: str
    to: str


@event(KINDS)
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


@event(KINDS)
class TaskSkipped(Acted):
    """A step was left out: skipped, waived, cancelled by decision, or the case ended."""

    step: str
    attempt: int
    how: str


@event(KINDS)
class TaskTakenBack(Event):
    """What the step waits for is no longer so; it may be made again later."""

    step: str
    attempt: int
    how: str


@event(KINDS)
class TaskNoted(Acted):
    """A note on a task; its words are a private text."""

    step: str
    attempt: int
    note: str


@event(KINDS)
class TaskPromised(Acted):
    """The office named the day it will be done; reminders until then are quiet."""

    step: str
    attempt: int
    on: date


@event(KINDS)
class AlarmRaised(Acted):
    """Somebody raised an alarm on a task."""

    step: str
    attempt: int
    alarm: str


@event(KINDS)
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


@event(KINDS)
class ClockStopped(Event):
    """A hold stopped this clock; `left` is kept."""

    step: str
    attempt: int
    left: Clock


@event(KINDS)
class Reminded(Event):
    """E0: at 50 or 80 percent of the clock, or before the end of a paper or watch."""

    step: str
    attempt: int
    to: tuple[str, ...]
    quiet: bool = False  # a promised day has not come: nobody is reminded, nothing is counted


@event(KINDS)
class RungFired(Event):
    """A level of the ladder was reached. `opens`: it opened an escalation."""

    step: str
    attempt: int
    rung: str
    to: tuple[str, ...]
    decides: bool
    opens: bool
    top: bool = False  # at once; the rungs below do not fire


@event(KINDS)
class RungSkipped(Event):
    """Nobody on this rung could take it; the next fired at that moment (stories.md 3.10)."""

    step: str
    attempt: int
    rung: str
    why: str


@event(KINDS)
class EscalationDecided(Acted):
    """An escalation ended by a recorded decision (or was referred up)."""

    step: str
    attempt: int
    decision: str


@event(KINDS)
class EscalationOvertaken(Event):
    """The answer it waited for came, or the step fell away."""

    step: str
    attempt: int


@event(KINDS)
class Recorded(Event):
    """Something worth a line: agenda_item, national_report, answered_in_time."""

    what: str
    step: str
    attempt: int = 0


@event(KINDS)
class CalendarChanged(Acted):
    """A country's days off became known anew."""

    calendar: Calendar


@event(KINDS)
class PostChanged(Acted):
    """Somebody else holds the post, nobody does, or it is excluded from this case."""

    office: Office


@event(KINDS)
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


@event(KINDS)
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


@event(KINDS)
class MessageDropped(Event):
    """It may not, or need not, leave any more."""

    id: int
    why: str
