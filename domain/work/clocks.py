"""Moving a due date: given by a person, or counted again on another calendar or other rules."""

from __future__ import annotations

from datetime import date, datetime

from domain.event import Signed
from domain.work import events as e
from domain.work.calendars import calendar_for, calendar_here, calendar_of_task
from domain.work.deadlines import Clock, before, due, left_after
from domain.work.ladder import rank, schedule, still_to_come, without_fired
from domain.work.state import Task
from domain.work.subject import S, Subject
from domain.work.transition import Transition


def set_due(
    transition: Transition[S], task: Task, given: date | datetime, at: datetime, signed: Signed
) -> None:
    """A given due date: reminders and rungs count anew from it; it neither rolls nor moves."""
    subject = transition.subject
    due_at = moment_of_day(subject, given, task.made_for)
    calendar = calendar_of_task(subject, task)
    unrolled_on = _last_day(given, calendar.local_date(due_at))
    transition.add(
        e.ClockSet(
            at=at,
            step=task.step,
            attempt=task.attempt,
            old=task.due_at,
            due_at=due_at,
            unrolled_on=unrolled_on,
            pending=schedule(
                subject,
                subject.procedure.cards[task.step],
                calendar=calendar,
                clock=task.clock,
                counted_on=calendar.local_date(at),
                due_at=due_at,
                unrolled_on=unrolled_on,
                set_at=at,
            ),
            clock=task.clock,
            clock_from=at,
            how="extend",
            given=True,
            **signed,
        )
    )

    _hold_back(transition, task, at)


def moment_of_day(subject: Subject, day: date | datetime, office: str) -> datetime:
    """A given date ends at closing hour and does not roll (3.8)."""
    if isinstance(day, datetime):
        return day
    return calendar_for(subject, office).closing(day)


def _hold_back(transition: Transition[S], task: Task, at: datetime) -> None:
    """During a hold the new date is what is left, and the step stays held (3.9)."""
    subject = transition.subject
    task = subject.work.tasks[task.step][task.attempt - 1]
    card = subject.procedure.cards[task.step]
    if not subject.work.on_hold or not card.pauses or task.clock is None or task.due_at is None:
        return
    calendar = calendar_of_task(subject, task)
    left = left_after(task.clock, at, task.due_at, task.unrolled_on, calendar)
    transition.add(e.ClockStopped(at=at, step=task.step, attempt=task.attempt, left=left))


def _last_day(given: date | datetime, local: date) -> date:
    return local if isinstance(given, datetime) else given


def count_again(
    transition: Transition[S],
    task: Task,
    at: datetime,
    how: str,
    signed: Signed,
    *,
    clock: Clock | None = None,
) -> None:
    """Count an open clock once more from where it began; rungs that fired stay fired (3.11)."""
    subject = transition.subject
    if task.given:
        _fall_back_again(transition, task, at, how, signed)
        return
    clock = _like(clock or task.clock, task)
    if clock is None or task.due_at is None:
        return
    calendar = calendar_of_task(subject, task)
    began = task.clock_from or task.started_at
    ends = due(clock, began, calendar)
    if ends.at == task.due_at and clock == task.clock:
        return
    pending = schedule(
        subject,
        subject.procedure.cards[task.step],
        calendar=calendar,
        clock=clock,
        counted_on=calendar.local_date(began),
        due_at=ends.at,
        unrolled_on=ends.unrolled_on,
        set_at=began,
    )
    moved_on = ends.at > at and rank(task.rung) > 0  # it was late, and is not any more
    transition.add(
        e.ClockSet(
            at=at,
            step=task.step,
            attempt=task.attempt,
            old=task.due_at,
            due_at=ends.at,
            unrolled_on=ends.unrolled_on,
            pending=still_to_come(pending, at) if moved_on else without_fired(task, pending, at),
            clock=clock,
            clock_from=began,
            how=how,
            anew=moved_on and task.escalation != "open",
            **signed,
        )
    )


def _fall_back_again(
    transition: Transition[S], task: Task, at: datetime, how: str, signed: Signed
) -> None:
    """What must be done before a date falls back on the new calendar too, unless extended (3.4)."""
    subject = transition.subject
    card = subject.procedure.cards[task.step]
    calendar = calendar_of_task(subject, task)
    handover = subject.appointment
    if task.clock_from != task.started_at or task.due_at is None:
        return
    if card.before_handover is not None and handover is not None:
        here = calendar_here(subject)
        day = before(here.local_date(handover.at), card.before_handover, calendar)
        day = max(day, calendar.local_date(task.offered_at))
    elif card.before_valid is not None and task.valid_until is not None:
        day = before(task.valid_until, card.before_valid, calendar)
    else:
        return
    due_at = calendar.closing(day)
    if due_at == task.due_at:
        return
    pending = schedule(
        subject,
        card,
        calendar=calendar,
        clock=task.clock,
        counted_on=calendar.local_date(task.started_at),
        due_at=due_at,
        unrolled_on=day,
        set_at=task.started_at,
    )
    transition.add(
        e.ClockSet(
            at=at,
            step=task.step,
            attempt=task.attempt,
            old=task.due_at,
            due_at=due_at,
            unrolled_on=day,
            pending=without_fired(task, pending, at),
            clock=task.clock,
            clock_from=task.started_at,
            how=how,
            given=True,
            anew=False,
            **signed,
        )
    )


def _like(clock: Clock | None, task: Task) -> Clock | None:
    """A clock that was legal stays so."""
    if clock is None or task.clock is None:
        return clock
    return Clock(clock.amount, clock.unit, task.clock.legal)


def open_clocks_of(subject: Subject, country: str) -> list[Task]:
    """Open tasks whose clock counts a country's calendar."""
    return [
        task
        for task in subject.work.running()
        if calendar_of_task(subject, task).country == country
    ]
