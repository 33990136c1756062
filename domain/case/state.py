"""The state of one case: frozen data only. What changes it is in `apply.py`; why, in `acts/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.behaviour import Behaviour, behaviour_of
from domain.case.person import Person
from domain.case.segment import Handover, Segment
from domain.work.calendars import calendar_here
from domain.work.procedure import Card, Procedure
from domain.work.state import Work

ENDED = frozenset({"closed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Case:
    """One person's way home. Folded from its events; holds no name, contact or free text."""

    id: str
    procedures: Mapping[str, Procedure]  # every rulebook this case has known, by digest
    segments: tuple[Segment, ...]  # the legs of the way, the one under way last
    edition: int = 1  # never the newest: what is left out of a stored case means 1 for ever
    version: int = 0  # events applied so far; the ledger's seq
    state: str = "new"  # new open returned returned_legal_open closed cancelled
    opened_at: datetime | None = None
    reopened_at: datetime | None = None
    now: datetime | None = None  # moment of the newest event
    work: Work = field(default_factory=Work)
    person: Person = field(default_factory=Person)
    crossings: Mapping[str, str] = field(default_factory=dict)  # crossing -> open, closed

    @property
    def ended(self) -> bool:
        """True when nothing can happen until somebody reopens it."""
        return self.state in ENDED

    @property
    def behaviour(self) -> Behaviour:
        """The switches of its edition."""
        return behaviour_of(self.edition)

    @property
    def segment(self) -> Segment:
        """The leg under way."""
        return self.segments[-1]

    @property
    def procedure(self) -> Procedure:
        """The rules the leg under way goes by."""
        return self.procedures[self.segment.procedure_digest]

    @property
    def procedure_digest(self) -> str:
        """The name of those rules."""
        return self.segment.procedure_digest

    @property
    def handover(self) -> Handover | None:
        """The plan to cross that stands, if any."""
        return self.segment.handover

    @property
    def newest_handover(self) -> Handover | None:
        """The newest plan to cross, whether it stands or has ended."""
        return self.segment.newest_handover

    @property
    def handed_over(self) -> bool:
        """True once the person has crossed; that is never undone (stories.md 4.8)."""
        step, _, outcome = self.procedure.departs_after_outcome.partition(":")
        attempts = self.work.tasks.get(step, ())
        return any(task.outcome == outcome for task in attempts if task.state == "done")

    # -- what the work asks (domain/work/subject.py)

    @property
    def appointment(self) -> Handover | None:
        """Dated steps belong to the plan to cross."""
        return self.handover

    @property
    def newest_appointment(self) -> Handover | None:
        """The newest, whether it stands or has ended."""
        return self.newest_handover

    @property
    def appointment_over(self) -> bool:
        """Nothing more is made for a journey that is over."""
        return self.handed_over

    @property
    def place(self) -> str:
        """The country where the person is: the host's until handed over."""
        crossed = self.segment.returned_at is not None or self.handed_over
        return self.procedure.countries["origin" if crossed else "host"]

    # -- the person

    def card(self, step: str) -> Card | None:
        """The card of a step, or None where the corridor lacks it."""
        return self.procedure.cards.get(step)

    def is_child(self, at: datetime) -> bool:
        """True before the eighteenth birthday, counted where the person is (2.6, 3.2)."""
        return self.person.is_child(calendar_here(self).local_date(at))
