"""The ways a step can end, as the rules have them. No case is looked at."""

from __future__ import annotations

from api.json.schemas.base import Shape
from domain.work.procedure import Card


class OutcomeShape(Shape):
    """A way a step can end, and the fields that it needs."""

    outcome: str
    needs: list[str]


def outcomes_of(card: Card) -> list[OutcomeShape]:
    """Return every way this step can end."""
    return [OutcomeShape(outcome=o.name, needs=list(o.needs)) for o in card.outcomes.values()]
