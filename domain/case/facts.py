"""The closed set of facts that cards may name, and since when each is true. No expressions.

opening | STEP | STEP:outcome|outcome | consent:PURPOSE | consented:PURPOSE | plan | no plan |
child | adult | flag:NAME | no flag:NAME | bar | no bar | bar:KIND | refused_twice:STEP+STEP
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from domain.case import consent
from domain.case.state import Case
from domain.work.state import Task

REFUSALS_THAT_COUNT = 2  # stories.md 4.12


def since(case: Case, fact: str, at: datetime) -> datetime | None:
    """The moment from which `fact` is true, or None while it is not."""
    for word, negated, rest in _parts(fact):
        moment = _since(case, word, rest, at, negated=negated)
        if moment is not None:
            return moment
    return None


def holds(case: Case, fact: str, at: datetime) -> bool:
    """True when `fact` is so now."""
    return since(case, fact, at) is not None


@lru_cache(maxsize=4096)
def _parts(fact: str) -> tuple[tuple[str, bool, str], ...]:
    """A fact taken apart: word, whether negated, the rest. Every act asks hundreds of times."""
    words = [part.strip().partition(":") for part in fact.split(" or ")]
    return tuple(
        (word.removeprefix("no "), word.startswith("no "), rest) for word, _, rest in words
    )


def _since(case: Case, word: str, rest: str, at: datetime, *, negated: bool) -> datetime | None:
    opened = case.opened_at or at
    match word:
        case "opening":
            return opened
        case "consent":
            return consent.since(case, rest, at)
        case "consented":
            return _consented(case, rest, at)
        case "handover_planned":
            handover = case.handover
            found = handover.planned_at if handover is not None else None
            return _unless(found, opened) if negated else found
        case "child":
            return (case.person.child_since or opened) if case.is_child(at) else None
        case "adult":
            return None if case.is_child(at) else (case.person.adult_since or opened)
        case "flag":
            found = case.person.flags.get(rest)
            return _unless(found, case.person.flags_lifted.get(rest, opened)) if negated else found
        case "bar":
            return _bar(case, rest, opened, negated=negated)
        case "refused_twice":
            return _refused_twice(case, rest.split("+"))
        case _:
            return _step(case, word, rest, at)


def _consented(case: Case, purpose: str, at: datetime) -> datetime | None:
    """Given once, and still so or used: a yes taken back before anything left waits for nothing."""
    given = next((c.given_at for c in case.person.consents if c.purpose == purpose), None)
    if given is None or consent.since(case, purpose, at) is not None:
        return given
    used = any(
        case.work.newest_done(card.id) is not None
        for card in case.procedure.cards.values()
        if card.consent == purpose
    )
    return given if used else None


def _unless(found: datetime | None, opened: datetime) -> datetime | None:
    return opened if found is None else None


def _bar(case: Case, kind: str, opened: datetime, *, negated: bool) -> datetime | None:
    bars = [bar for bar in case.person.bars.values() if not kind or bar.kind == kind]
    if negated:
        return None if bars else (case.person.bars_lifted_at or opened)
    return bars[0].set_at if bars else None


def _refused_twice(case: Case, steps: list[str]) -> datetime | None:
    refused = sorted(
        task.happened_at
        for step in steps
        for task in case.work.tasks.get(step, ())
        if task.outcome == "refused" and task.happened_at is not None
    )
    return refused[REFUSALS_THAT_COUNT - 1] if len(refused) >= REFUSALS_THAT_COUNT else None


def _step(case: Case, step: str, outcomes: str, at: datetime) -> datetime | None:
    if outcomes:
        done = case.work.newest_done(step)
        wanted = outcomes.split("|")
        newest = case.work.newest(step)
        if done is None or newest is None or done.outcome not in wanted:
            return None
        asked_anew = newest.is_open and newest.handover_no != done.handover_no  # for another plan
        return None if asked_anew else done.happened_at
    return _resolved(case, case.work.newest(step), at)


def _resolved(case: Case, task: Task | None, at: datetime) -> datetime | None:  # noqa: ARG001
    if task is None or task.state not in {"done", "skipped"}:
        return None
    if task.state == "done":
        return task.happened_at
    return None if _skipped_by_end(case, task) else task.ended_at


def _skipped_by_end(case: Case, task: Task) -> bool:
    """A step left out only because the case ended counts as never made once it is reopened."""
    return (
        case.reopened_at is not None
        and task.ended_at is not None
        and not task.ended_by
        and task.ended_at <= case.reopened_at
    )


def ceased(case: Case, fact: str, at: datetime) -> datetime | None:
    """Since when `fact` is no more: its opposite holds, or a yes was taken back unused."""
    other = opposite(fact)
    return since(case, other, at) if other else _taken_back(case, fact, at)


def _taken_back(case: Case, fact: str, at: datetime) -> datetime | None:
    """When the consent of `consented:PURPOSE` ended unused."""
    word, _, purpose = fact.partition(":")
    if word != "consented" or _consented(case, purpose, at) is not None:
        return None
    mine = [c for c in case.person.consents if c.purpose == purpose]
    ends = [c.withdrawn_at or consent.ends_at(case, c) for c in mine]
    return max((end for end in ends if end <= at), default=None)


def opposite(fact: str) -> str:
    """The fact that holds while this one does not; empty where none is known by name."""
    if fact in {"child", "adult"}:
        return "adult" if fact == "child" else "child"
    if fact.startswith(("flag:", "no flag:")):
        return fact.removeprefix("no ") if fact.startswith("no ") else f"no {fact}"
    return ""
