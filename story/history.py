"""What happened in one case, and how the case stood after each moment: a fold of its events.

Everything a story expects is judged on this, whichever stage played it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.case.apply import apply, blank
from domain.case.commands import OpenCase
from domain.case.state import Case
from domain.event import Event
from domain.work.procedure import Procedure


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """A case at the end of a moment, with everything that had happened by then."""

    at: datetime
    case: Case
    events: Sequence[Event]


class History:
    """The events of one case and the case after each of their moments."""

    def __init__(self, opening: OpenCase, procedures: Mapping[str, Procedure]) -> None:
        """Begin blank; `plans` are those the case may be moved to, by digest."""
        case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
        self._case = replace(
            case, procedures={**procedures, opening.procedure_digest: opening.procedure}
        )
        self.events: list[Event] = []
        self._ends: list[tuple[datetime, Case, int]] = []

    @property
    def case(self) -> Case:
        """The case now."""
        return self._case

    def read(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Take in what is new of a case's events; gives back the new ones."""
        new = tuple(events)[len(self.events) :]
        for event in new:
            self._case = apply(self._case, event)
            self.events.append(event)
            if self._ends and self._ends[-1][0] == event.at:
                self._ends.pop()
            self._ends.append((event.at, self._case, len(self.events)))
        return new

    def at(self, moment: datetime) -> LedgerPosition:
        """How the case stood at the end of that moment."""
        index = bisect_right(self._ends, moment, key=lambda end: end[0]) - 1
        _, case, count = self._ends[max(0, index)]
        return LedgerPosition(moment, case, self.events[:count])

    def moments(self, first: datetime, last: datetime) -> list[datetime]:
        """Every moment in between at which something happened, both ends included."""
        return [at for at, _, _ in self._ends if first <= at <= last]
