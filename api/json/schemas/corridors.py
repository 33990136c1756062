"""A way home with the cards of its rules. What is agreed, and no case."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from api.json.schemas.base import Shape
from api.json.schemas.outcomes import OutcomeShape, outcomes_of
from domain.case import gates
from domain.work.procedure import Card, Procedure


class CorridorItem(Shape):
    """A way home and whose rules it follows."""

    corridor: str = Field(examples=["th-la"])
    title: str
    host: str
    origin: str
    home: str = Field(description="The side whose offices hold the case: host or origin.")
    version: str
    source: str


class CardShape(Shape):
    """One card of the rules."""

    step: str
    title: str
    track: str
    owner: str
    after: list[str]
    applies_to: list[str]
    within: str
    ladder: str
    waivable_by: list[str]
    outcomes: list[OutcomeShape]
    watch: bool
    source: str


class CorridorShape(CorridorItem):
    """A corridor with all its cards."""

    cards: list[CardShape]
    gates: list[str]


def corridor_item(procedure: Procedure, title: str, source: str) -> CorridorItem:
    """Return a corridor as the list shows it."""
    return CorridorItem(
        corridor=procedure.corridor,
        title=title,
        host=procedure.host,
        origin=procedure.origin,
        home=procedure.home,
        version=procedure.version,
        source=source,
    )


def corridor_shape(procedure: Procedure, title: str, source: str) -> CorridorShape:
    """Return a corridor with its cards as a person would read them."""
    return CorridorShape(
        **corridor_item(procedure, title, source).model_dump(),
        cards=[_card(card) for card in procedure.cards.values()],
        gates=list(procedure.gates.get("applies", gates.ALL)),
    )


def _card(card: Card) -> CardShape:
    return CardShape(
        step=card.id,
        title=card.title,
        track=card.track,
        owner=card.owner,
        after=[_need(need.any_of, need.when) for need in card.after],
        applies_to=list(card.applies_to),
        within=str(card.within) if card.within is not None else "",
        ladder=card.ladder,
        waivable_by=list(card.waivable_by),
        outcomes=outcomes_of(card),
        watch=card.watch,
        source=card.source,
    )


def _need(any_of: Iterable[str], when: Iterable[str]) -> str:
    words, conditions = " or ".join(any_of), " and ".join(when)
    return f"{words} when {conditions}" if conditions else words
