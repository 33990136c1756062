"""What the caller can do now with a case or a step: asked of the core's own checks, never guessed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.json.schemas.base import Shape
from api.policy import Caller, Policy, permission_of
from domain import errors as core
from domain.case.possible import possible
from domain.case.state import Case


class CanShape(Shape):
    """Whether an act is open, and the type of the refusal where it is not."""

    open: bool
    why: str = Field(description="The refusal's type, as `closed-gate`; empty where it is open.")


def can_of(
    policy: Policy, caller: Caller, case: Case, at: datetime, step: str = ""
) -> dict[str, CanShape]:
    """Every act the caller's account may ask for, on the case or on one step of it.

    Whoever does not see the whole case hears that a step is not theirs, and no more.
    """
    whole = policy.sees_case(caller, case)
    found = possible(case, caller.office, caller.user, at, step=step)
    return {
        name: CanShape(open=one.is_open, why=_why(one.refused, whole=whole))
        for name, one in found.items()
        if policy.may(caller, permission_of(name))
    }


def _why(refused: core.Refused | None, *, whole: bool) -> str:
    if refused is None:
        return ""
    return (
        refused.slug if whole or not isinstance(refused, core.DoNotNotify) else core.NotYours.slug
    )
