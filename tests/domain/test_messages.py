"""Messages: how they are numbered, what becomes of one that waits, and what nobody is sent.

Each test stands for a mechanical mutant of `domain/messages.py` (docs/mutants.md).
"""

from __future__ import annotations

from datetime import UTC, datetime

from domain.case.hooks import HOOKS
from domain.case.state import Case
from domain.event import Event
from domain.work import events
from domain.work.messages import write
from domain.work.transition import Transition
from tests.scenario import Told

THURSDAY = datetime(2026, 2, 5, 2, 0, tzinfo=UTC)  # half of 45 days ends on a Saturday
THAT_SUNDAY = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 2, 6, 2, 0, tzinfo=UTC)  # half of 15 days too: 8 days, a Saturday


def dropped(told: Told) -> list[tuple[int, str]]:
    return [(e.id, e.why) for e in told.events if isinstance(e, events.MessageDropped)]


def two_waiting() -> tuple[Told, dict[str, int]]:
    """On Sunday two reminders wait for Monday: by the office they go to."""
    told = Told(opens=THURSDAY)
    told.yes("tracing", "notify_state")
    told.go_well("tracing", "verification")
    told.at = THAT_SUNDAY
    told.wait()
    waiting = {
        message.to: message.id for message in told.case.work.messages if message.kind == "reminder"
    }
    assert set(waiting) == {"origin.tracing", "origin.identity"}
    return told, waiting


def test_it_drops_only_the_waiting_message_that_may_not_leave_any_more() -> None:
    told, waiting = two_waiting()
    told.act("flag", "host.case", flag="conflict:origin.tracing")
    told.wait(days=2)
    assert not told.case.work.messages
    assert (waiting["origin.tracing"], "excluded") in dropped(told)
    assert waiting["origin.identity"] not in dict(dropped(told))
    assert told.left("reminder", "origin.identity")


def test_it_drops_a_waiting_reminder_whose_question_was_answered() -> None:
    told, waiting = two_waiting()
    told.complete("tracing", "found_safe")
    told.wait(days=2)
    assert dropped(told) == [(waiting["origin.tracing"], "answered")]
    assert not told.left("reminder", "origin.tracing")
    assert told.left("reminder", "origin.identity")


def test_it_sends_a_waiting_reminder_of_a_step_asked_again() -> None:
    """The first attempt is over; what waits speaks of the second."""
    told = Told(opens=FRIDAY)
    told.go_well("identification")
    told.complete("identification", "undetermined")
    told.wait(days=9)
    (waiting,) = [x for x in told.case.work.messages if x.step == "identification"]
    assert waiting.attempt == 2
    told.wait(days=2)
    assert told.left("reminder", "host.team")


def test_it_numbers_messages_without_a_gap_and_names_no_attempt_where_there_is_none() -> None:
    told = Told()
    told.complete("report", "accepted")
    told.wait(days=12)
    numbers: list[int] = []
    waiting: set[int] = set()
    for event in told.events:
        if isinstance(event, events.MessageQueued):
            waiting.add(event.id)
            numbers.append(event.id)
        elif isinstance(event, events.MessageReleased) and event.id not in waiting:
            numbers.append(event.id)
        elif isinstance(event, events.MessageReleased | events.MessageDropped):
            waiting.discard(event.id)
    assert numbers == list(range(1, told.case.work.messages_made + 1))
    assert len(numbers) > 5
    assert [(e.attempt, e.version) for e in told.left("told", "host.committee")] == [(0, 0)]


def test_it_writes_to_nobody_that_the_case_does_not_know() -> None:
    for to in ("", "somebody.else"):
        assert written_to(Told().case, to) == []


def written_to(case: Case, to: str) -> list[Event]:
    transition = Transition(case, HOOKS)
    sunday = datetime(2026, 2, 8, 5, 0, tzinfo=UTC)
    write(transition, sunday, "rung", to, step="screening", attempt=1, waits=True)
    return transition.events
