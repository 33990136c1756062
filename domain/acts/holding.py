"""A hold pauses the task clocks and keeps what is left; resuming gives it back (stories.md 3.9)."""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from domain.acts import checks
from domain.case import Task
from domain.commands import Command
from domain.deadlines import due, left_after
from domain.draft import Draft
from domain.errors import WrongState
from domain.ladder import rank, schedule
from domain.offers import Making, offer

REVIEW = "hold_review"


def hold(draft: Draft, command: Command, at: datetime) -> None:
    """Stop the case's task clocks until somebody resumes; a review comes on `until`."""
    case = draft.case
    checks.allowed(case, command, "hold")
    checks.needs(command, "reason", "until")
    assert command.until is not None  # noqa: S101 - `needs` has just seen to it
    checks.coming_day(case, command.until, command.by, at, "until")
    checks.alive(case)
    if case.on_hold:
        raise WrongState("The case is on hold already")
    draft.add(
        e.CaseHeld(
            at=at, until=command.until, by=command.by, user=command.user, reason=command.reason
        )
    )
    for task in tuple(case.open_tasks()):
        _stop(draft, task, at)
    card = case.card(REVIEW)
    if card is not None:
        offer(draft, card, at, at, Making(holder=command.by, day=command.until, about="hold"))


def _stop(draft: Draft, task: Task, at: datetime) -> None:
    card = draft.case.card(task.step)
    begun = rank(task.rung) > 0 or (task.due_at is not None and task.due_at < at)
    if card is None or not card.pauses or begun:
        return
    if task.clock is None or task.clock.legal or task.due_at is None:
        return
    calendar = draft.case.calendar_of_task(task)
    left = left_after(task.clock, at, task.due_at, task.unrolled_on, calendar)
    draft.add(e.ClockStopped(at=at, step=task.step, attempt=task.attempt, left=left))


def resume(draft: Draft, command: Command, at: datetime) -> None:
    """The clocks go on; today is day 0."""
    checks.allowed(draft.case, command, "resume")
    checks.alive(draft.case)
    if not draft.case.on_hold:
        raise WrongState("The case is not on hold")
    resume_now(draft, command, at)


def resume_now(draft: Draft, command: Command, at: datetime) -> None:
    """Give back what the hold kept, and end its review."""
    if not draft.case.on_hold:
        return
    draft.add(e.CaseResumed(at=at, by=command.by, user=command.user, reason=command.reason))
    for task in tuple(draft.case.open_tasks()):
        if task.left is not None:
            _go_on(draft, task, command, at)
    end_review(draft, REVIEW, "hold", command, at)


def end_review(draft: Draft, step: str, about: str, command: Command, at: datetime) -> None:
    """The review of what has just ended is done."""
    for task in draft.case.tasks.get(step, ()):
        if not task.is_open or task.about != about:
            continue
        if task.escalation == "open":
            draft.add(e.EscalationOvertaken(at=at, step=step, attempt=task.attempt))
        draft.add(
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


def _go_on(draft: Draft, task: Task, command: Command, at: datetime) -> None:
    case = draft.case
    card = case.plan.cards[task.step]
    calendar = case.calendar_of_task(task)
    left = task.left
    assert left is not None  # noqa: S101 - the caller looked
    ends = due(left, at, calendar)
    draft.add(
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
