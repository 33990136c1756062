"""The work of one subject: offices, roles, tasks, messages, hold. Frozen data; changed by `apply.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from domain.work.procedure import side_of

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
class Work:
    """Who does what by when: what every subject shares, whatever noun it is."""

    offices: Mapping[str, Office] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)  # role -> office
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # changed since the opening
    tasks: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)  # step -> attempts
    preassigned: Mapping[str, str] = field(default_factory=dict)  # step to come -> office
    users_by_step: Mapping[str, str] = field(default_factory=dict)  # who completed what
    messages: tuple[Message, ...] = ()  # that wait to leave
    messages_made: int = 0
    held_at: datetime | None = None
    held_by: str = ""
    idle_since: datetime | None = None
    idle_reported: bool = False

    @property
    def on_hold(self) -> bool:
        """True while a hold pauses the task clocks."""
        return self.held_at is not None

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

    def side_of_office(self, office: str) -> str:
        """`host`, `origin`, `transit` or empty, by the role the office holds."""
        holder = self.offices.get(office)
        return side_of(holder.role) if holder is not None else ""
