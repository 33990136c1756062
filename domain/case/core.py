"""`advance`: wake, decide, wake. The one step that player, workflow and forecast share.

Where editions differ the code asks the case's own switches (`domain/behaviour.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.behaviour import behaviour_of
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
from domain.case.hooks import HOOKS
from domain.case.state import Case
from domain.errors import InvalidField
from domain.event import Event
from domain.work.consequences import settle
from domain.work.transition import Transition
from domain.work.wake import next_wake as wake_of
from domain.work.wake import wake

Act = Callable[[Transition[Case], Command, datetime], None]

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


def open_case(opening: OpenCase, at: datetime) -> tuple[Event, ...]:
    """The first events of a case: the report, and whatever is asked of whom at once.

    Raises ValueError for an edition this program does not know.
    """
    behaviour_of(opening.edition)
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    transition = Transition(case, HOOKS)
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


def advance(case: Case, command: Command | None, at: datetime) -> tuple[Event, ...]:
    """Everything that happens up to `at`, and at `at` the act, if there is one.

    With an act, timers of that very moment come after it (stories.md 1): they fire with the next
    call. Raises a `Refused`; nothing has changed then, not even what was due before.
    """
    behaviour_of(case.edition)
    transition = Transition(case, HOOKS)
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


def next_wake(case: Case) -> datetime | None:
    """When something happens next by itself; None once the case is ended."""
    return wake_of(case, HOOKS)
