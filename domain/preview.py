"""What moving a case to a newer rulebook would change, before anybody does it (features.md B08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain import events as e
from domain.acts.steering import adopt
from domain.case import Case
from domain.commands import Command
from domain.draft import Draft
from domain.plan import Plan
from domain.settle import settle


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


def adopting(case: Case, plan: Plan, digest: str, at: datetime) -> Preview:
    """What `adopt_rules` would do now; what is done stays in any case. Changes nothing."""
    if case.ended or digest == case.plan_digest:
        return Preview((), (), ())
    draft = Draft(case)
    adopt(draft, Command("adopt_rules", "", "", plan=plan, plan_digest=digest), draft.moment(at))
    settle(draft, draft.moment(at))
    moved = [Moved(v.step, v.old, v.due_at) for v in draft.events if isinstance(v, e.ClockSet)]
    gone = [v.step for v in draft.events if isinstance(v, e.TaskSkipped) and v.how == "vanished"]
    begun = [v.step for v in draft.events if isinstance(v, e.TaskOffered)]
    return Preview(tuple(moved), tuple(gone), tuple(begun))
