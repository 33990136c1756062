"""Steering a case: extend, skip, correct a fact, cancel, close, reopen, move to newer rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.complete import complete, follow_correction
from domain.case.acts.ending import end_case
from domain.case.commands import Command
from domain.case.state import Case
from domain.errors import (
    InvalidField,
    MissingField,
    NotYours,
    UnknownOutcome,
    WrongState,
)
from domain.work import events as work_events
from domain.work.calendars import calendar_here
from domain.work.clocks import count_again, set_due
from domain.work.consequences import overtake
from domain.work.deadlines import add_months
from domain.work.messages import write
from domain.work.offices import person_of
from domain.work.state import Task
from domain.work.subject import open_tasks
from domain.work.transition import Transition

FACTS = ("born", "sex", "country", "outcome")
ADULT_AT = 18
OLDEST = 120
SEXES = ("female", "male", "other", "unknown")


def extend(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A new due date; never by the one who holds the task, nor past an open escalation (4.1)."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.signed(case, command)
    newest = case.work.newest(card.id)
    decider = newest is not None and newest.escalation == "open" and command.by in newest.deciders
    if not decider:
        checks.allowed(case, command, "extend")
    if newest is not None and newest.is_open:
        if command.user == person_of(case, newest.holder) or command.by == newest.holder:
            raise NotYours("Nobody extends what they hold themselves")
        if newest.escalation == "open" and not decider:
            raise NotYours("An escalation is open; only those it reached may extend")
    elif newest is not None and newest.state != "waiting":
        checks.not_just_ended(command, newest, at)
    checks.needs(command, "due", "reason")
    assert command.due is not None  # noqa: S101 - `needs` has just seen to it
    office = newest.made_for if newest is not None else command.by
    checks.coming_day(case, command.due, office, at, "due")
    task = checks.open_task(case, card, command, at)
    checks.alive(case)
    if decider:
        transition.add(
            work_events.EscalationDecided(
                at=at,
                step=card.id,
                attempt=task.attempt,
                decision="extend",
                by=command.by,
                user=command.user,
                reason=command.reason,
            )
        )
        task = transition.subject.work.tasks[card.id][task.attempt - 1]
    set_due(transition, task, command.due, at, command.signed())


def skip(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Leave a step out, with a reason; a gate is never opened by it."""
    case = transition.subject
    card = checks.card_of(case, command, at)
    checks.allowed(case, command, "skip")
    newest = case.work.newest(card.id)
    if newest is not None and not newest.is_open and newest.state != "waiting":
        checks.not_just_ended(command, newest, at)
    checks.needs(command, "reason")
    task = checks.open_task(case, card, command, at)
    if task.escalation == "open":
        raise NotYours("An escalation is open; it ends by a decision")
    leave_out(transition, task, "skipped", command, at)


def leave_out(
    transition: Transition[Case], task: Task, how: str, command: Command, at: datetime
) -> None:
    """The step ends without an outcome."""
    overtake(transition, task, at)
    transition.add(
        work_events.TaskSkipped(
            at=at,
            step=task.step,
            attempt=task.attempt,
            how=how,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )


# -- correcting a fact


def correct(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Put a wrong fact right; the rules judge it from now on (4.10)."""
    case = transition.subject
    if command.fact == "outcome":
        _correct_outcome(transition, command, at)
        return
    checks.allowed(case, command, "correct")
    checks.needs(command, "fact", "value", "reason")
    if command.fact not in FACTS:
        raise InvalidField(f"`fact` is one of {', '.join(FACTS)}")
    event = e.FactCorrected(
        at=at, fact=command.fact, by=command.by, user=command.user, reason=command.reason
    )
    if command.fact == "born":
        here = calendar_here(case)
        event = replace(event, adult_on=adult_on(command.value, here.local_date(at)))
    elif command.fact == "country":
        if len(command.value) != 2 or not command.value.isupper():
            raise InvalidField("`value` is a country's two messages, as LA")
        event = replace(event, country=command.value)
    elif command.value not in SEXES:
        raise InvalidField(f"`value` is one of {', '.join(SEXES)}")
    checks.alive(case)
    transition.add(event)


def adult_on(value: str, today: date) -> date | None:
    """The eighteenth birthday from a date of birth, an age in years, or `unknown` (None)."""
    if value == "unknown":
        return None
    if value.isdigit() and int(value) <= OLDEST:
        return add_months(today, 12 * (ADULT_AT - int(value)))
    try:
        born = date.fromisoformat(value)
    except ValueError:
        born = None
    if born is None or born > today or born.year < today.year - OLDEST:
        raise InvalidField("`value` is a date of birth, an age in years, or unknown")
    return add_months(born, 12 * ADULT_AT)


def _correct_outcome(transition: Transition[Case], command: Command, at: datetime) -> None:
    case = transition.subject
    card = checks.card_of(case, command, at)
    if command.value and command.value not in card.outcomes:
        raise UnknownOutcome(f"{card.id} ends as {', '.join(card.outcomes)}")
    checks.allowed(case, command, "correct")
    checks.needs(command, "value", "reason")
    checks.alive(case)
    task = case.work.newest_done(card.id)
    if task is None:
        raise WrongState(f"{card.id} has no outcome yet")
    departure = case.procedure.departs_after_outcome
    if departure in {f"{card.id}:{task.outcome}", f"{card.id}:{command.value}"}:
        raise WrongState("What was handed over is never undone, only followed by something new")
    transition.add(
        e.FactCorrected(
            at=at,
            fact="outcome",
            step=card.id,
            attempt=task.attempt,
            outcome=command.value,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )
    follow_correction(transition, card, task, command, at)


# -- the case's own end and its return


def cancel(transition: Transition[Case], command: Command, at: datetime) -> None:
    """End the case: tasks closed, those who held one told, the reason kept."""
    case = transition.subject
    checks.allowed(case, command, "cancel")
    checks.needs(command, "reason")
    checks.alive(case)
    holders = dict.fromkeys(task.holder for task in open_tasks(case))
    for office in holders:
        write(transition, at, "told", office, about="cancelled")
    end_case(
        transition,
        at,
        "cancelled",
        "cancel",
        by=command.by,
        user=command.user,
        reason=command.reason,
    )


def close(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The same as completing closure as closed."""
    complete(transition, replace(command, do="complete", step="closure", outcome="closed"), at)


def reopen(transition: Transition[Case], command: Command, at: datetime) -> None:
    """A closed or cancelled case lives again; what it left out is offered with a full clock."""
    case = transition.subject
    checks.allowed(case, command, "reopen")
    if not case.ended:
        raise WrongState("The case is open")
    transition.add(e.CaseReopened(at=at, by=command.by, user=command.user, reason=command.reason))


def adopt_rules(transition: Transition[Case], command: Command, at: datetime) -> None:
    """Move the case to another rulebook: what is done stays, open clocks count anew (B08)."""
    case = transition.subject
    checks.allowed(case, command, "adopt_rules")
    if command.procedure is None or not command.procedure_digest:
        raise MissingField("`rules` is missing: no newer rulebook is active")
    checks.alive(case)
    if command.procedure_digest == case.procedure_digest:
        raise WrongState("The case follows this rulebook already")
    if command.procedure.corridor != case.procedure.corridor:
        raise InvalidField("That rulebook is for another corridor")
    adopt(transition, command, at)


def adopt(transition: Transition[Case], command: Command, at: datetime) -> None:
    """The move itself; the preview asks for it without anybody having decided."""
    case = transition.subject
    if command.procedure is None:
        return
    transition.subject = replace(
        case, procedures={**case.procedures, command.procedure_digest: command.procedure}
    )
    transition.add(
        work_events.RulesAdopted(
            at=at,
            procedure_digest=command.procedure_digest,
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
    )
    for task in tuple(transition.subject.work.running()):
        card = transition.subject.card(task.step)
        if card is not None:
            count_again(transition, task, at, "rules", command.signed(), clock=card.within)
