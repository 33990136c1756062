"""What follows by itself from the present state: steps made, taken back, watches begun and ended.

Judged live after every act and every timer, until nothing more follows.
"""

from __future__ import annotations

from datetime import datetime

from domain.work import conditions
from domain.work import events as e
from domain.work.calendars import appointment_day
from domain.work.ladder import raise_to_top
from domain.work.offices import able
from domain.work.papers import lasts
from domain.work.procedure import Card
from domain.work.state import Task
from domain.work.subject import S, Subject, card_of
from domain.work.tasks import TaskOptions, offer, offered_from
from domain.work.transition import Transition

ROUNDS = 60  # more rounds than a plan is long would be a circle in the rules


def settle(transition: Transition[S], at: datetime) -> None:
    """Add everything that follows, in the order of the cards, until it stands still."""
    last = ""  # the card after whose question nothing has happened any more
    for _ in range(ROUNDS):
        before = len(transition.events)
        if transition.subject.ended:
            return
        for task in tuple(transition.subject.work.running()):
            _check_running(transition, task, at)
        if len(transition.events) > before:
            last = ""
        for card in transition.subject.procedure.cards.values():
            so_far = len(transition.events)
            _check_card(transition, card, at)
            if len(transition.events) > so_far:
                last = card.id
            elif card.id == last:
                return  # all behind it were asked since, and the state is the same
        if len(transition.events) == before:
            return


def take_back(transition: Transition[S], task: Task, at: datetime, how: str) -> None:
    """The step waits again; an open escalation is overtaken."""
    overtake(transition, task, at)
    transition.add(e.TaskTakenBack(at=at, step=task.step, attempt=task.attempt, how=how))


def overtake(transition: Transition[S], task: Task, at: datetime) -> None:
    """End an open escalation that nobody has to decide any more."""
    if task.escalation == "open":
        transition.add(e.EscalationOvertaken(at=at, step=task.step, attempt=task.attempt))


def _check_running(transition: Transition[S], task: Task, at: datetime) -> None:
    subject = transition.subject
    card = card_of(subject, task.step)
    if card is None:
        overtake(transition, task, at)
        transition.add(e.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="vanished"))
        return
    how = _why_not_running(transition, card, task, at)
    if how:
        take_back(transition, task, at, how)
        return
    office = subject.work.offices.get(task.holder)
    if office is not None and office.excluded:
        to = able(subject, task.holder)
        if to and to != task.holder:
            transition.add(
                e.TaskMoved(at=at, step=task.step, attempt=task.attempt, to=to, how="excluded")
            )
            task = transition.subject.work.tasks[task.step][task.attempt - 1]
    if card.at_once and not task.danger and transition.holds(card.at_once, at):
        raise_to_top(transition, task, at)


def _why_not_running(transition: Transition[S], card: Card, task: Task, at: datetime) -> str:
    """Why an open task or watch falls away; empty while it stands."""
    subject = transition.subject
    if not conditions.applies(transition.hooks, subject, card, at):
        return "not_applicable"
    if card.watch:
        over = any(transition.holds(fact, at) for fact in card.ends)
        return "ended" if over else ""
    if card.dated:
        handover = subject.appointment
        return (
            "" if handover is not None and handover.number == task.handover_no else "handover_ended"
        )
    if card.after and task.about != "offered":  # by an outcome: its own start does not judge it
        return (
            "" if conditions.start(transition.hooks, subject, card, at) is not None else "waiting"
        )
    return ""


def _check_card(transition: Transition[S], card: Card, at: datetime) -> None:
    subject = transition.subject
    if not _may_be_made(transition, card, at):
        return
    newest = subject.work.newest(card.id)
    started = conditions.start(transition.hooks, subject, card, at)
    if started is None:
        return
    if newest is not None and newest.state == "skipped" and subject.reopened_at is not None:
        started = max(started, subject.reopened_at)
    if card.dated and not _is_wanted_for_handover(subject, card, at):
        return
    opens_at = offered_from(subject, card)
    if opens_at is not None and at < opens_at:
        return
    options = _options(subject, card)
    if options is None:
        return
    offer(transition, card, started, at, options)


def _options(subject: Subject, card: Card) -> TaskOptions | None:
    """For a renewal, or a watch over a paper: until when the paper stands."""
    if not card.paper:
        return TaskOptions()
    papers = [subject.work.newest_done(card.paper), subject.work.newest_done(card.id)]
    ends = [task.valid_until for task in papers if task is not None and task.valid_until]
    return TaskOptions(valid_until=max(ends)) if ends else None


def _may_be_made(transition: Transition[S], card: Card, at: datetime) -> bool:
    subject = transition.subject
    newest = subject.work.newest(card.id)
    if newest is not None and newest.is_open:
        return False
    if not _left_open(subject, card.id) or not conditions.applies(
        transition.hooks, subject, card, at
    ):
        return False
    if card.watch and any(transition.holds(fact, at) for fact in card.ends):
        return False
    if newest is None or newest.state == "waiting":
        return True
    if card.dated:
        handover = subject.appointment
        return handover is not None and (
            newest.handover_no != handover.number or card.only_if_lapsing
        )
    if _asked_once_more(transition, card, newest, at):
        return True
    return _ended_with_the_case(subject, newest)


def _asked_once_more(transition: Transition[S], card: Card, task: Task, at: datetime) -> bool:
    """Contact was lost, and since then she said yes anew: the request is offered again (4.8).

    Her country is asked again only with new evidence (4.12), so that request is not offered.
    """
    if card.consent in {"", "notify_state"} or task.state != "done":
        return False
    subject = transition.subject
    since = transition.hooks.since(subject, f"consent:{card.consent}", at)
    if since is None:
        return False
    lost = [transition.hooks.since(subject, fact, at) for fact in card.repeat_after]
    asked = task.ended_at or at
    return any(moment is not None and max(moment, asked) < since for moment in lost)


def _ended_with_the_case(subject: Subject, task: Task) -> bool:
    """Left out only because the case ended, before it was reopened (design.md 5)."""
    if subject.reopened_at is None or task.ended_at is None or task.ended_at > subject.reopened_at:
        return False
    closing = subject.procedure.cards[task.step].outcomes.get(task.outcome)
    closed_it = closing is not None and closing.case in {"closed", "cancelled"}
    return closed_it or (task.state == "skipped" and not task.ended_by)


def _left_open(subject: Subject, step: str) -> bool:
    """In a state that leaves only some steps open (returned, legal open) only those go on."""
    outcomes = (o for card in subject.procedure.cards.values() for o in card.outcomes.values())
    left = (o for o in outcomes if o.skips_all_but and o.case == subject.state)
    return all(step in outcome.skips_all_but for outcome in left)


def _is_wanted_for_handover(subject: Subject, card: Card, at: datetime) -> bool:
    handover = subject.appointment
    if handover is None or subject.appointment_over:
        return False
    if not card.only_if_lapsing:
        return True
    done = subject.work.newest_done(card.id)
    if done is None:
        return True
    rule = card.outcomes.get(done.outcome)
    if rule is not None and rule.ends_handover:
        return True
    return not lasts(subject, done, appointment_day(subject, at))
