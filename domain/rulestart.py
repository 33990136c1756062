"""Which steps can ever start and be completed; finds circles and conditions that nothing fulfils."""

from __future__ import annotations

from collections.abc import Iterator

from domain.plan import Card, Plan
from domain.rulefacts import read_fact


def steps_that_never_start(plan: Plan) -> Iterator[tuple[str, str]]:
    """`STEP.field` and a sentence for each step that nobody could ever start or complete.

    Of a chain that hangs on one broken step only the first is named.
    """
    can = _startable(plan)
    for card in plan.cards.values():
        if card.id not in can:
            yield from _why_not(card, plan, can)
            continue
        for fact in card.requires:
            if _known(fact, plan) and not _possible(fact, can):
                yield f"{card.id}.requires", f"can never be completed: '{fact}' can never be so"


def _startable(plan: Plan) -> set[str]:
    """The steps that can start, found from the opening onwards."""
    can: set[str] = set()
    while True:
        offered = {step for name in can for o in plan.cards[name].outcomes.values()
                   for step in o.offers}  # fmt: skip
        more = {
            card.id
            for card in plan.cards.values()
            if card.id not in can and (card.id in offered or _starts(card, plan, can))
        }
        if not more:
            return can
        can |= more


def _starts(card: Card, plan: Plan, can: set[str]) -> bool:
    if not card.after:
        return card.early or card.owner == "setter"
    return all(
        any(not _known(fact, plan) or _possible(fact, can) for fact in need.any_of)
        for need in card.after
    )


def _known(fact: str, plan: Plan) -> bool:
    """False for a misspelt step, which is named elsewhere and must not be named twice."""
    return all(step in plan.cards for step in read_fact(fact).steps)


def _possible(fact: str, can: set[str]) -> bool:
    return all(step in can for step in read_fact(fact).steps)


def _why_not(card: Card, plan: Plan, can: set[str]) -> Iterator[tuple[str, str]]:
    if not card.after:
        yield f"{card.id}.after", "never starts: it has no 'after', and no outcome offers it"
        return
    circle = _circle(card.id, plan, can)
    if circle and circle[0] == min(circle[:-1], key=list(plan.cards).index):
        yield f"{card.id}.after", f"waits for itself: {' -> '.join(circle)}"
    # What waits for a broken step starts once that one is mended.


def _circle(step: str, plan: Plan, can: set[str]) -> list[str]:
    """A way from the step back to itself over steps that cannot start, or nothing."""
    ways = [[step]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for named in _waits_for(plan.cards[way[-1]], plan, can):
            if named == step:
                return [*way, step]
            if named not in seen:
                seen.add(named)
                ways.append([*way, named])
    return []


def _waits_for(card: Card, plan: Plan, can: set[str]) -> Iterator[str]:
    for need in card.after:
        for fact in need.any_of:
            for step in read_fact(fact).steps:
                if step in plan.cards and step not in can:
                    yield step
