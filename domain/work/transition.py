"""A transition being computed: events collected, and the state they lead to. Never leaves the core."""

from __future__ import annotations

from datetime import datetime

from domain.case.apply import apply
from domain.case.events import Event
from domain.case.state import Case


class Transition:
    """Collects the events of one transition; each is applied at once, so that later code sees it."""

    def __init__(self, case: Case) -> None:
        """Begin from `case`, which stays as it is."""
        self.case = case
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """One more thing that happened."""
        self.case = apply(self.case, event)
        self.events.append(event)

    def moment(self, at: datetime) -> datetime:
        """`at`, never before the newest event."""
        return at if self.case.now is None else max(at, self.case.now)
