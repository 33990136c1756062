"""What is to come: if nobody acts, and if the case moved to newer rules. Asking changes nothing.

Only the core foresees; here it is written down, and never about whom.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.json.schemas.base import Shape
from domain.case import preview, reading
from domain.case.state import Case
from domain.work.procedure import Procedure
from records.cases import CaseView


class ForeseenShape(Shape):
    """A reminder or rung that comes if nobody acts."""

    step: str
    title: str
    rung: str = Field(examples=["E2"])
    at: datetime
    to: list[str]


class ForecastShape(Shape):
    """What happens, in order, if nobody acts."""

    case: str
    reference: str
    version: int
    now: datetime
    if_nobody_acts: list[ForeseenShape]


def forecast_shape(case: Case, row: CaseView, at: datetime, days: int) -> ForecastShape:
    """Return what the core foresees from `at` on."""
    return ForecastShape(
        case=case.id,
        reference=row.reference,
        version=case.version,
        now=at,
        if_nobody_acts=[
            ForeseenShape(
                step=found.step,
                title=case.procedure.cards[found.step].title,
                rung=found.rung,
                at=found.at,
                to=list(found.to),
            )
            for found in reading.forecast(case, at, days)
            if found.step in case.procedure.cards
        ],
    )


class MovedShape(Shape):
    """An open step whose due date would move."""

    step: str
    old: datetime | None
    new: datetime


class NewerRulesShape(Shape):
    """What moving the case to the rules in force would change."""

    rules_now: str
    rules_newer: str
    same: bool = Field(description="The case follows these rules already.")
    due_dates: list[MovedShape]
    vanished: list[str] = Field(description="Open steps that the newer rules do not know.")
    begun: list[str] = Field(description="Steps that would be offered at once.")


def newer_rules_shape(
    case: Case, procedure: Procedure, digest: str, at: datetime
) -> NewerRulesShape:
    """Return what the core says `adopt_rules` would do now."""
    found = preview.adopting(case, procedure, digest, at)
    return NewerRulesShape(
        rules_now=case.procedure.version,
        rules_newer=procedure.version,
        same=digest == case.procedure_digest,
        due_dates=[MovedShape(step=m.step, old=m.old, new=m.new) for m in found.moved],
        vanished=list(found.vanished),
        begun=list(found.begun),
    )
