"""Ending an escalation by a recorded decision (stories.md 3.8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from domain.act import Act, Command, given
from domain.case.acts import checks
from domain.case.acts.steering import leave_out
from domain.case.acts.task import move
from domain.case.state import Case
from domain.errors import InvalidField, NotWaivable, NotYours, OwnRequest, WrongState
from domain.work import events as e
from domain.work.clocks import set_due
from domain.work.ladder import fire, next_rung
from domain.work.messages import write
from domain.work.offices import person_of
from domain.work.procedure import Card
from domain.work.state import Task
from domain.work.transition import Transition

DECISIONS = ("extend", "reassign", "waive", "refer_up", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Extend, reassign, waive where the card allows it, refer up, or cancel the step."""

    step: str = given("step", needed=True)
    decision: str = given("word", needed=True)
    due: date | datetime | None = given("day_or_moment")
    to: str = given("office")


def _may_decide(case: Case, command: Command[Decide], at: datetime) -> None:
    card = checks.card_of(case, command, at, watches=True)
    checks.moment_of(command, at)
    checks.signed(case, command)
    task = _in_question(case, card)
    if task is None or not _was_asked(task, command.by):
        raise NotYours(f"No escalation of {card.id} has reached {command.by}")
    if task.escalation != "open":
        checks.not_just_done(command, task.decided_at, at)
        checks.not_just_ended(command, task, at)


def _fits_decide(case: Case, command: Command[Decide], at: datetime) -> None:
    card = checks.card_of(case, command, at, watches=True)
    task, decision = checks.there(_in_question(case, card)), command.body.decision
    if command.user == person_of(case, task.holder):
        raise OwnRequest
    if decision == "waive" and not checks.roles_match(case, command.by, card.waivable_by):
        raise NotWaivable
    checks.alive(case)
    if task.escalation != "open":
        raise WrongState(f"No escalation of {card.id} is open")
    if decision == "refer_up" and not next_rung(case, task):
        raise WrongState("There is nobody above")
    if decision == "reassign" and command.body.to:
        checks.someone_there(case, command.body.to)


def _was_asked(task: Task, office: str) -> bool:
    """Whom the deciding rungs reached; those an upward referral left behind are out (3.8)."""
    if office in task.deciders:
        return True
    return task.escalation != "open" and office in task.asked_before


def _in_question(case: Case, card: Card) -> Task | None:
    """The attempt whose escalation is open, else the newest."""
    attempts = case.work.tasks.get(card.id, ())
    return next((t for t in attempts if t.escalation == "open"), attempts[-1] if attempts else None)


def _says_decide(case: Case, command: Command[Decide], at: datetime) -> None:
    checks.needs(command, "decision", "reason")
    body = command.body
    if body.decision not in DECISIONS:
        raise InvalidField(f"`decision` is one of {', '.join(DECISIONS)}")
    if body.decision == "extend":
        checks.needs(command, "due")
        task = case.work.newest(body.step)
        office = task.made_for if task is not None else command.by
        checks.coming_day(case, body.due, office, at, "due")
    if body.decision == "reassign":
        checks.needs(command, "to")
        checks.is_office(case, body.to, "to")


def _decide(transition: Transition[Case], command: Command[Decide], at: datetime) -> None:
    card = transition.subject.procedure.cards[command.body.step]
    task = checks.there(_in_question(transition.subject, card))
    transition.add(
        e.EscalationDecided(
            at=at,
            step=card.id,
            attempt=task.attempt,
            decision=command.body.decision,
            for_=command.for_,
            **command.signed(),
        )
    )
    holder = task.holder
    current = transition.subject.work.tasks[card.id][task.attempt - 1]
    if current.is_open or command.body.decision == "refer_up":
        _CARRY_OUT[command.body.decision](transition, current, command, at)
    now_with = transition.subject.work.tasks[card.id][task.attempt - 1].holder
    home = checks.case_office(transition.subject)
    for office in dict.fromkeys((holder, now_with, home)):
        write(
            transition,
            at,
            "decision",
            office,
            step=card.id,
            attempt=task.attempt,
            about=command.body.decision,
        )


def _extend(
    transition: Transition[Case], task: Task, command: Command[Decide], at: datetime
) -> None:
    set_due(transition, task, checks.there(command.body.due), at, command.signed())


def _reassign(
    transition: Transition[Case], task: Task, command: Command[Decide], at: datetime
) -> None:
    move(transition, task, command.body.to, "reassign", command, at)


def _refer_up(
    transition: Transition[Case], task: Task, command: Command[Decide], at: datetime
) -> None:
    del command
    fire(transition, task, next_rung(transition.subject, task), at)


def _waive(
    transition: Transition[Case], task: Task, command: Command[Decide], at: datetime
) -> None:
    leave_out(transition, task, "waived", command, at)


def _cancel(
    transition: Transition[Case], task: Task, command: Command[Decide], at: datetime
) -> None:
    leave_out(transition, task, "cancelled", command, at)


_CARRY_OUT: dict[str, Callable[[Transition[Case], Task, Command[Decide], datetime], None]] = {
    "extend": _extend,
    "reassign": _reassign,
    "waive": _waive,
    "refer_up": _refer_up,
    "cancel": _cancel,
}


DECIDE = Act(
    name="decide",
    takes=Decide,
    permission="escalations.decide",
    about="step",
    needs=("reason",),
    may=_may_decide,
    says=_says_decide,
    fits=_fits_decide,
    do=_decide,
    samples=lambda _, step: [Decide(step=step, decision=word) for word in DECISIONS],
)
