"""Ends: a plan to cross, a case. Shared by outcomes, withdrawals and decisions."""

from __future__ import annotations

from datetime import datetime

from domain.case import events as e
from domain.case.state import Case
from domain.work import events as work_events
from domain.work.consequences import overtake, take_back
from domain.work.messages import write
from domain.work.transition import Transition


def end_handover(transition: Transition[Case], at: datetime, why: str) -> None:
    """Back to planning: the other side hears `postponed` and no reason (stories.md 4.5)."""
    case = transition.subject
    handover = case.handover
    if handover is None or case.handed_over:  # what was handed over is never undone (4.8)
        return
    transition.add(e.HandoverEnded(at=at, number=handover.number, why=why))
    if case.segment.manifest_version:
        transition.add(e.ManifestMade(at=at, version=case.segment.manifest_version + 1, empty=True))
    for role in case.procedure.recipients.get("postponed", ()):
        write(transition, at, "postponed", case.work.office_of(role), step="handover")


def withdraw(
    transition: Transition[Case], at: datetime, purpose: str, *, by: str = "", user: str = ""
) -> None:
    """A consent ends; what needed it stops."""
    live = [
        c
        for c in transition.subject.person.consents
        if c.purpose == purpose and c.withdrawn_at is None
    ]
    if live:
        transition.add(e.ConsentWithdrawn(at=at, purpose=purpose, by=by, user=user))
    if purpose == "return":
        end_handover(transition, at, "withdrawn")


def end_case(
    transition: Transition[Case],
    at: datetime,
    state: str,
    why: str,
    *,
    by: str = "",
    user: str = "",
    reason: str = "",
) -> None:
    """Nothing is asked of anybody any more; open questions are overtaken, waiting messages drop."""
    end_handover(transition, at, why)
    for task in tuple(transition.subject.work.running()):
        card = transition.subject.card(task.step)
        if card is not None and card.watch:
            take_back(transition, task, at, "case_ended")
            continue
        overtake(transition, task, at)
        transition.add(
            work_events.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="case_ended")
        )
    for message in transition.subject.work.messages:
        transition.add(work_events.MessageDropped(at=at, id=message.id, why="case_ended"))
    transition.add(e.CaseMoved(at=at, state=state, why=why, by=by, user=user, reason=reason))


def leave_only(transition: Transition[Case], at: datetime, kept: tuple[str, ...]) -> None:
    """`returned, legal open`: everything but the legal steps is left out (stories.md 2.2)."""
    for task in tuple(transition.subject.work.running()):
        if task.step in kept:
            continue
        card = transition.subject.card(task.step)
        if card is not None and card.watch:
            take_back(transition, task, at, "case_ended")
            continue
        overtake(transition, task, at)
        transition.add(
            work_events.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="case_ended")
        )
