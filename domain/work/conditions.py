"""When a step applies and when its start has come, by the facts its card names.

Which facts there are is the noun's own business (in a case: `domain/case/facts.py`).
"""

from __future__ import annotations

from datetime import datetime

from domain.work.hooks import Hooks
from domain.work.procedure import Card, Need
from domain.work.subject import Subject

DO_NOT_NOTIFY = "flag:do_not_notify_state"


def applies(hooks: Hooks, subject: Subject, card: Card, at: datetime) -> bool:
    """True when the profile does not exclude the step; judged live."""
    if card.do_not_notify and hooks.since(subject, DO_NOT_NOTIFY, at) is not None:
        return False
    return all(hooks.since(subject, fact, at) is not None for fact in card.applies_to)


def missing(hooks: Hooks, subject: Subject, card: Card, at: datetime) -> tuple[str, ...]:
    """The conditions of a start that do not hold; empty for a step that does not apply."""
    if not applies(hooks, subject, card, at):
        return ()
    return tuple(
        need.any_of[0]
        for need in card.after
        if _counts(hooks, subject, need, at) and not _moments(hooks, subject, need, at)
    )


def start(hooks: Hooks, subject: Subject, card: Card, at: datetime) -> datetime | None:
    """When the card's clock began: the last of its conditions; None while one is missing.

    A card without conditions is never made by itself.
    """
    moments: list[datetime] = []
    spared: list[datetime] = []
    for need in card.after:
        if not _counts(hooks, subject, need, at):
            spared += _spared_since(hooks, subject, need, at)
            continue
        met = _moments(hooks, subject, need, at)
        if not met:
            return None
        moments.append(min(met))
    if not moments:
        return None
    if card.counts_from:
        named = [hooks.since(subject, fact, at) for fact in card.counts_from]
        return max((m for m in named if m is not None), default=max(moments))
    if card.do_not_notify:
        spared += _lifted_since(hooks, subject, at)
    return max([*moments, *spared])


def _lifted_since(hooks: Hooks, subject: Subject, at: datetime) -> list[datetime]:
    """When her country might be told again, if it once might not."""
    lifted = hooks.ceased(subject, DO_NOT_NOTIFY, at)
    return [lifted] if lifted is not None and lifted != subject.opened_at else []


def _counts(hooks: Hooks, subject: Subject, need: Need, at: datetime) -> bool:
    return all(hooks.since(subject, fact, at) is not None for fact in need.when)


def _moments(hooks: Hooks, subject: Subject, need: Need, at: datetime) -> list[datetime]:
    found = (hooks.since(subject, fact, at) for fact in need.any_of)
    return [moment for moment in found if moment is not None]


def _spared_since(hooks: Hooks, subject: Subject, need: Need, at: datetime) -> list[datetime]:
    """When a need fell away, or was met before: a birthday, a flag. The clock counts from it."""
    met = _moments(hooks, subject, need, at)
    ceased = (hooks.ceased(subject, fact, at) for fact in need.when)
    return [min([moment, *met]) for moment in ceased if moment is not None]
