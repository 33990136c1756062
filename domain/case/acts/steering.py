"""Steering a case: extend, skip, correct a fact, cancel, close, reopen, move to newer rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from domain.act import Act, Check, Command, given, internal
from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.complete import (
    Complete,
    complete,
    completed_by,
    fits_complete,
    follow_correction,
    may_complete,
    says_complete,
)
from domain.case.acts.ending import end_case
from domain.case.acts.task import OnStep, for_step
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
from domain.work.procedure import Procedure
from domain.work.state import Task
from domain.work.subject import open_tasks
from domain.work.transition import Transition

FACTS = ("born", "sex", "country", "outcome")
ADULT_AT = 18
OLDEST = 120
SEXES = ("female", "male", "other", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """A new due date; never by the one who holds the task, nor past an open escalation (4.1)."""

    step: str = given("step", needed=True)
    due: date | datetime | None = given("day_or_moment", needed=True)


def _decides(task: Task | None, office: str) -> bool:
    return task is not None and task.escalation == "open" and office in task.deciders


def _may_extend(case: Case, command: Command[Extend], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.signed(case, command)
    newest = case.work.newest(card.id)
    decider = _decides(newest, command.by)
    if not decider:
        checks.allowed(case, command, "extend")
    if newest is not None and newest.is_open:
        if command.user == person_of(case, newest.holder) or command.by == newest.holder:
            raise NotYours("Nobody extends what they hold themselves")
        if newest.escalation == "open" and not decider:
            raise NotYours("An escalation is open; only those it reached may extend")
    elif newest is not None and newest.state != "waiting":
        checks.not_just_ended(command, newest, at)


def _says_extend(case: Case, command: Command[Extend], at: datetime) -> None:
    checks.needs(command, "due", "reason")
    newest = case.work.newest(command.body.step)
    office = newest.made_for if newest is not None else command.by
    checks.coming_day(case, command.body.due, office, at, "due")


def _fits_extend(case: Case, command: Command[Extend], at: datetime) -> None:
    checks.open_task(case, checks.card_of(case, command, at), command, at)
    checks.alive(case)


def _extend(transition: Transition[Case], command: Command[Extend], at: datetime) -> None:
    step = command.body.step
    task = transition.subject.work.tasks[step][-1]
    if _decides(task, command.by):
        transition.add(
            work_events.EscalationDecided(
                at=at, step=step, attempt=task.attempt, decision="extend", **command.signed()
            )
        )
        task = transition.subject.work.tasks[step][-1]
    set_due(transition, task, checks.there(command.body.due), at, command.signed())


EXTEND = Act(
    name="extend",
    takes=Extend,
    permission="cases.steer",
    about="step",
    needs=("reason",),
    may=_may_extend,
    says=_says_extend,
    fits=_fits_extend,
    do=_extend,
    samples=lambda _, step: [Extend(step=step)],
)


def _may_skip(case: Case, command: Command[OnStep], at: datetime) -> None:
    card = checks.card_of(case, command, at)
    checks.allowed(case, command, "skip")
    newest = case.work.newest(card.id)
    if newest is not None and not newest.is_open and newest.state != "waiting":
        checks.not_just_ended(command, newest, at)


def _says_why(case: Case, command: Command[Any], at: datetime) -> None:
    del case, at
    checks.needs(command, "reason")


def _fits_skip(case: Case, command: Command[OnStep], at: datetime) -> None:
    task = checks.open_task(case, checks.card_of(case, command, at), command, at)
    if task.escalation == "open":
        raise NotYours("An escalation is open; it ends by a decision")


def _skip(transition: Transition[Case], command: Command[OnStep], at: datetime) -> None:
    """Leave a step out, with a reason; a gate is never opened by it."""
    task = transition.subject.work.tasks[command.body.step][-1]
    leave_out(transition, task, "skipped", command, at)


SKIP = Act(
    name="skip",
    takes=OnStep,
    permission="cases.steer",
    about="step",
    needs=("reason",),
    may=_may_skip,
    says=_says_why,
    fits=_fits_skip,
    do=_skip,
    samples=for_step,
)


def leave_out(
    transition: Transition[Case], task: Task, how: str, command: Command[Any], at: datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """Put a wrong fact right; the rules judge it from now on (4.10)."""

    fact: str = given("word", needed=True)
    value: str = given("line", needed=True)
    step: str = given("step")


OUTCOME = "outcome"


def _may_correct(case: Case, command: Command[Correct], at: datetime) -> None:
    if command.body.fact == OUTCOME:
        card = checks.card_of(case, command, at)
        if command.body.value and command.body.value not in card.outcomes:
            raise UnknownOutcome(f"{card.id} ends as {', '.join(card.outcomes)}")
    checks.allowed(case, command, "correct")


def _says_correct(case: Case, command: Command[Correct], at: datetime) -> None:
    checks.needs(command, "fact", "value", "reason")
    fact, value = command.body.fact, command.body.value
    if fact not in FACTS:
        raise InvalidField(f"`fact` is one of {', '.join(FACTS)}")
    if fact == "born":
        adult_on(value, calendar_here(case).local_date(at))
    elif fact == "country" and (len(value) != 2 or not value.isupper()):
        raise InvalidField("`value` is a country's two letters, as LA")
    elif fact == "sex" and value not in SEXES:
        raise InvalidField(f"`value` is one of {', '.join(SEXES)}")


def _fits_correct(case: Case, command: Command[Correct], at: datetime) -> None:
    checks.alive(case)
    if command.body.fact != OUTCOME:
        return
    card = checks.card_of(case, command, at)
    task = case.work.newest_done(card.id)
    if task is None:
        raise WrongState(f"{card.id} has no outcome yet")
    departure = case.procedure.departs_after_outcome
    if departure in {f"{card.id}:{task.outcome}", f"{card.id}:{command.body.value}"}:
        raise WrongState("What was handed over is never undone, only followed by something new")


def _correct(transition: Transition[Case], command: Command[Correct], at: datetime) -> None:
    fact, value = command.body.fact, command.body.value
    if fact == OUTCOME:
        _correct_outcome(transition, command, at)
        return
    event = e.FactCorrected(at=at, fact=fact, **command.signed())
    if fact == "born":
        today = calendar_here(transition.subject).local_date(at)
        event = replace(event, adult_on=adult_on(value, today))
    elif fact == "country":
        event = replace(event, country=value)
    transition.add(event)


def _correct_outcome(transition: Transition[Case], command: Command[Correct], at: datetime) -> None:
    case, outcome = transition.subject, command.body.value
    card = case.procedure.cards[command.body.step]
    task = checks.there(case.work.newest_done(card.id))
    transition.add(
        e.FactCorrected(
            at=at,
            fact=OUTCOME,
            step=card.id,
            attempt=task.attempt,
            outcome=outcome,
            **command.signed(),
        )
    )
    follow_correction(transition, card, task, outcome, command, at)


CORRECT = Act(
    name="correct",
    takes=Correct,
    permission="cases.steer",
    about="case",
    needs=("reason",),
    may=_may_correct,
    says=_says_correct,
    fits=_fits_correct,
    do=_correct,
)


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


# -- the case's own end and its return


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An act on the whole case that needs nothing more."""


def _may(act: str) -> Check:
    """The office's role in this case must be one that may do this (access.toml)."""

    def may(case: Case, command: Command[Any], at: datetime) -> None:
        del at
        checks.allowed(case, command, act)

    return may


def _fits_alive(case: Case, command: Command[Any], at: datetime) -> None:
    del command, at
    checks.alive(case)


def _cancel(transition: Transition[Case], command: Command[Whole], at: datetime) -> None:
    """End the case: tasks closed, those who held one told, the reason kept."""
    holders = dict.fromkeys(task.holder for task in open_tasks(transition.subject))
    for office in holders:
        write(transition, at, "told", office, about="cancelled")
    end_case(transition, at, "cancelled", "cancel", **command.signed())


CANCEL = Act(
    name="cancel",
    takes=Whole,
    permission="cases.steer",
    about="case",
    needs=("reason",),
    may=_may("cancel"),
    says=_says_why,
    fits=_fits_alive,
    do=_cancel,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The same as completing closure as closed."""

    approved_by: str = given("user", needed=True)


def _as_completing(command: Command[Close]) -> Command[Complete]:
    return completed_by(command, "closure", "closed", approved_by=command.body.approved_by)


CLOSE = Act(
    name="close",
    takes=Close,
    permission="cases.steer",
    about="case",
    may=lambda case, command, at: may_complete(case, _as_completing(command), at),
    says=lambda case, command, at: says_complete(case, _as_completing(command), at),
    fits=lambda case, command, at: fits_complete(case, _as_completing(command), at),
    do=lambda transition, command, at: complete(transition, _as_completing(command), at),
)


def _fits_reopen(case: Case, command: Command[Whole], at: datetime) -> None:
    del command, at
    if not case.ended:
        raise WrongState("The case is open")


def _reopen(transition: Transition[Case], command: Command[Whole], at: datetime) -> None:
    """A closed or cancelled case lives again; what it left out is offered with a full clock."""
    transition.add(e.CaseReopened(at=at, **command.signed()))


REOPEN = Act(
    name="reopen",
    takes=Whole,
    permission="cases.steer",
    about="case",
    may=_may("reopen"),
    fits=_fits_reopen,
    do=_reopen,
)


# -- newer rules


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRules:
    """Move the case to another rulebook: what is done stays, open clocks count anew (B08)."""

    procedure: Procedure | None = internal()
    procedure_digest: str = internal(default="")


def _says_adopt(case: Case, command: Command[AdoptRules], at: datetime) -> None:
    del case, at
    if command.body.procedure is None or not command.body.procedure_digest:
        raise MissingField("`rules` is missing: no newer rulebook is active")


def _fits_adopt(case: Case, command: Command[AdoptRules], at: datetime) -> None:
    del at
    checks.alive(case)
    newer = command.body.procedure
    if command.body.procedure_digest == case.procedure_digest:
        raise WrongState("The case follows this rulebook already")
    if newer is not None and newer.corridor != case.procedure.corridor:
        raise InvalidField("That rulebook is for another corridor")


def adopt(transition: Transition[Case], command: Command[AdoptRules], at: datetime) -> None:
    """The move itself; the preview asks for it without anybody having decided."""
    newer, digest = command.body.procedure, command.body.procedure_digest
    if newer is None:
        return
    case = transition.subject
    transition.subject = replace(case, procedures={**case.procedures, digest: newer})
    transition.add(work_events.RulesAdopted(at=at, procedure_digest=digest, **command.signed()))
    for task in tuple(transition.subject.work.running()):
        card = transition.subject.card(task.step)
        if card is not None:
            count_again(transition, task, at, "rules", command.signed(), clock=card.within)


ADOPT_RULES = Act(
    name="adopt_rules",
    takes=AdoptRules,
    permission="cases.steer",
    about="case",
    may=_may("adopt_rules"),
    says=_says_adopt,
    fits=_fits_adopt,
    do=adopt,
)
