"""Everything a case starts from. What can then be asked of it: `domain/case/acts/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.work.calendar import Calendar
from domain.work.procedure import Procedure
from domain.work.state import Office


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Everything a case starts from. `flags` are those known at the first report."""

    case_id: str
    procedure: Procedure
    procedure_digest: str
    adult_on: date | None
    country: str
    offices: tuple[Office, ...]
    roles: Mapping[str, str]
    flags: tuple[str, ...] = ()
    user: str = ""
    crossings: Mapping[str, str] = field(default_factory=dict)
    calendars: tuple[Calendar, ...] = ()  # declared since the rulebook was written
    edition: int = 1  # an opening kept without one is of the first, whatever is current
