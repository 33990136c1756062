"""What follows by itself from the present state: steps made, taken back, watches begun and ended.

Judged live after every act and every timer, until nothing more follows.
"""

from __future__ import annotations

from datetime import datetime

from domain.case import conditions, gates
from domain.case import events as e
from domain.case.state import Case, Task
from domain.work.ladder import raise_to_top
from domain.work.offices import able
from domain.work.procedure import Card
from domain.work.tasks import TaskOptions, offer, offered_from
from domain.work.transition import Transition

ROUNDS = 60  # more rounds than a plan is long would be a circle in the rules


def settle(transition: Transition, at: datetime) -> None:
    """Add everything that follows, in the order of the cards, until it stands still."""
    last = ""  # the card after whose question nothing has happened any more
    for _ in range(ROUNDS):
        before = len(transition.events)
        if transition.case.ended:
            return
        for task in tuple(transition.case.running()):
            _check_running(transition, task, at)
        if len(transition.events) > before:
            last = ""
        for card in transition.case.procedure.cards.values():
            so_far = len(transition.events)
            _check_card(transition, card, at)
            if len(transition.events) > so_far:
                last = card.id
            elif card.id == last:
                return  # all behind it were asked since, and the state is the same
        if len(transition.events) == before:
            return


def take_back(transition: Transition, task: Task, at: datetime, how: str) -> None:
    """The step waits again; an open escalation is overtaken."""
    overtake(transition, task, at)
    transition.add(e.TaskTakenBack(at=at, step=task.step, attempt=task.attempt, how=how))


def overtake(transition: Transition, task: Task, at: datetime) -> None:
    """End an open escalation that nobody has to decide any more."""
    if task.escalation == "open":
        transition.add(e.EscalationOvertaken(at=at, step=task.step, attempt=task.attempt))


def _check_running(transition: Transition, task: Task, at: datetime) -> None:
    case = transition.case
    card = case.card(task.step)
    if card is None:
        overtake(transition, task, at)
        transition.add(e.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="vanished"))
        return
    how = _why_not_running(case, card, task, at)
    if how:
        take_back(transition, task, at, how)
        return
    office = case.offices.get(task.holder)
    if office is not None and office.excluded:
        to = able(case, task.holder)
        if to and to != task.holder:
            transition.add(
                e.TaskMoved(at=at, step=task.step, attempt=task.attempt, to=to, how="excluded")
            )
            task = transition.case.tasks[task.step][task.attempt - 1]
    if card.at_once and not task.danger and conditions.holds(transition.case, card.at_once, at):
        raise_to_top(transition, task, at)


def _why_not_running(case: Case, card: Card, task: Task, at: datetime) -> str:
    """Why an open task or watch falls away; empty while it stands."""
    if not conditions.applies(case, card, at):
        return "not_applicable"
    if card.watch:
        over = any(conditions.holds(case, fact, at) for fact in card.ends)
        return "ended" if over else ""
    if card.dated:
        handover = case.handover
        return (
            "" if handover is not None and handover.number == task.handover_no else "handover_ended"
        )
    if card.after and not _started_by_hand(case, card, task):
        return "" if conditions.start(case, card, at) is not None else "waiting"
    return ""


def _started_by_hand(case: Case, card: Card, task: Task) -> bool:
    """Offered by an outcome: its own start does not judge it."""
    return task.about == "offered" or card.id in case.forced


def _check_card(transition: Transition, card: Card, at: datetime) -> None:
    case = transition.case
    if not _may_be_made(case, card, at):
        return
    newest = case.newest(card.id)
    forced = case.forced.get(card.id)
    started = conditions.start(case, card, at)
    if started is None:
        started = forced
    if started is None:
        return
    if newest is not None and newest.state == "skipped" and case.reopened_at is not None:
        started = max(started, case.reopened_at)
    if card.dated and not _is_wanted_for_handover(case, card, at):
        return
    opens_at = offered_from(case, card)
    if opens_at is not None and at < opens_at:
        return
    options = _options(case, card)
    if options is None:
        return
    offer(transition, card, started, at, options)


def _options(case: Case, card: Card) -> TaskOptions | None:
    """For a renewal, or a watch over a paper: until when the paper stands."""
    if not card.paper:
        return TaskOptions()
    papers = [case.newest_done(card.paper), case.newest_done(card.id)]
    ends = [task.valid_until for task in papers if task is not None and task.valid_until]
    return TaskOptions(valid_until=max(ends)) if ends else None


def _may_be_made(case: Case, card: Card, at: datetime) -> bool:
    newest = case.newest(card.id)
    if newest is not None and newest.is_open:
        return False
    if not _left_open(case, card.id) or not conditions.applies(case, card, at):
        return False
    if card.watch and any(conditions.holds(case, fact, at) for fact in card.ends):
        return False
    if newest is None or newest.state == "waiting":
        return True
    if card.dated:
        handover = case.handover
        return handover is not None and (
            newest.handover_no != handover.number or card.only_if_lapsing
        )
    if card.id in case.forced or _asked_once_more(case, card, newest, at):
        return True
    return _ended_with_the_case(case, newest)


def _asked_once_more(case: Case, card: Card, task: Task, at: datetime) -> bool:
    """Contact was lost, and since then she said yes anew: the request is offered again (4.8).

    Her country is asked again only with new evidence (4.12), so that request is not offered.
    """
    if card.consent in {"", "notify_state"} or task.state != "done":
        return False
    since = conditions.since(case, f"consent:{card.consent}", at)
    if since is None:
        return False
    lost = [conditions.since(case, fact, at) for fact in card.repeat_after]
    asked = task.ended_at or at
    return any(moment is not None and max(moment, asked) < since for moment in lost)


def _ended_with_the_case(case: Case, task: Task) -> bool:
    """Left out only because the case ended, before it was reopened (design.md 5)."""
    if case.reopened_at is None or task.ended_at is None or task.ended_at > case.reopened_at:
        return False
    closing = case.procedure.cards[task.step].outcomes.get(task.outcome)
    closed_it = closing is not None and closing.case in {"closed", "cancelled"}
    return closed_it or (task.state == "skipped" and not task.ended_by)


def _left_open(case: Case, step: str) -> bool:
    """After `returned, legal open` only the steps named by that outcome go on."""
    if case.state != "returned_legal_open":
        return True
    for card in case.procedure.cards.values():
        for outcome in card.outcomes.values():
            if outcome.case == "returned_legal_open":
                return step in outcome.skips_all_but
    return True


def _is_wanted_for_handover(case: Case, card: Card, at: datetime) -> bool:
    handover = case.handover
    if handover is None or case.handed_over:
        return False
    if not card.only_if_lapsing:
        return True
    done = case.newest_done(card.id)
    if done is None:
        return True
    rule = card.outcomes.get(done.outcome)
    if rule is not None and rule.ends_handover:
        return True
    return not gates.lasts(case, done, gates.handover_day(case, at))
