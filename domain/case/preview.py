"""What newer rules or another calendar would change in a case, before anybody says so (features.md B08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.case.acts.steering import adopt
from domain.case.core import ACTS, command_of
from domain.case.hooks import HOOKS
from domain.case.state import Case
from domain.work import events as e
from domain.work.calendar import Calendar
from domain.work.consequences import settle
from domain.work.procedure import Procedure
from domain.work.transition import Transition


@dataclass(frozen=True, slots=True)
class Moved:
    """An open step whose due date would move."""

    step: str
    old: datetime | None
    new: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """Old and new due dates, steps that would vanish, and steps that would be made at once."""

    moved: tuple[Moved, ...]
    vanished: tuple[str, ...]
    begun: tuple[str, ...]


def adopting(case: Case, procedure: Procedure, digest: str, at: datetime) -> Preview:
    """What `adopt_rules` would do now; what is done stays in any case. Changes nothing."""
    if case.ended or digest == case.procedure_digest:
        return Preview((), (), ())
    transition = Transition(case, HOOKS)
    adopt(
        transition,
        command_of("adopt_rules", by="", user="", procedure=procedure, procedure_digest=digest),
        transition.moment(at),
    )
    return _seen_in(transition, at)


def declaring(case: Case, calendar: Calendar, at: datetime) -> Preview:
    """What this list of days would move now (stories.md 3.11). Changes nothing."""
    if case.ended:
        return Preview((), (), ())
    transition = Transition(case, HOOKS)
    command = command_of("world_calendar", by="", user="", calendar=calendar)
    ACTS["world_calendar"].do(transition, command, transition.moment(at))
    return _seen_in(transition, at)


def _seen_in(transition: Transition[Case], at: datetime) -> Preview:
    settle(transition, transition.moment(at))
    moved = [Moved(v.step, v.old, v.due_at) for v in transition.events if isinstance(v, e.ClockSet)]
    gone = [
        v.step for v in transition.events if isinstance(v, e.TaskSkipped) and v.how == "vanished"
    ]
    begun = [v.step for v in transition.events if isinstance(v, e.TaskOffered)]
    return Preview(tuple(moved), tuple(gone), tuple(begun))
