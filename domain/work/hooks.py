"""What the work leaves to the noun it is about: facts, what may leave, what else time brings.

One `Hooks` for each kind of subject; a transition carries it, so that the work asks and never knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.event import Event
from domain.work.state import Message

if TYPE_CHECKING:
    from domain.work.transition import Transition


@dataclass(frozen=True, slots=True)
class Clearance:
    """May this message leave now? `carries` are the fields it may hold."""

    may: bool
    carries: tuple[str, ...] = ()
    why: str = ""


class Coming(NamedTuple):
    """Something that will happen by itself. Ties at one moment go by `order`, then `name`."""

    at: datetime
    order: int
    name: str
    happen: Callable[[Transition[Any], datetime], None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The answers of one noun. `Any` is its state: each noun gives functions of its own type."""

    apply: Callable[[Any, Event], Any]
    since: Callable[[Any, str, datetime], datetime | None]  # a fact: since when; None: not so
    ceased: Callable[[Any, str, datetime], datetime | None]  # since when a fact is no more
    may_leave: Callable[[Any, Message, datetime], Clearance]
    may_hear: Callable[[Any, str], bool]  # may this office be reached by a rung at all
    coming: Callable[[Any], Iterator[Coming]]  # what time brings beside clocks and messages
