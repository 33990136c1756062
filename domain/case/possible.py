"""Which acts are open to somebody now, and why the others are not: the checks themselves, asked.

What an act says (its fields) is not asked: nobody has filled them in yet. Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.act import Act, Command
from domain.case.core import ACTS
from domain.case.state import Case
from domain.errors import Refused, WrongState


@dataclass(frozen=True, slots=True)
class Possible:
    """An act, and what refuses it if it is not open.

    `bodies`: of the words that it may be tried with (outcomes, purposes, flags) those that go.
    """

    do: str
    refused: Refused | None = None
    bodies: tuple[Any, ...] = ()

    @property
    def is_open(self) -> bool:
        """True when only the fields that people fill in stand between."""
        return self.refused is None


def possible(
    case: Case,
    office: str,
    user: str,
    at: datetime,
    *,
    step: str = "",
    for_: str = "",
    member: bool = True,
) -> dict[str, Possible]:
    """Every act on the whole case, or on one step of it, for somebody of this office.

    `for_`: the office for which they would record; `member`: they work there, not only the post.
    """
    about = {"task", "step"} if step else {"case"}
    return {
        name: possible_act(name, case, office, user, at, step=step, for_=for_, member=member)
        for name, act in ACTS.items()
        if act.about in about
    }


def possible_act(
    name: str,
    case: Case,
    office: str,
    user: str,
    at: datetime,
    *,
    step: str = "",
    for_: str = "",
    member: bool = True,
) -> Possible:
    """One act; see `possible`."""
    asked = Command("", office, user, None, for_=for_, member=member)
    return _possible(ACTS[name], case, step, asked, at)


def _possible(act: Act, case: Case, step: str, asked: Command[Any], at: datetime) -> Possible:
    bodies = tuple(act.samples(case, step)) if act.samples is not None else (act.takes(),)
    refused: Refused | None = None if bodies else WrongState("There is nothing to do this to")
    able: list[Any] = []
    for body in bodies:
        no = _refusal(act, case, Command(act.name, **_envelope(asked), body=body), at)
        if no is None:
            able.append(body)
        refused = refused or no
    return Possible(act.name, None if able else refused, tuple(able))


def _envelope(asked: Command[Any]) -> dict[str, Any]:
    return {"by": asked.by, "user": asked.user, "for_": asked.for_, "member": asked.member}


def _refusal(act: Act, case: Case, command: Command[Any], at: datetime) -> Refused | None:
    try:
        act.may(case, command, at)
        act.fits(case, command, at)
    except Refused as refused:
        return refused
    return None
