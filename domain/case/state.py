"""The state of one case: frozen data only. What changes it is in `apply.py`; why, in `acts/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from domain.work.procedure import Card, Procedure, side_of

EDITION = 1  # of cases opened from now on; what each one means: editions.py
ENDED = frozenset({"closed", "cancelled"})
OPEN_STATES = frozenset({"offered", "accepted"})


@dataclass(frozen=True, slots=True)
class Office:
    """An office bound to this case. Posts are held by user ids, which are opaque."""

    id: str
    role: str
    country: str  # empty: no side, it counts where the person is
    head: str
    deputy: str = ""
    under: str = ""  # the office E1 goes to
    vacant: bool = False
    excluded: bool = False  # conflict of interest in this case

    def holder_now(self) -> str:
        """Who answers for the post: the head, or the deputy while nobody holds it."""
        return self.deputy if self.vacant else self.head


@dataclass(frozen=True, slots=True)
class Pending:
    """A reminder or rung that has not fired: its name and nominal moment."""

    rung: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of a step in the hands of one office, or a watch."""

    step: str
    attempt: int
    state: str  # offered accepted done skipped waiting
    role: str
    holder: str
    made_for: str  # the office whose calendar counts, whoever holds it
    started_at: datetime
    offered_at: datetime
    clock: Clock | None = None
    due_at: datetime | None = None
    unrolled_on: date | None = None
    clock_from: datetime | None = None  # when the present clock began: made, or resumed
    given: bool = False  # the due date was given by a person: it neither rolls nor moves
    pending: tuple[Pending, ...] = ()
    reminders: int = 0
    rung: str = "none"
    rung_to: tuple[str, ...] = ()
    deciders: tuple[str, ...] = ()  # whom the deciding rungs reached, since the due date was set
    asked_before: tuple[str, ...] = ()  # who could once decide, and cannot any more
    escalation: str = "none"  # none open decided overtaken
    decided_at: datetime | None = None
    accepted_at: datetime | None = None
    left: Clock | None = None  # what a hold kept
    promised_on: date | None = None
    outcome: str = ""
    happened_at: datetime | None = None
    ended_at: datetime | None = None
    ended_version: int = 0  # of the case, when it ended
    ended_by: str = ""  # office
    ended_user: str = ""
    ended_for: str = ""
    valid_until: date | None = None
    reports: tuple[Pending, ...] = ()
    danger: bool = False  # at the top rung at once; lower rungs do not fire
    handover_no: int = 0  # the handover plan a dated step belongs to
    about: str = ""  # the kind of bar a review is about

    @property
    def is_open(self) -> bool:
        """True while somebody may still complete it."""
        return self.state in OPEN_STATES

    @property
    def key(self) -> str:
        """Step and attempt, as the ledger names a task."""
        return f"{self.step}#{self.attempt}"


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
class Handover:
    """A plan to cross: when, where, to whom."""

    number: int
    at: datetime
    crossing: str
    receiving: str
    planned_at: datetime
    ended: str = ""  # why it ended; empty while it stands
    departed_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """True until something ends the plan."""
        return not self.ended


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is to leave, or has left. Names fields, never their contents."""

    id: int
    kind: str
    step: str
    to: str
    carries: tuple[str, ...]
    leaves_at: datetime
    about: str = ""  # the rung or decision
    version: int = 0
    attempt: int = 0
    left_at: datetime | None = None
    dropped: str = ""  # why it will never leave


@dataclass(frozen=True, slots=True)
class Case:
    """One person's way home. Folded from its events; holds no name, contact or free text."""

    id: str
    procedure: Procedure
    procedures: Mapping[str, Procedure]  # every rulebook this case has known, by digest
    procedure_digest: str
    edition: int = 1  # never EDITION: what is left out of a kept case means 1 for ever
    version: int = 0  # events applied so far; the ledger's seq
    state: str = "new"  # new open on_hold returned returned_legal_open closed cancelled
    opened_at: datetime | None = None
    now: datetime | None = None  # moment of the newest event
    adult_on: date | None = None  # eighteenth birthday; None: unknown age, which counts as a child
    child_since: datetime | None = None
    turned_adult: bool = False
    adult_since: datetime | None = None  # since when she is known as an adult
    country: str = ""  # of nationality
    offices: Mapping[str, Office] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # changed since the opening
    tasks: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    preassigned: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, datetime] = field(default_factory=dict)  # steps offered by an outcome
    consents: tuple[Consent, ...] = ()
    flags: Mapping[str, datetime] = field(default_factory=dict)
    flags_lifted: Mapping[str, datetime] = field(default_factory=dict)
    bars: Mapping[str, Bar] = field(default_factory=dict)
    bars_lifted_at: datetime | None = None
    held_at: datetime | None = None
    held_by: str = ""
    newest_handover: Handover | None = None
    crossings: Mapping[str, str] = field(default_factory=dict)
    returned_at: datetime | None = None
    reopened_at: datetime | None = None
    messages: tuple[Message, ...] = ()
    messages_made: int = 0
    manifest_version: int = 0
    idle_since: datetime | None = None
    idle_reported: bool = False
    users_by_step: Mapping[str, str] = field(default_factory=dict)  # who completed what

    # -- looking things up

    @property
    def ended(self) -> bool:
        """True when nothing can happen until somebody reopens it."""
        return self.state in ENDED

    @property
    def on_hold(self) -> bool:
        """True while a hold pauses the task clocks."""
        return self.held_at is not None

    def card(self, step: str) -> Card | None:
        """The card of a step, or None where the corridor lacks it."""
        return self.procedure.cards.get(step)

    def newest(self, step: str) -> Task | None:
        """The newest attempt of a step, if it was ever made."""
        attempts = self.tasks.get(step)
        return attempts[-1] if attempts else None

    def newest_done(self, step: str) -> Task | None:
        """The newest attempt that has an outcome."""
        for task in reversed(self.tasks.get(step, ())):
            if task.state == "done":
                return task
        return None

    def outcome(self, step: str) -> str:
        """The outcome of the newest attempt; empty while it is open."""
        task = self.newest(step)
        return task.outcome if task is not None and task.state == "done" else ""

    def open_tasks(self) -> Iterator[Task]:
        """Every task somebody can still complete; watches are not tasks."""
        for task in self.running():
            card = self.procedure.cards.get(task.step)
            if card is None or not card.watch:
                yield task

    def running(self) -> Iterator[Task]:
        """Open tasks and running watches: whatever still has a clock."""
        for attempts in self.tasks.values():
            for task in attempts:
                if task.is_open:
                    yield task

    def warned(self) -> Iterator[Task]:
        """Done steps whose paper is watched until its end, as a protection order."""
        for attempts in self.tasks.values():
            if attempts[-1].state == "done" and attempts[-1].pending:
                yield attempts[-1]

    def office_of(self, role: str) -> str:
        """The office that holds a role here, or empty."""
        return self.roles.get(role, "")

    def place(self) -> str:
        """The country where the person is: the host's until handed over."""
        return (
            self.procedure.origin if self.returned_at or self.handed_over else self.procedure.host
        )

    @property
    def handed_over(self) -> bool:
        """True once the person has crossed; that is never undone (stories.md 4.8)."""
        step, _, outcome = self.procedure.departs_after_outcome.partition(":")
        return any(t.outcome == outcome for t in self.tasks.get(step, ()) if t.state == "done")

    def country_of(self, office: str) -> str:
        """The country whose calendar an office keeps."""
        found = self.offices.get(office)
        if found is None or not found.country:
            return self.place()
        return found.country

    def calendar_of(self, country: str) -> Calendar:
        """A country's calendar as this case knows it now."""
        return self.calendars.get(country) or self.procedure.calendar(country)

    def calendar_for(self, office: str) -> Calendar:
        """The calendar an office keeps."""
        return self.calendar_of(self.country_of(office))

    def calendar_of_step(self, step: str, office: str) -> Calendar:
        """The calendar a step's clock counts: the office's, or the side's its card names (3.12)."""
        card = self.procedure.cards.get(step)
        if card is None or not card.calendar:
            return self.calendar_for(office)
        return self.calendar_for(self.office_of(f"{card.calendar}.focal") or office)

    def calendar_of_task(self, task: Task) -> Calendar:
        """The calendar a task's clock counts, whoever holds it now (3.4)."""
        return self.calendar_of_step(task.step, task.made_for)

    def is_child(self, at: datetime) -> bool:
        """True before the eighteenth birthday; an unknown age counts as a child (2.6)."""
        if self.adult_on is None:
            return True
        return self.calendar_of(self.place()).local_date(at) < self.adult_on

    def side_of_office(self, office: str) -> str:
        """`host`, `origin` or empty, by the role the office holds."""
        found = self.offices.get(office)
        return side_of(found.role) if found is not None else ""

    @property
    def handover(self) -> Handover | None:
        """The plan to cross that stands, if any."""
        newest = self.newest_handover
        return newest if newest is not None and newest.stands else None
