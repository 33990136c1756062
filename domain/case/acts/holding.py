"""A hold pauses the task clocks and keeps what is left; resuming gives it back (stories.md 3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.act import Act, Command, given
from domain.case.acts import checks
from domain.case.state import Case
from domain.errors import WrongState
from domain.work import events as e
from domain.work.calendars import calendar_of_task
from domain.work.deadlines import due, left_after
from domain.work.ladder import rank, schedule
from domain.work.state import Task
from domain.work.subject import open_tasks
from domain.work.tasks import TaskOptions, offer
from domain.work.transition import Transition

REVIEW = "hold_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Stop the case's task clocks until somebody resumes; a review comes on `until`."""

    until: date | None = given("day", needed=True)


def _may_hold(case: Case, command: Command[Hold], at: datetime) -> None:
    del at
    checks.allowed(case, command, "hold")


def _says_hold(case: Case, command: Command[Hold], at: datetime) -> None:
    checks.needs(command, "reason", "until")
    checks.coming_day(case, command.body.until, command.by, at, "until")


def _fits_hold(case: Case, command: Command[Hold], at: datetime) -> None:
    del command, at
    checks.alive(case)
    if case.work.on_hold:
        raise WrongState("The case is on hold already")


def _hold(transition: Transition[Case], command: Command[Hold], at: datetime) -> None:
    until = checks.there(command.body.until)
    transition.add(e.WorkHeld(at=at, until=until, **command.signed()))
    for task in tuple(open_tasks(transition.subject)):
        _stop(transition, task, at)
    card = transition.subject.card(REVIEW)
    if card is not None:
        offer(transition, card, at, at, TaskOptions(holder=command.by, day=until, about="hold"))


HOLD = Act(
    name="hold",
    takes=Hold,
    permission="cases.steer",
    about="case",
    needs=("reason",),
    may=_may_hold,
    says=_says_hold,
    fits=_fits_hold,
    do=_hold,
)


def _stop(transition: Transition[Case], task: Task, at: datetime) -> None:
    card = transition.subject.card(task.step)
    begun = rank(task.rung) > 0 or (task.due_at is not None and task.due_at < at)
    if card is None or not card.pauses or begun:
        return
    if task.clock is None or task.clock.legal or task.due_at is None:
        return
    calendar = calendar_of_task(transition.subject, task)
    left = left_after(task.clock, at, task.due_at, task.unrolled_on, calendar)
    transition.add(e.ClockStopped(at=at, step=task.step, attempt=task.attempt, left=left))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The clocks go on; today is day 0."""


def _may_resume(case: Case, command: Command[Resume], at: datetime) -> None:
    del at
    checks.allowed(case, command, "resume")


def _fits_resume(case: Case, command: Command[Resume], at: datetime) -> None:
    del command, at
    checks.alive(case)
    if not case.work.on_hold:
        raise WrongState("The case is not on hold")


def resume_now(transition: Transition[Case], command: Command[Any], at: datetime) -> None:
    """Give back what the hold kept, and end its review."""
    if not transition.subject.work.on_hold:
        return
    transition.add(e.WorkResumed(at=at, **command.signed()))
    for task in tuple(open_tasks(transition.subject)):
        if task.left is not None:
            _go_on(transition, task, command, at)
    end_review(transition, REVIEW, "hold", command, at)


RESUME = Act(
    name="resume",
    takes=Resume,
    permission="cases.steer",
    about="case",
    may=_may_resume,
    fits=_fits_resume,
    do=resume_now,
)


def end_review(
    transition: Transition[Case], step: str, about: str, command: Command[Any], at: datetime
) -> None:
    """The review of what has just ended is done."""
    for task in transition.subject.work.tasks.get(step, ()):
        if not task.is_open or task.about != about:
            continue
        if task.escalation == "open":
            transition.add(e.EscalationOvertaken(at=at, step=step, attempt=task.attempt))
        transition.add(
            e.TaskDone(
                at=at,
                step=step,
                attempt=task.attempt,
                outcome="end",
                happened_at=at,
                by=command.by,
                user=command.user,
            )
        )


def _go_on(transition: Transition[Case], task: Task, command: Command[Any], at: datetime) -> None:
    case = transition.subject
    card = case.procedure.cards[task.step]
    calendar = calendar_of_task(case, task)
    left = task.left
    assert left is not None  # noqa: S101 - the caller looked
    ends = due(left, at, calendar)
    transition.add(
        e.ClockSet(
            at=at,
            step=task.step,
            attempt=task.attempt,
            old=None,
            due_at=ends.at,
            unrolled_on=ends.unrolled_on,
            pending=schedule(
                case,
                card,
                calendar=calendar,
                clock=left,
                counted_on=calendar.local_date(at),
                due_at=ends.at,
                unrolled_on=ends.unrolled_on,
                set_at=at,
            ),
            clock=left,
            clock_from=at,
            how="resume",
            by=command.by,
            user=command.user,
        )
    )
