"""A run that began with a snapshot of an older shape goes on, and its history can be replayed."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.case.commands import OpenCase
from domain.work.events import RungFired
from engine.connection import sealed_converter
from records.recovery import Kept, from_ledger
from settings import Settings
from tests.builders import STALLED, a_life, an_act
from tests.ledger.pasts import FIRST, THIRD, UPCASTERS, older
from tests.ledger.rooms import renewed, run_of
from tests.workflows.conftest import PAYLOAD_KEY, Lab
from tests.workflows.test_history import HISTORIES, without_a_machine
from worker import runner
from workflows.case import CaseWorkflow
from workflows.messages import Start, workflow_id
from workflows.upcasters import CASES, SHAPE

SAVED = HISTORIES / "an-older-shape.json"


@pytest.fixture
def upcasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program after two changes of shape: tests/ledger/pasts.py."""
    for edition, upcaster in UPCASTERS.items():
        monkeypatch.setitem(CASES, edition, upcaster)


@pytest.fixture
def converter(tmp_path: Path) -> DataConverter:
    return sealed_converter(Settings(data_dir=tmp_path, payload_key=PAYLOAD_KEY))


def replayer(converter: DataConverter) -> Replayer:
    return Replayer(
        workflows=[CaseWorkflow],
        data_converter=converter,
        workflow_runner=runner(sandbox=True),
    )


def kept(lab: Lab, opening: OpenCase) -> Kept:
    with lab.database.begin() as connection:
        found = from_ledger(connection, opening.case_id)
    assert found is not None
    return found


async def goes_on_from_an_older_snapshot(lab: Lab) -> OpenCase:
    """A case whose present run was begun by the program of long ago."""
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, an_act("complete", "host.case", step="ask", outcome="sent"))
    known = kept(lab, opening)
    state = {name: value for name, value in known.snapshot.state.items() if name != SHAPE}
    old = replace(known.snapshot, state=older(state, FIRST))
    name = workflow_id("case", opening.case_id)
    await lab.client.get_workflow_handle(name).terminate("a test")
    await lab.client.start_workflow(
        "case",
        Start(opening.case_id, known.clock_offset, snapshot=old),
        id=name,
        task_queue=lab.settings.task_queue,
    )
    return opening


async def test_it_goes_on_from_a_snapshot_of_an_older_shape(
    lab: Lab, upcasting: None, converter: DataConverter
) -> None:
    opening = await goes_on_from_an_older_snapshot(lab)
    before = await run_of(lab, opening)
    await lab.days_pass(opening, 60)
    assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)
    assert any(isinstance(event, RungFired) for event in lab.events(opening))
    note = an_act("note", "origin.tracing", step="answer", note="text:1")
    await lab.act(opening, note)
    assert await renewed(lab, opening) == before

    handle = lab.client.get_workflow_handle(workflow_id("case", opening.case_id), run_id=before)
    first = await handle.fetch_history()
    if os.environ.get("HOMEWARD_SAVE_HISTORY"):
        SAVED.write_text(without_a_machine(first.to_json()), encoding="utf-8")
    await replayer(converter).replay_workflow(first)

    # The run after it began with the present shape, and goes on like any other.
    newest = await lab.client.get_workflow_handle(
        workflow_id("case", opening.case_id)
    ).fetch_history()
    start = newest.events[0].workflow_execution_started_event_attributes
    [told] = await converter.decode(list(start.input.payloads), [Start])
    assert told.snapshot is not None
    assert told.snapshot.state[SHAPE] == THIRD
    assert (await lab.act(opening, note)).version == len(lab.rows(opening))


async def test_it_replays_a_saved_history_of_an_older_shape(
    upcasting: None, converter: DataConverter
) -> None:
    # A failure means that running cases would break: see docs/engine.md before saving a new one.
    history = WorkflowHistory.from_json("case/saved", SAVED.read_text(encoding="utf-8"))
    await replayer(converter).replay_workflow(history)


async def test_it_does_not_replay_it_without_the_upcasters(converter: DataConverter) -> None:
    history = WorkflowHistory.from_json("case/saved", SAVED.read_text(encoding="utf-8"))
    with pytest.raises(NondeterminismError):
        await replayer(converter).replay_workflow(history)
