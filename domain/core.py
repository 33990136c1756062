"""`advance`: wake, decide, wake. The one step that player, workflow and forecast share.

Each question goes to the edition of the case (`editions.py`); the present one stands below.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain import events as e
from domain.acts import complete, escalation, holding, person, road, steering, task, world
from domain.apply import blank
from domain.case import EDITION, Case
from domain.commands import Command, Opening
from domain.draft import Draft
from domain.editions import EDITIONS, Edition, edition_of
from domain.errors import InvalidField
from domain.settle import settle
from domain.wake import next_wake as _next_wake
from domain.wake import wake

__all__ = ["ACTS", "EDITIONS", "advance", "next_wake", "open_case"]

Act = Callable[[Draft, Command, datetime], None]

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
    "plan_handover": road.plan_handover,
    "depart": road.depart,
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


def open_case(opening: Opening, at: datetime) -> tuple[e.Event, ...]:
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


def _open_case(opening: Opening, at: datetime) -> tuple[e.Event, ...]:
    case = blank(opening.case_id, opening.plan, opening.plan_digest)
    draft = Draft(case)
    draft.add(
        e.CaseOpened(
            at=at,
            case_id=opening.case_id,
            edition=opening.edition,
            plan_digest=opening.plan_digest,
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
            person.exclude(draft, flag.removeprefix(person.CONFLICT), at, excluded=True)
    settle(draft, at)
    return tuple(draft.events)


def _advance(case: Case, command: Command | None, at: datetime) -> tuple[e.Event, ...]:
    draft = Draft(case)
    at = draft.moment(at)
    if command is None:
        wake(draft, at, inclusive=True)
        return tuple(draft.events)
    wake(draft, at, inclusive=False)
    act = ACTS.get(command.do)
    if act is None:
        raise InvalidField(f"`do` is not known: {command.do}")
    act(draft, command, draft.moment(at))
    settle(draft, at)
    wake(draft, at, inclusive=False)
    return tuple(draft.events)


EDITIONS[EDITION] = Edition(_open_case, _advance, _next_wake)
