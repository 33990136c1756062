"""`advance`: wake, decide, wake. The one step that player, workflow and forecast share.

Each question goes to the edition of the case (`editions.py`); the present one stands below.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.case import events as e
from domain.case.acts import (
    complete,
    escalation,
    handover,
    holding,
    person,
    steering,
    task,
    world,
)
from domain.case.apply import blank
from domain.case.commands import Command, OpenCase
from domain.case.state import EDITION, Case
from domain.editions import EDITIONS, Edition, edition_of
from domain.errors import InvalidField
from domain.work.consequences import settle
from domain.work.transition import Transition
from domain.work.wake import next_wake as _next_wake
from domain.work.wake import wake

__all__ = ["ACTS", "EDITIONS", "advance", "next_wake", "open_case"]

Act = Callable[[Transition, Command, datetime], None]

ACTS: dict[str, Act] = {
    "accept": task.accept,
    "decline": task.decline,
    "complete": complete.complete,
    "return": task.return_,
    "withdraw": task.withdraw,
    "note": task.note,
    "promise": task.promise,
    "alarm": task.alarm,
    "hold": holding.hold,
    "resume": holding.resume,
    "extend": steering.extend,
    "reassign": task.reassign,
    "skip": steering.skip,
    "correct": steering.correct,
    "cancel": steering.cancel,
    "close": steering.close,
    "reopen": steering.reopen,
    "adopt_rules": steering.adopt_rules,
    "plan_handover": handover.plan_handover,
    "depart": handover.depart,
    "decide": escalation.decide,
    "consent": person.consent,
    "withdraw_consent": person.withdraw_consent,
    "flag": person.flag,
    "unflag": person.unflag,
    "bar": person.bar,
    "lift_bar": person.lift_bar,
    "world_crossing": world.crossing,
    "world_calendar": world.calendar,
    "world_post": world.post,
    "world_edition": world.edition,
}


def open_case(opening: OpenCase, at: datetime) -> tuple[e.Event, ...]:
    """The first events of a case: the report, and whatever is asked of whom at once."""
    return edition_of(opening.edition).open_case(opening, at)


def advance(case: Case, command: Command | None, at: datetime) -> tuple[e.Event, ...]:
    """Everything that happens up to `at`, and at `at` the act, if there is one.

    With an act, timers of that very moment come after it (stories.md 1): they fire with the next
    call. Raises a `Refused`; nothing has changed then, not even what was due before.
    """
    return edition_of(case.edition).advance(case, command, at)


def next_wake(case: Case) -> datetime | None:
    """When something happens next by itself; None once the case is ended."""
    return edition_of(case.edition).next_wake(case)


def _open_case(opening: OpenCase, at: datetime) -> tuple[e.Event, ...]:
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    transition = Transition(case)
    transition.add(
        e.CaseOpened(
            at=at,
            case_id=opening.case_id,
            edition=opening.edition,
            procedure_digest=opening.procedure_digest,
            adult_on=opening.adult_on,
            country=opening.country,
            offices=opening.offices,
            roles=dict(opening.roles),
            flags=opening.flags,
            crossings=dict(opening.crossings),
            user=opening.user,
        )
    )
    for flag in opening.flags:
        if flag.startswith(person.CONFLICT):
            person.exclude(transition, flag.removeprefix(person.CONFLICT), at, excluded=True)
    settle(transition, at)
    return tuple(transition.events)


def _advance(case: Case, command: Command | None, at: datetime) -> tuple[e.Event, ...]:
    transition = Transition(case)
    at = transition.moment(at)
    if command is None:
        wake(transition, at, inclusive=True)
        return tuple(transition.events)
    wake(transition, at, inclusive=False)
    act = ACTS.get(command.do)
    if act is None:
        raise InvalidField(f"`do` is not known: {command.do}")
    act(transition, command, transition.moment(at))
    settle(transition, at)
    wake(transition, at, inclusive=False)
    return tuple(transition.events)


EDITIONS[EDITION] = Edition(_open_case, _advance, _next_wake)
