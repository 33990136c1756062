"""Time alone: every reminder, rung, expiry and waiting message due, in order, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time
from functools import partial
from typing import NamedTuple

from domain.case import conditions, consent
from domain.case import events as e
from domain.case.state import Case, Message, Pending, Task
from domain.work.consequences import settle
from domain.work.deadlines import Clock, due
from domain.work.ladder import REMINDER, fire, rank, remind
from domain.work.messages import due_messages, leave, write
from domain.work.tasks import offered_from
from domain.work.transition import Transition


class Coming(NamedTuple):
    """Something that will happen by itself. Ties at one moment go by `order`, then `name`."""

    at: datetime
    order: int
    name: str
    happen: Callable[[Transition, datetime], None]


def next_wake(case: Case) -> datetime | None:
    """The earliest moment at which something happens by itself; None once the case is ended."""
    if case.ended or case.opened_at is None:
        return None
    return min((item.at for item in _coming(case)), default=None)


def wake(transition: Transition, until: datetime, *, inclusive: bool) -> None:
    """Let everything due up to `until` happen, each recorded at its own nominal moment."""
    while not transition.case.ended:
        first = min(_coming(transition.case), key=lambda c: (c.at, c.order, c.name), default=None)
        if first is None or first.at > until or (first.at == until and not inclusive):
            return
        at = transition.moment(first.at)
        before = len(transition.events)
        first.happen(transition, at)
        settle(transition, at)
        if len(transition.events) == before:
            return  # nothing moved: better to stop here than to turn for ever


def _coming(case: Case) -> Iterator[Coming]:
    for task in case.running():
        for item in task.pending:
            yield Coming(item.at, rank(item.rung), task.key, partial(_rung, task=task, item=item))
        for item in task.reports:
            yield Coming(item.at, 6, task.key, partial(_report, task=task, item=item))
    for task in case.warned():
        for item in task.pending:
            yield Coming(
                item.at, rank(item.rung), task.key, partial(_warning, task=task, item=item)
            )
    for message in due_messages(case):
        yield Coming(message.leaves_at, 7, f"{message.id:06}", partial(_leave, message=message))
    yield from _of_person(case)
    yield from _of_handover(case)
    yield from _of_papers(case)
    idle = idle_at(case)
    if idle is not None:
        yield Coming(idle, 9, "idle", _idle)


def _current(transition: Transition, task: Task) -> Task:
    return transition.case.tasks[task.step][task.attempt - 1]


def _rung(transition: Transition, at: datetime, *, task: Task, item: Pending) -> None:
    if item.rung == REMINDER:
        remind(transition, _current(transition, task), at)
    else:
        fire(transition, _current(transition, task), item.rung, at)


def _warning(transition: Transition, at: datetime, *, task: Task, item: Pending) -> None:
    """Before a paper ends: the top rung reaches its receivers at any hour (3.7)."""
    current = _current(transition, task)
    if item.rung == REMINDER:
        remind(transition, current, at)
    else:
        fire(transition, current, item.rung, at, top=item == task.pending[-1])


def _report(transition: Transition, at: datetime, *, task: Task, item: Pending) -> None:
    transition.add(e.Recorded(at=at, what=item.rung, step=task.step, attempt=task.attempt))


def _leave(transition: Transition, at: datetime, *, message: Message) -> None:
    leave(transition, message, at)


# -- the person


def _of_person(case: Case) -> Iterator[Coming]:
    if case.adult_on is not None and not case.turned_adult and case.opened_at is not None:
        midnight = case.calendar_of(case.place()).at(case.adult_on, time(0, 0))
        if midnight > case.opened_at:
            yield Coming(midnight, -2, "adult", _adult)
    ending = consent.next_end(case)
    if ending is not None:
        yield Coming(ending[0], -1, "consent", partial(_lapse, purpose=ending[1]))


def _adult(transition: Transition, at: datetime) -> None:
    transition.add(e.TurnedAdult(at=at))


def _lapse(transition: Transition, at: datetime, *, purpose: str) -> None:
    transition.add(e.ConsentLapsed(at=at, purpose=purpose))


# -- the plan: steps offered so long before it


def _of_handover(case: Case) -> Iterator[Coming]:
    handover = case.handover
    if handover is None or case.handed_over:  # nothing is made for a journey that is over
        return
    for card in case.procedure.cards.values():
        opens_at = offered_from(case, card) if card.dated else None
        newest = case.newest(card.id)
        made = newest is not None and newest.handover_no == handover.number
        if opens_at is not None and not made and conditions.applies(case, card, opens_at):
            yield Coming(opens_at, -1, card.id, _nothing)


def _nothing(transition: Transition, at: datetime) -> None:
    """Only the moment matters; `settle` makes the step."""


# -- papers that end


def _of_papers(case: Case) -> Iterator[Coming]:
    for card in case.procedure.cards.values():
        if not card.lapses_to or card.lapses_to in case.flags:
            continue
        task = case.newest_done(card.id)
        if task is None or task.valid_until is None or task.outcome == "ended":
            continue
        until = max(t.valid_until for t in _papers(case, card.id) if t.valid_until is not None)
        ends = case.calendar_of(case.place()).end_of(until)
        yield Coming(ends, -1, card.id, partial(_paper_lapsed, step=card.id))


def _papers(case: Case, step: str) -> list[Task]:
    """The order itself and its renewals."""
    done = [case.newest_done(step), case.newest_done(f"{step}/renewal")]
    return [task for task in done if task is not None and task.valid_until is not None]


def _paper_lapsed(transition: Transition, at: datetime, *, step: str) -> None:
    card = transition.case.procedure.cards[step]
    transition.add(e.FlagSet(at=at, flag=card.lapses_to))
    for role in card.tells_lapse:
        write(transition, at, "lapsed", transition.case.office_of(role), step=step)


# -- a case in which nothing is asked of anybody


def idle_at(case: Case) -> datetime | None:
    """When a case without any open task counts as stalled (stories.md 4.9)."""
    if case.idle_since is None or case.idle_reported or case.on_hold:
        return None
    length = case.procedure.idle_after
    never_rolls = Clock(length.amount, length.unit, legal=True)
    return due(never_rolls, case.idle_since, case.calendar_of(case.place())).at


def _idle(transition: Transition, at: datetime) -> None:
    transition.add(e.IdleFound(at=at, since=transition.case.idle_since or at))
