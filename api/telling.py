"""The timeline in plain sentences: what the ledger holds, without names, birth dates or free text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from api.json.schemas.base import Shape
from records.ledger import LedgerRow

Body = Mapping[str, Any]

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
        sentence=sentence_of(row.kind, body),
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


def sentence_of(kind: str, body: Body) -> str:
    """Return what happened in one plain sentence."""
    tell = _SENTENCES.get(kind)
    return f"{kind}." if tell is None else tell(body)


def _step(body: Body) -> str:
    attempt = int(body.get("attempt", 0))
    again = f" (attempt {attempt})" if attempt > 1 else ""
    return f"{body.get('step', '')}{again}"


def _of_step(body: Body) -> str:
    return f" of {_step(body)}" if body.get("step") else ""


def _all(names: Any) -> str:
    return ", ".join(names) if names else "nobody"


def _by(body: Body) -> str:
    return f" by {body['by']}" if body.get("by") else ""


def _done(body: Body) -> str:
    for_ = f" for {body['for_']}" if body.get("for_") else ""
    return f"{_step(body)} ended as {body.get('outcome')}, recorded{_by(body)}{for_}."


def _offered(body: Body) -> str:
    due = f", due {str(body['due_at'])[:10]}" if body.get("due_at") else ""
    return f"{_step(body)} was offered to {body.get('holder')}{due}."


def _clock(body: Body) -> str:
    old = f" from {str(body['old'])[:10]}" if body.get("old") else ""
    how = {
        "extend": "was extended",
        "resume": "goes on after the hold",
        "calendar": "moved with a changed calendar",
        "rules": "moved with the new rules",
    }.get(str(body.get("how")), "moved")
    return f"The due date of {_step(body)} {how}{old} to {str(body.get('due_at'))[:10]}{_by(body)}."


def _rung(body: Body) -> str:
    opens = ", which opens an escalation" if body.get("opens") else ""
    return f"{_step(body)} reached {body.get('rung')}, told {_all(body.get('to'))}{opens}."


def _consent(body: Body) -> str:
    given = dict(body.get("consent", {}))
    return f"Consent {given.get('purpose')} given until {given.get('until')}, recorded{_by(body)}."


_SENTENCES: dict[str, Callable[[Body], str]] = {
    "CaseOpened": lambda _: "The case was opened.",
    "CaseMoved": lambda b: f"The case is now {b.get('state')}: {b.get('why')}.",
    "CaseReopened": lambda b: f"The case was opened again{_by(b)}.",
    "WorkHeld": lambda b: f"The case was put on hold until a review on {b.get('until')}{_by(b)}.",
    "WorkResumed": lambda b: f"The hold ended{_by(b)}.",
    "RulesAdopted": lambda b: f"The case moved to newer rules{_by(b)}.",
    "EditionMoved": lambda _: "The case moved to a newer edition of the program.",
    "TurnedAdult": lambda _: "The person turned eighteen.",
    "IdleFound": lambda _: "Nothing has been asked of anybody for long: the case stands still.",
    "FactCorrected": lambda b: f"A fact was corrected{_by(b)}: {b.get('fact')}{_of_step(b)}.",
    "TaskOffered": _offered,
    "TaskAccepted": lambda b: f"{_step(b)} was accepted{_by(b)}.",
    "TaskMoved": lambda b: f"{_step(b)} went to {b.get('to')} ({b.get('how')}){_by(b)}.",
    "TaskPreassigned": lambda b: f"{b.get('step')} will go to {b.get('to')}{_by(b)}.",
    "TaskDone": _done,
    "TaskSkipped": lambda b: f"{_step(b)} was left out ({b.get('how')}){_by(b)}.",
    "TaskTakenBack": lambda b: f"{_step(b)} is not asked any more ({b.get('how')}).",
    "TaskNoted": lambda b: f"A note on {_step(b)}{_by(b)}.",
    "TaskPromised": lambda b: f"{_step(b)} was promised for {b.get('on')}{_by(b)}.",
    "AlarmRaised": lambda b: f"Alarm {b.get('alarm')} on {_step(b)}{_by(b)}.",
    "ClockSet": _clock,
    "ClockStopped": lambda b: f"The clock of {_step(b)} stands still.",
    "Reminded": lambda b: f"{_all(b.get('to'))} was reminded of {_step(b)}.",
    "RungFired": _rung,
    "RungSkipped": lambda b: f"{b.get('rung')} of {_step(b)} was passed over: {b.get('why')}.",
    "EscalationDecided": lambda b: f"Decision on {_step(b)}: {b.get('decision')}{_by(b)}.",
    "EscalationOvertaken": lambda b: f"The escalation of {_step(b)} was overtaken by the answer.",
    "Recorded": lambda b: f"Recorded for {_step(b)}: {b.get('what')}.",
    "ConsentGiven": _consent,
    "ConsentConfirmed": lambda b: f"Consent {b.get('purpose')} was confirmed.",
    "ConsentWithdrawn": lambda b: f"Consent {b.get('purpose')} was withdrawn{_by(b)}.",
    "ConsentLapsed": lambda b: f"Consent {b.get('purpose')} came to its end.",
    "FlagSet": lambda b: f"Flagged {b.get('flag')}{_by(b)}.",
    "FlagLifted": lambda b: f"No longer {b.get('flag')}{_by(b)}.",
    "BarSet": lambda b: f"Bar {b.get('kind')} of {b.get('owner')}, review {b.get('review')}.",
    "BarLifted": lambda b: f"Bar {b.get('kind')} was lifted{_by(b)}.",
    "HandoverPlanned": lambda b: (
        f"Handover planned for {str(b.get('planned_at'))[:10]}, "
        f"crossing {b.get('crossing') or 'not named'}."
    ),
    "HandoverEnded": lambda b: f"The plan to cross is off: {b.get('why')}.",
    "Departed": lambda b: f"Departed{_by(b)}.",
    "ManifestMade": lambda b: f"Manifest, version {b.get('version')}.",
    "CrossingChanged": lambda b: f"The crossing {b.get('crossing')} is {b.get('status')}.",
    "CalendarChanged": lambda _: "A calendar changed.",
    "PostChanged": lambda b: f"The post of {dict(b.get('office', {})).get('id')} changed.",
    "MessageQueued": lambda b: f"Message {b.get('kind')} to {b.get('to')} is to leave.",
    "MessageReleased": lambda b: f"Message {b.get('kind')} left for {b.get('to')}.",
    "MessageDropped": lambda b: f"Message {b.get('id')} will not leave: {b.get('why')}.",
}
