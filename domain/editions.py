"""How cases of each living edition behave. A case goes on as its edition says until it is moved.

A change of behaviour is a new entry here, never a change of an old one: histories of the engine
and saved event lists of old cases are replayed with the edition that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.case.commands import Command, OpenCase
from domain.case.events import Event
from domain.case.state import Case


@dataclass(frozen=True, slots=True)
class Edition:
    """The three questions that are asked of the core; `domain/case/core.py` says what they mean."""

    open_case: Callable[[OpenCase, datetime], tuple[Event, ...]]
    advance: Callable[[Case, Command | None, datetime], tuple[Event, ...]]
    next_wake: Callable[[Case], datetime | None]


# By number. `domain/case/core.py` enters the present one.
EDITIONS: dict[int, Edition] = {}


def edition_of(number: int) -> Edition:
    """Return an edition; raises ValueError for one this program does not know."""
    found = EDITIONS.get(number)
    if found is None:
        raise ValueError(f"this program does not know edition {number}")
    return found
