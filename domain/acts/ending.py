"""Ends: a plan to cross, a case. Shared by outcomes, withdrawals and decisions."""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from domain.draft import Draft
from domain.letters import write
from domain.settle import overtake, take_back


def end_plan(draft: Draft, at: datetime, why: str) -> None:
    """Back to planning: the other side hears `postponed` and no reason (stories.md 4.5)."""
    case = draft.case
    plan = case.standing
    if plan is None or case.handed_over:  # what was handed over is never undone (4.8)
        return
    draft.add(e.PlanEnded(at=at, number=plan.number, why=why))
    if case.manifest_version:
        draft.add(e.ManifestMade(at=at, version=case.manifest_version + 1, empty=True))
    for role in case.plan.recipients.get("postponed", ()):
        write(draft, at, "postponed", case.office_of(role), step="handover")


def withdraw(draft: Draft, at: datetime, purpose: str, *, by: str = "", user: str = "") -> None:
    """A consent ends; what needed it stops."""
    live = [c for c in draft.case.consents if c.purpose == purpose and c.withdrawn_at is None]
    if live:
        draft.add(e.ConsentWithdrawn(at=at, purpose=purpose, by=by, user=user))
    if purpose == "return":
        end_plan(draft, at, "withdrawn")


def end_case(
    draft: Draft,
    at: datetime,
    state: str,
    why: str,
    *,
    by: str = "",
    user: str = "",
    reason: str = "",
) -> None:
    """Nothing is asked of anybody any more; open questions are overtaken, waiting letters drop."""
    end_plan(draft, at, why)
    for task in tuple(draft.case.running()):
        card = draft.case.card(task.step)
        if card is not None and card.watch:
            take_back(draft, task, at, "case_ended")
            continue
        overtake(draft, task, at)
        draft.add(e.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="case_ended"))
    for letter in draft.case.letters:
        draft.add(e.LetterDropped(at=at, id=letter.id, why="case_ended"))
    draft.add(e.CaseMoved(at=at, state=state, why=why, by=by, user=user, reason=reason))


def leave_only(draft: Draft, at: datetime, kept: tuple[str, ...]) -> None:
    """`returned, legal open`: everything but the legal steps is left out (stories.md 2.2)."""
    for task in tuple(draft.case.running()):
        if task.step in kept:
            continue
        card = draft.case.card(task.step)
        if card is not None and card.watch:
            take_back(draft, task, at, "case_ended")
            continue
        overtake(draft, task, at)
        draft.add(e.TaskSkipped(at=at, step=task.step, attempt=task.attempt, how="case_ended"))
