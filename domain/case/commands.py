"""What can be asked of a case: one record, the words of stories.md 2.3. It carries no free text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.event import Signed
from domain.work.calendar import Calendar
from domain.work.procedure import Procedure
from domain.work.state import Office


@dataclass(frozen=True, slots=True)
class Command:
    """An act: who records it, for whom, when it was so, and the fields of its kind.

    `reason`, `note` and free text in `fields` are names of private texts kept outside the engine.
    `window` seconds: an act within them after another counts as simultaneous (stories.md 2.7);
    `seen` is the version the caller had before it, if named.
    """

    do: str
    by: str  # office
    user: str
    for_: str = ""  # office that answered
    step: str = ""
    outcome: str = ""
    happened_at: datetime | None = None
    reason: str = ""
    note: str = ""
    due: date | datetime | None = None
    until: date | None = None
    review: date | None = None
    day: date | datetime | None = None  # `date` of a promise or a plan
    valid_until: date | None = None
    to: str = ""
    decision: str = ""
    purpose: str = ""
    receiver: str = ""
    flag: str = ""
    kind: str = ""
    owner: str = ""
    fact: str = ""
    value: str = ""
    crossing: str = ""
    receiving: str = ""
    approved_by: str = ""  # user
    evidence: str = ""
    status: str = ""  # of a crossing
    fields: Mapping[str, str] = field(default_factory=dict)
    calendar: Calendar | None = None
    office: Office | None = None  # a post that changes hands
    procedure: Procedure | None = None  # adopt_rules
    procedure_digest: str = ""
    member: bool = False  # the door has seen that this user works in `by`; else only the post signs
    window: int = 0
    seen: int | None = None

    def signed(self) -> Signed:
        """Who signs what comes of it, and why: the end of every event an office causes."""
        return {"by": self.by, "user": self.user, "reason": self.reason}


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
    edition: int = 1  # an opening kept without one is of the first, whatever is current
