"""What an event is: something that happened, in the past tense, one row of the ledger.

Each noun declares its own events beside what applies them, and collects them in its `KINDS`.
`at` is the moment it was recorded, or the nominal moment of a timer; whole seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypedDict, TypeVar, dataclass_transform

T = TypeVar("T")
E = TypeVar("E", bound="Event")
State = TypeVar("State")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything that happened to a subject. Carries all that applying it needs."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted(Event):
    """Something an office did. `by` is the office that recorded it, `user` the person's id."""

    by: str = ""
    user: str = ""
    for_: str = ""
    reason: str = ""  # name of a private text


class Signed(TypedDict):
    """Who signs an event, and the name of the private text that says why."""

    by: str
    user: str
    reason: str


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(kinds: dict[str, type[Event]]) -> Callable[[type[T]], type[T]]:
    """Declare a class as an event of a noun: a frozen record, entered in `kinds` by its name."""

    def declare(cls: type[T]) -> type[T]:
        kind: type[T] = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        kinds[kind.__name__] = kind  # type: ignore[assignment]  # every T is an Event
        return kind

    return declare


# What each kind of event makes of a state; a noun has one such table, filled beside its events.
Appliers: TypeAlias = dict[type[Event], Callable[[Any, Any], Any]]


def on(
    appliers: Appliers, kind: type[E]
) -> Callable[[Callable[[State, E], State]], Callable[[State, E], State]]:
    """Enter a function as what applies a kind of event. It decides nothing."""

    def enter(function: Callable[[State, E], State]) -> Callable[[State, E], State]:
        appliers[kind] = function
        return function

    return enter
