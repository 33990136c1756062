"""How cases of each living edition behave: one record of named switches for each.

A case goes on as its edition says until it is moved: histories of the engine and saved event lists
of old cases are replayed with the edition that made them. A change of behaviour is a new switch,
whose default is how it was before, and a new edition that differs in it; the code asks
`case.behaviour.NAME`. Each switch has a saved event list on both sides (tests/ledger/editions), and
goes, with its code, when no ledger knows a case of the old side any more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The switches, in the order in which they came; their defaults are the first edition."""

    rungs_leave_on_working_days: bool = True  # of the receiver (stories.md 3.6); False: at once


# By number, never changed once a case was opened under it; the newest is EDITION.
EDITIONS: dict[int, Behaviour] = {1: Behaviour()}
EDITION = 1  # of cases opened from now on


def behaviour_of(edition: int) -> Behaviour:
    """The switches of an edition; raises ValueError for one this program does not know."""
    behaviour = EDITIONS.get(edition)
    if behaviour is None:
        raise ValueError(f"this program does not know edition {edition}")
    return behaviour
