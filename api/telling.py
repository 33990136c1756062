"""The timeline for programs: what the ledger holds, without names, birth dates or free text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from api.json.schemas.base import Shape
from records.ledger import LedgerRow
from wording.catalogue import ENGLISH, words_of
from wording.timeline import Body, Ids, sentence

IDS = Ids()

# What a line of the timeline may hold of an event, besides who and when. Nothing else is shown.
SHOWN = (
    "attempt",
    "outcome",
    "happened_at",
    "holder",
    "to",
    "how",
    "rung",
    "due_at",
    "old",
    "decision",
    "purpose",
    "flag",
    "kind",
    "owner",
    "review",
    "until",
    "on",
    "alarm",
    "fact",
    "state",
    "why",
    "what",
    "crossing",
    "status",
    "planned_at",
    "receiving",
    "number",
    "carries",
    "about",
    "version",
    "valid_until",
    "approved_by",
    "leaves_at",
)


class Line(Shape):
    """One thing that happened."""

    version: int = Field(description="Number of the event in this case, from 1 without gaps.")
    at: datetime
    what: str = Field(examples=["TaskDone"])
    sentence: str
    step: str
    by: str = Field(description="The office that recorded it.")
    user: str = Field(description="The person of that office, by id.")
    recorded_for: str = Field(description="The office that answered, if another one.")
    reason: str = Field(description="Name of a private text; `/texts` of the case has its words.")
    facts: dict[str, Any]


class TimelineShape(Shape):
    """What happened in a case, oldest first; `next` goes into `after`."""

    case: str
    reference: str
    items: list[Line]
    next: int | None


def line_of(row: LedgerRow) -> Line:
    """Return one event as the timeline shows it."""
    body: Body = row.body
    return Line(
        version=row.seq,
        at=row.at,
        what=row.kind,
        sentence=sentence(words_of(ENGLISH), row.kind, body, IDS),
        step=str(body.get("step", "")),
        by=str(body.get("by", "")),
        user=str(body.get("user", "")),
        recorded_for=str(body.get("for_", "")),
        reason=str(body.get("note") or body.get("reason", "")),
        facts={name: body[name] for name in SHOWN if body.get(name) not in (None, "", [])},
    )


def texts_in(rows: Iterable[LedgerRow]) -> list[str]:
    """Return the names of every private text these events name."""
    named: list[str] = []
    for row in rows:
        body: Body = row.body
        found = (body.get("reason"), body.get("note"), *dict(body.get("fields", {})).values())
        named.extend(word for word in found if isinstance(word, str) and word.startswith("text:"))
    return list(dict.fromkeys(named))
