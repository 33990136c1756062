"""An edition is a record of switches: a second one differs in one line, and each case keeps its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.behaviour import EDITION, EDITIONS, Behaviour, behaviour_of
from domain.case.apply import blank, fold
from domain.case.core import advance, open_case
from domain.case.state import Case
from domain.work.events import MessageQueued, MessageReleased, RungFired
from tests.builders import MONDAY, an_act, an_opening

NEXT = EDITION + 1
SUNDAY = MONDAY + timedelta(days=6)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Behaviour:
    """The program after an upgrade: one switch is thrown."""
    behaviour = replace(EDITIONS[EDITION], rungs_leave_on_working_days=False)
    monkeypatch.setitem(EDITIONS, NEXT, behaviour)
    return behaviour


def stalled(edition: int) -> Case:
    """A case whose first rung falls on a Sunday."""
    opening = an_opening(edition=edition)
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    case = fold(case, open_case(opening, MONDAY))
    case = fold(
        case, advance(case, an_act("complete", "host.case", step="ask", outcome="sent"), MONDAY)
    )
    due = SUNDAY + timedelta(days=7 * 6)
    return fold(
        case,
        advance(
            case, an_act("extend", "host.focal", step="answer", due=due, reason="text:x"), MONDAY
        ),
    )


def rung_messages(case: Case) -> tuple[list[str], list[str]]:
    """What waits and what left when the first rung fires."""
    task = case.work.tasks["answer"][-1]
    assert task.due_at is not None
    events = advance(case, None, task.due_at)
    assert any(isinstance(event, RungFired) for event in events)
    waits = [e.to for e in events if isinstance(e, MessageQueued) and e.kind == "rung"]
    left = [e.to for e in events if isinstance(e, MessageReleased) and e.kind == "rung"]
    return waits, left


def test_it_differs_in_one_switch_and_each_case_keeps_its_own(second: Behaviour) -> None:
    waits, left = rung_messages(stalled(EDITION))
    assert waits
    assert not left
    waits, left = rung_messages(stalled(NEXT))
    assert left
    assert not waits
    assert second == behaviour_of(NEXT) != behaviour_of(EDITION)


def test_a_case_that_is_moved_behaves_as_the_newer_edition_from_then_on(second: Behaviour) -> None:
    case = stalled(EDITION)
    move = replace(an_act("world_edition", "host.case", number=NEXT), by="admin", user="")
    moved = fold(case, advance(case, move, MONDAY))
    assert moved.behaviour == second
    assert rung_messages(moved)[1]


def test_an_edition_nobody_wrote_is_an_error() -> None:
    with pytest.raises(ValueError, match=f"edition {NEXT}"):
        behaviour_of(NEXT)
