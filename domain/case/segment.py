"""A segment: one leg of the way home, with its procedure and its handover.

Nobody else spells which side holds the case, or where the person is (a lint of ours watches it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """A plan to cross: when, where, to whom. Dated steps belong to it by its number."""

    number: int
    at: datetime
    crossing: str
    receiving: str
    planned_at: datetime
    ended: str = ""  # why it ended; empty while it stands
    departed_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """True until something ends the plan."""
        return not self.ended


@dataclass(frozen=True, slots=True)
class Segment:
    """One leg. The rules it goes by are named by the digest of their procedure."""

    number: int
    procedure_digest: str
    newest_handover: Handover | None = None
    manifest_version: int = 0
    returned_at: datetime | None = None

    @property
    def handover(self) -> Handover | None:
        """The plan to cross that stands, if any."""
        newest = self.newest_handover
        return newest if newest is not None and newest.stands else None
