"""Events written in an older shape are read in the present one; the ledger keeps what was written."""

from typing import Any

import pytest
from sqlalchemy import Connection

from domain.work.events import TaskDone
from records import ledger
from records.projection import write_one
from records.session import make_engine
from tests.builders import STALLED, a_life
from tests.records.writing import admit
from workflows.encoding import EVENT, event_from_json, event_to_json
from workflows.messages import NewEvent
from workflows.ports import EventBatch
from workflows.upcasters import UPCASTERS

# A made-up past: `TaskDone` was called `StepFinished`, and its outcome `result`; before that,
# `StepFinished` had `answer`.


def _finished_to_done(body: dict[str, Any]) -> dict[str, Any]:
    if "answer" in body:
        rest = {name: value for name, value in body.items() if name != "answer"}
        return {**rest, "result": body["answer"]}
    rest = {name: value for name, value in body.items() if name != "result"}
    return {**rest, EVENT: "TaskDone", "outcome": body["result"]}


def older(body: dict[str, Any], word: str) -> dict[str, Any]:
    if body[EVENT] != "TaskDone":
        return body
    rest = {name: value for name, value in body.items() if name != "outcome"}
    return {**rest, EVENT: "StepFinished", word: body["outcome"]}


@pytest.fixture
def upcasting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "StepFinished", _finished_to_done)


@pytest.mark.parametrize("word", ["result", "answer"])
def test_it_folds_a_ledger_of_an_older_shape(postgres_url: str, upcasting: None, word: str) -> None:
    life = a_life(*STALLED)
    assert any(isinstance(event, TaskDone) for event in life.events)
    told = tuple(
        NewEvent(seq, older(event_to_json(event), word), f"key-{seq}", "content")
        for seq, event in enumerate(life.events, start=1)
    )
    engine = make_engine(postgres_url)
    with engine.begin() as connection:
        admit(connection, life)
        write_one(connection, EventBatch("case", life.case.id, told))
        _holds(connection, life, told)
    engine.dispose()


def _holds(connection: Connection, life: Any, told: tuple[NewEvent, ...]) -> None:
    assert ledger.events_of(connection, life.case.id) == list(life.events)
    assert [row.body for row in ledger.read(connection, life.case.id)] == [n.body for n in told]
    assert ledger.verify(connection, life.case.id) == []


def test_it_refuses_the_older_shape_without_its_upcaster() -> None:
    done = next(event for event in a_life(*STALLED).events if isinstance(event, TaskDone))
    with pytest.raises(ValueError, match="StepFinished"):
        event_from_json(older(event_to_json(done), "result"))


def test_it_does_not_turn_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "A", lambda body: {**body, EVENT: "B"})
    monkeypatch.setitem(UPCASTERS, "B", lambda body: {**body, EVENT: "A"})
    with pytest.raises(ValueError, match="never come to an end"):
        event_from_json({EVENT: "A"})
