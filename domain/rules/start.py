"""Which steps can ever start and be completed; finds circles and conditions that nothing fulfils."""

from __future__ import annotations

from collections.abc import Iterator

from domain.rules.facts import read_fact
from domain.work.procedure import Card, Procedure


def steps_that_never_start(procedure: Procedure) -> Iterator[tuple[str, str]]:
    """`STEP.field` and a sentence for each step that nobody could ever start or complete.

    Of a chain that hangs on one broken step only the first is named.
    """
    can = _startable(procedure)
    for card in procedure.cards.values():
        if card.id not in can:
            yield from _why_not(card, procedure, can)
            continue
        for fact in card.requires:
            if _known(fact, procedure) and not _possible(fact, can):
                yield f"{card.id}.requires", f"can never be completed: '{fact}' can never be so"


def _startable(procedure: Procedure) -> set[str]:
    """The steps that can start, found from the opening onwards."""
    can: set[str] = set()
    while True:
        offered = {step for name in can for o in procedure.cards[name].outcomes.values()
                   for step in o.offers}  # fmt: skip
        more = {
            card.id
            for card in procedure.cards.values()
            if card.id not in can and (card.id in offered or _starts(card, procedure, can))
        }
        if not more:
            return can
        can |= more


def _starts(card: Card, procedure: Procedure, can: set[str]) -> bool:
    if not card.after:
        return card.early or card.owner == "setter"
    return all(
        any(not _known(fact, procedure) or _possible(fact, can) for fact in need.any_of)
        for need in card.after
    )


def _known(fact: str, procedure: Procedure) -> bool:
    """False for a misspelt step, which is named elsewhere and must not be named twice."""
    return all(step in procedure.cards for step in read_fact(fact).steps)


def _possible(fact: str, can: set[str]) -> bool:
    return all(step in can for step in read_fact(fact).steps)


def _why_not(card: Card, procedure: Procedure, can: set[str]) -> Iterator[tuple[str, str]]:
    if not card.after:
        yield f"{card.id}.after", "never starts: it has no 'after', and no outcome offers it"
        return
    circle = _circle(card.id, procedure, can)
    if circle and circle[0] == min(circle[:-1], key=list(procedure.cards).index):
        yield f"{card.id}.after", f"waits for itself: {' -> '.join(circle)}"
    # What waits for a broken step starts once that one is mended.


def _circle(step: str, procedure: Procedure, can: set[str]) -> list[str]:
    """A way from the step back to itself over steps that cannot start, or nothing."""
    ways = [[step]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for named in _waits_for(procedure.cards[way[-1]], procedure, can):
            if named == step:
                return [*way, step]
            if named not in seen:
                seen.add(named)
                ways.append([*way, named])
    return []


def _waits_for(card: Card, procedure: Procedure, can: set[str]) -> Iterator[str]:
    for need in card.after:
        for fact in need.any_of:
            for step in read_fact(fact).steps:
                if step in procedure.cards and step not in can:
                    yield step
