"""Small plans and cases for tests, made by the real core: `a_procedure`, `an_opening`, `a_life`.

Nothing here knows a database or an engine.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.act import AnyCommand
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.core import advance, command_of, open_case
from domain.case.state import Case
from domain.event import Event
from domain.rules.book import digest_of
from domain.work.deadlines import Clock
from domain.work.procedure import Card, GateRule, Ladder, Need, Outcome, Procedure, Rung
from domain.work.state import Office

MONDAY = datetime(2026, 2, 2, 2, 0, tzinfo=UTC)  # 09:00 in Vientiane and Bangkok

ROLES = (
    "host.case",
    "host.committee",
    "host.focal",
    "host.national",
    "origin.tracing",
    "origin.focal",
    "origin.embassy",
    "origin.national",
)
RUNGS = (
    Rung("E1", Clock(0, "days"), ("supervisor",), decides=False),
    Rung("E2", Clock(7, "days"), ("committee", "holder.focal"), decides=True),
    Rung("E3", Clock(14, "days"), ("host.focal", "origin.focal"), decides=True),
    Rung("E5", Clock(90, "days"), ("host.national", "origin.national"), decides=True),
)


def a_card(step: str, owner: str, *outcomes: str, **changes: Any) -> Card:
    """A plain step with these outcomes, due within 5 working days on the usual ladder."""
    card = Card(
        id=step,
        title=step.replace("_", " ").capitalize(),
        track="family",
        kind="plain",
        owner=owner,
        source="a test",
        outcomes={name: Outcome(name) for name in outcomes},
        within=Clock(5, "working days"),
        ladder="normal",
    )
    return replace(card, **changes)


def gates_of(gates: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The gates of small rules: where they are asked, and what opens each, in one mapping."""
    asked = {"applies", "plan_handover", "depart", "handed_over"}
    return {
        "gates": {where: names for where, names in gates.items() if where in asked},
        "gate_rules": {n: GateRule(facts) for n, facts in gates.items() if n not in asked},
    }


def a_procedure(*more: Card, **changes: Any) -> Procedure:
    """Ask, answer, closure: enough to be late, to climb and to end. Add cards of your own."""
    cards = (
        a_card("ask", "host.case", "sent", after=(Need(("opening",)),)),
        a_card(
            "answer",
            "origin.tracing",
            "found",
            "not_found",
            after=(Need(("ask:sent",)),),
            within=Clock(45, "days"),
            recorded_by=("host.case",),
        ),
        replace(
            a_card("hold_review", "setter", "end", within=None, pauses=False, aside=True),
            outcomes={"keep": Outcome("keep", again=True), "end": Outcome("end")},
        ),
        *more,
        replace(
            a_card("closure", "host.case", "closed", after=(Need(("answer",)),)),
            outcomes={"closed": Outcome("closed", case="closed")},
        ),
    )
    procedure = Procedure(
        corridor="th-la",
        host="TH",
        origin="LA",
        home="host",
        version="test",
        cards={card.id: card for card in cards},
        ladders={"normal": Ladder("normal", RUNGS)},
        calendars={},
        recipients={"committee": ("host.committee",)},
        gates={},
        gate_rules={},
        access=dict.fromkeys(
            ("hold", "resume", "extend", "reassign", "skip", "cancel", "reopen", "flag"),
            ("host.case", "host.focal"),
        ),
        purposes={},
        releases={},
        views={},
        child_needs=(),
        consent_lasts=Clock(90, "days"),
        consent_confirmed_within=Clock(72, "hours"),
        idle_after=Clock(14, "days"),
    )
    return replace(procedure, **changes)


def office_of(role: str) -> str:
    """The id of the made-up office that holds a role in these tests."""
    return role.replace(".", "-")


def some_offices() -> tuple[Office, ...]:
    """One office for each role, each with a head, and a supervisor for the two that act."""
    country = {"host": "TH", "origin": "LA"}
    made = [
        Office(
            id=office_of(role),
            role=role,
            country=country[role.partition(".")[0]],
            head=f"user-{office_of(role)}",
            under=f"{office_of(role)}-chief",
        )
        for role in ROLES
    ]
    chiefs = [
        Office(id=office.under, role="", country=office.country, head=f"user-{office.under}")
        for office in made
    ]
    return (*made, *chiefs)


def an_opening(procedure: Procedure | None = None, **changes: Any) -> OpenCase:
    """A grown woman's case, opened under `plan`, with an id of its own."""
    chosen = procedure or a_procedure()
    opening = OpenCase(
        case_id=str(uuid.uuid4()),
        procedure=chosen,
        procedure_digest=digest_of(chosen),
        adult_on=datetime(2015, 1, 1, tzinfo=UTC).date(),
        country="LA",
        offices=some_offices(),
        roles={role: office_of(role) for role in ROLES},
    )
    return replace(opening, **changes)


def an_act(do: str, role: str, **fields: Any) -> AnyCommand:
    """A command by the head of the office that holds `role`."""
    return command_of(do, by=office_of(role), user=f"user-{office_of(role)}", **fields)


@dataclass(frozen=True)
class Life:
    """A case and everything that happened in it, one group of events for each move."""

    opening: OpenCase
    case: Case
    groups: tuple[tuple[Event, ...], ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """All of them, in order."""
        return tuple(event for group in self.groups for event in group)


def a_life(
    *moves: tuple[float, AnyCommand | None],
    opening: OpenCase | None = None,
    opened_at: datetime = MONDAY,
) -> Life:
    """Play moves on the core: (days after the opening, command, or None for time alone)."""
    begin = opening or an_opening()
    groups = [open_case(begin, opened_at)]
    case = fold(blank(begin.case_id, begin.procedure, begin.procedure_digest), groups[0])
    for days, command in moves:
        happened = advance(case, command, opened_at + timedelta(days=days))
        case = fold(case, happened)
        groups.append(happened)
    return Life(begin, case, tuple(groups))


def a_case(**changes: Any) -> Case:
    """A case just opened."""
    return a_life(opening=an_opening(**changes)).case


# A request sent, an answer that never comes: it climbs, is extended, climbs again.
STALLED: tuple[tuple[float, AnyCommand | None], ...] = (
    (1, an_act("complete", "host.case", step="ask", outcome="sent")),
    (60, None),
)
ANSWERED_AND_CLOSED: tuple[tuple[float, AnyCommand | None], ...] = (
    *STALLED,
    (61, an_act("complete", "origin.tracing", step="answer", outcome="found")),
    (62, an_act("complete", "host.case", step="closure", outcome="closed")),
)


def many(count: int, moves: Iterable[tuple[float, AnyCommand | None]] = ()) -> list[Life]:
    """Several cases of the same kind, opened one minute after the other."""
    told = tuple(moves)
    return [a_life(*told, opened_at=MONDAY + timedelta(minutes=n)) for n in range(count)]


def with_procedure(case: Case, procedure: Procedure, digest: str = "") -> Case:
    """The case under other rules, as if it had begun with them."""
    digest = digest or case.procedure_digest
    segments = (*case.segments[:-1], replace(case.segment, procedure_digest=digest))
    return replace(case, segments=segments, procedures={**case.procedures, digest: procedure})
