"""A transition being computed: events collected, and the state they lead to. Never leaves the core."""

from __future__ import annotations

from datetime import datetime
from typing import Generic

from domain.event import Event
from domain.work.hooks import Hooks
from domain.work.subject import S


class Transition(Generic[S]):
    """Collects the events of one transition; each is applied at once, so that later code sees it."""

    def __init__(self, subject: S, hooks: Hooks) -> None:
        """Begin from `subject`, which stays as it is."""
        self.subject = subject
        self.hooks = hooks
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """One more thing that happened."""
        self.subject = self.hooks.apply(self.subject, event)
        self.events.append(event)

    def moment(self, at: datetime) -> datetime:
        """`at`, never before the newest event."""
        return at if self.subject.now is None else max(at, self.subject.now)

    def holds(self, fact: str, at: datetime) -> bool:
        """True when `fact` is so now."""
        return self.hooks.since(self.subject, fact, at) is not None
