"""`advance`: wake, decide, wake. The one step that player, workflow and forecast share.

Where editions differ the code asks the case's own switches (`domain/behaviour.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.act import ENVELOPE, Act, Command, record
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
from domain.case.commands import OpenCase
from domain.case.hooks import HOOKS
from domain.case.state import Case
from domain.errors import InvalidField
from domain.event import Event
from domain.work.consequences import settle
from domain.work.transition import Transition
from domain.work.wake import next_wake as wake_of
from domain.work.wake import wake

ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        task.ACCEPT,
        task.DECLINE,
        complete.COMPLETE,
        task.RETURN,
        task.WITHDRAW,
        task.NOTE,
        task.PROMISE,
        task.ALARM,
        holding.HOLD,
        holding.RESUME,
        steering.EXTEND,
        task.REASSIGN,
        steering.SKIP,
        steering.CORRECT,
        steering.CANCEL,
        steering.CLOSE,
        steering.REOPEN,
        steering.ADOPT_RULES,
        handover.PLAN_HANDOVER,
        handover.DEPART,
        escalation.DECIDE,
        person.CONSENT,
        person.WITHDRAW_CONSENT,
        person.FLAG,
        person.UNFLAG,
        person.BAR,
        person.LIFT_BAR,
        world.CROSSING,
        world.CALENDAR,
        world.POST,
        world.RULES,
        world.EDITION,
    )
}


def command_of(do: str, **given: Any) -> Command[Any]:
    """The command of an act out of its fields: those of the envelope, and its own.

    Raises InvalidField for an act nobody knows; a field the act does not take is left out.
    """
    act = ACTS.get(do)
    if act is None:
        raise InvalidField(f"`do` is not known: {do}")
    envelope = {name: value for name, value in given.items() if name in ENVELOPE}
    return Command(do=do, body=record(act.takes, given), **envelope)


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
            calendars=opening.calendars,
            user=opening.user,
        )
    )
    for flag in opening.flags:
        if flag.startswith(person.CONFLICT):
            person.exclude(transition, flag.removeprefix(person.CONFLICT), at, excluded=True)
    settle(transition, at)
    return tuple(transition.events)


def advance(case: Case, command: Command[Any] | None, at: datetime) -> tuple[Event, ...]:
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
    ACTS[command.do].perform(transition, command, transition.moment(at))
    settle(transition, at)
    wake(transition, at, inclusive=False)
    return tuple(transition.events)


def next_wake(case: Case) -> datetime | None:
    """When something happens next by itself; None once the case is ended."""
    return wake_of(case, HOOKS)
