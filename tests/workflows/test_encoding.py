"""Every record of the core survives being written and read, and its digest with it."""

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.act import AnyCommand, Command
from domain.case.commands import OpenCase
from domain.case.core import ACTS, command_of
from domain.case.events import KINDS
from domain.case.state import Case
from domain.event import Event
from domain.kinds import CASE
from domain.work.calendar import Calendar
from domain.work.events import TaskDone
from domain.work.procedure import Procedure
from tests.builders import ANSWERED_AND_CLOSED, a_life, a_procedure
from workflows import encoding

ZONES = st.integers(-12 * 4, 14 * 4).map(
    lambda quarters: timezone(timedelta(minutes=15 * quarters))
)
MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 2),  # noqa: DTZ001 - the zone is chosen beside it
    max_value=datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=ZONES,
)
for kind, strategy in (
    (datetime, MOMENTS),
    (date, st.dates()),
    (time, st.times(timezones=st.none())),
    (int, st.integers(-(2**53), 2**53)),
    (str, st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
):
    st.register_type_strategy(kind, strategy)

EVENTS = st.sampled_from(sorted(KINDS)).flatmap(lambda name: st.from_type(KINDS[name]))


def through_text(data: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(data))
    return told


@given(EVENTS)
def test_it_reads_back_every_event(event: Event) -> None:
    told = encoding.event_to_json(event)
    again = encoding.event_from_json(through_text(told))
    assert again == event
    assert type(again) is type(event)
    assert encoding.digest(encoding.event_to_json(again)) == encoding.digest(told)


def commands_of(name: str) -> st.SearchStrategy[AnyCommand]:
    """A command of one act, with anything in its fields."""
    bodies = st.from_type(ACTS[name].takes)
    return st.builds(Command, do=st.just(name), body=bodies)


@given(st.sampled_from(sorted(set(ACTS) - {"adopt_rules"})).flatmap(commands_of))
def test_it_reads_back_every_command(command: AnyCommand) -> None:
    told = encoding.command_to_json(command)
    again = encoding.command_from_json(CASE, through_text(told))
    assert again == command
    for name in ("day", "due"):
        given = getattr(command.body, name, None)
        assert type(getattr(again.body, name, None)) is type(given)
    assert encoding.command_to_json(again) == told


@given(MOMENTS, ZONES)
def test_it_writes_one_moment_one_way(moment: datetime, zone: timezone) -> None:
    here = TaskDone(at=moment, step="s", attempt=1, outcome="o", happened_at=moment)
    there = TaskDone(
        at=moment.astimezone(zone), step="s", attempt=1, outcome="o", happened_at=moment
    )
    assert encoding.event_to_json(here) == encoding.event_to_json(there)


def test_it_reads_back_a_whole_life() -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    procedures = {life.opening.procedure_digest: life.opening.procedure}
    told = through_text(encoding.state_to_json(CASE, life.case))
    again = encoding.state_from_json(CASE, told, procedures)
    assert again == life.case
    assert encoding.state_to_json(CASE, again) == told
    assert "procedure" not in told
    assert encoding.opening_from_json(CASE, encoding.opening_to_json(life.opening)) == life.opening


def test_it_keeps_the_order_of_cards_and_the_name_of_a_plan() -> None:
    procedure = a_procedure()
    again = encoding.procedure_from_json(through_text(encoding.procedure_to_json(procedure)))
    assert again == procedure
    assert list(again.cards) == list(procedure.cards)
    assert encoding.procedure_digest(again) == encoding.procedure_digest(procedure)


def test_it_refuses_a_case_without_its_plan() -> None:
    told = encoding.state_to_json(CASE, a_life().case)
    with pytest.raises(KeyError):
        encoding.state_from_json(CASE, told, {})


@pytest.mark.parametrize(
    "told",
    [
        {"event": "NothingLikeIt", "at": "2026-02-02T02:00:00Z"},
        {"at": "2026-02-02T02:00:00Z"},
        {"event": "TurnedAdult", "at": "2026-02-02T02:00:00Z", "unknown": 1},
        {"event": "TurnedAdult"},
    ],
)
def test_it_refuses_what_this_edition_does_not_know(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event|unknown|at"):
        encoding.event_from_json(told)


def test_it_refuses_a_moment_without_an_offset() -> None:
    naive = datetime(2026, 2, 2)  # noqa: DTZ001 - the mistake itself
    with pytest.raises(ValueError, match="offset"):
        encoding.event_to_json(KINDS["TurnedAdult"](at=naive))


def test_it_leaves_no_name_for_its_own_key() -> None:
    assert not [name for name, kind in KINDS.items() if encoding.EVENT in kind.__slots__]


def test_it_tells_a_date_from_midnight() -> None:
    midnight = datetime(2026, 2, 2, tzinfo=UTC)
    for day in (midnight, midnight.date()):
        command = command_of("promise", by="b", user="u", day=day)
        again = encoding.command_from_json(CASE, through_text(encoding.command_to_json(command)))
        assert type(again.body.day) is type(day)


@pytest.mark.parametrize(
    "record",
    [Case, Procedure, *(act.takes for act in ACTS.values()), OpenCase, Calendar, *KINDS.values()],
)
def test_it_holds_only_what_can_be_written(record: type[Any]) -> None:
    assert is_dataclass(record)
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert fields(record) or record in {act.takes for act in ACTS.values()}
