"""A case in a list and a whole one: the sentence, the plan, the gates, what stands in the way.

It never holds a name, contact, birth date or free text of anybody.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.json.schemas.base import Shape
from api.json.schemas.can import CanShape
from api.json.schemas.steps import StepShape, step_shape
from domain.case import gates, reading
from domain.case.state import Case
from records.cases import CaseView


class CaseItem(Shape):
    """A case in a list: what it waits for and whose turn it is. Nothing about the person."""

    case: str
    reference: str
    corridor: str
    status: str = Field(examples=["open"])
    turn: str = Field(examples=["origin"])
    waits_for: str
    step: str
    holder: str
    since: datetime | None
    due_at: datetime | None
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    opened_at: datetime
    version: int


def case_item(row: CaseView) -> CaseItem:
    """Return a row of the list of cases."""
    return CaseItem(
        case=row.case_id,
        reference=row.reference,
        corridor=row.corridor,
        status=row.status,
        turn=row.turn,
        waits_for=row.waits_for,
        step=row.waits_step,
        holder=row.waits_holder,
        since=row.since,
        due_at=row.due_at,
        rung=row.rung,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        opened_at=row.opened_at,
        version=row.version,
    )


class GateShape(Shape):
    """A gate that must be open at departure, and what shuts it."""

    gate: str
    open: bool
    why: str


class HandoverShape(Shape):
    """The plan to cross."""

    at: datetime
    crossing: str
    receiving: str
    departed_at: datetime | None


class ConsentShape(Shape):
    """A person's yes for one purpose."""

    purpose: str
    receiver: str
    until: date
    live: bool


class OfficeInCase(Shape):
    """An office of this case and the roles it holds here."""

    office: str
    roles: list[str]
    excluded: bool


class CaseShape(Shape):
    """A case: the sentence, the whole plan, the gates, what stands in the way."""

    case: str
    reference: str
    version: int
    corridor: str
    rules: str = Field(description="Version of the rules this case carries.")
    status: str
    place: str = Field(description="Country where the person is.")
    child: bool
    now: datetime = Field(description="The moment this was looked at, on the case's own clock.")
    opened_at: datetime
    waits_for: str
    turn: str
    step: str
    holder: str
    since: datetime | None
    due_at: datetime | None
    next_rung: str
    next_rung_at: datetime | None
    flags: list[str]
    bars: list[str]
    procedure: list[StepShape]
    gates: list[GateShape]
    handover: HandoverShape | None
    consents: list[ConsentShape]
    offices: list[OfficeInCase]
    can: dict[str, CanShape] = Field(description="The acts on the whole case, for you, now.")


def case_shape(case: Case, row: CaseView, at: datetime, can: dict[str, CanShape]) -> CaseShape:
    """Return a whole case as of `at`, a moment on its own clock."""
    waiting = reading.waits_for(case, at)
    applied = case.procedure.gates.get("applies", gates.ALL)
    return CaseShape(
        case=case.id,
        reference=row.reference,
        version=case.version,
        corridor=case.procedure.corridor,
        rules=case.procedure.version,
        status=reading.shown_state(case),
        place=case.place,
        child=case.is_child(at),
        now=at,
        opened_at=row.opened_at,
        waits_for=waiting.text,
        turn=waiting.turn,
        step=waiting.step,
        holder=waiting.holder,
        since=waiting.since,
        due_at=waiting.due_at,
        next_rung=waiting.next_rung,
        next_rung_at=waiting.next_rung_at,
        flags=sorted(case.person.flags),
        bars=sorted(case.person.bars),
        procedure=[step_shape(case, card, at) for card in case.procedure.cards.values()],
        gates=[_gate(case, gate, at) for gate in applied],
        handover=_handover(case),
        consents=[
            ConsentShape(
                purpose=c.purpose,
                receiver=c.receiver,
                until=c.until,
                live=c.withdrawn_at is None and not c.lapsed,
            )
            for c in case.person.consents
        ],
        offices=_offices(case),
        can=can,
    )


def _gate(case: Case, gate: str, at: datetime) -> GateShape:
    found = gates.state(case, gate, at)
    return GateShape(gate=gate, open=found.open, why=found.why)


def _handover(case: Case) -> HandoverShape | None:
    handover = case.handover
    if handover is None:
        return None
    return HandoverShape(
        at=handover.at,
        crossing=handover.crossing,
        receiving=handover.receiving,
        departed_at=handover.departed_at,
    )


def _offices(case: Case) -> list[OfficeInCase]:
    held: dict[str, list[str]] = {}
    for role, office in case.work.roles.items():
        held.setdefault(office, []).append(role)
    return [
        OfficeInCase(office=office, roles=roles, excluded=case.work.offices[office].excluded)
        for office, roles in held.items()
        if office in case.work.offices
    ]
