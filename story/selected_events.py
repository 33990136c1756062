"""What left the house and what was recorded, picked out of a case's events by the story's words.

It only selects; whether that was expected is judged in `expect.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.event import Event
from domain.work import events as e


@dataclass(frozen=True, slots=True)
class Happened:
    """A message that left, or an event with a name of its own."""

    at: datetime
    step: str
    to: str = ""
    carries: tuple[str, ...] = ()
    version: int = 0
    old: datetime | None = None
    new: datetime | None = None
    by: str = ""
    user: str = ""


def messages(events: Sequence[Event], kind: str, step: str, to: Sequence[str]) -> list[Happened]:
    """The messages that left, of a kind (or `any`), about a step, to one of these offices."""
    return [
        Happened(event.at, event.step, event.to, event.carries, event.version)
        for event in events
        if isinstance(event, e.MessageReleased)
        and kind in (event.kind, "any")
        and step in (event.step, "")
        and (not to or event.to in to)
    ]


def recorded(events: Sequence[Event], name: str, step: str) -> list[Happened]:
    """The events of a name in stories.md 2.4, about a step or about any."""
    if name == "due_moved":
        found = list(_moved(events))
    elif name == "rung_skipped":
        found = [Happened(x.at, x.step) for x in events if isinstance(x, e.RungSkipped)]
    else:
        found = [
            Happened(x.at, x.step) for x in events if isinstance(x, e.Recorded) and x.what == name
        ]
    return [one for one in found if step in (one.step, "")]


def _moved(events: Sequence[Event]) -> Iterator[Happened]:
    """Due dates that moved. After a hold the old date is the one it stopped."""
    due: dict[tuple[str, int], datetime | None] = {}
    for event in events:
        if isinstance(event, e.TaskOffered):
            due[event.step, event.attempt] = event.due_at
        elif isinstance(event, e.ClockSet):
            key = (event.step, event.attempt)
            old = event.old or due.get(key)
            due[key] = event.due_at
            if old is not None and old != event.due_at:
                yield Happened(
                    event.at,
                    event.step,
                    old=old,
                    new=event.due_at,
                    by=event.by,
                    user=event.user,
                )
