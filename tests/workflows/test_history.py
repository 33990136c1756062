"""What the engine keeps of a case: it can be replayed by this code, and tells a stranger nothing."""

import os
import re
from base64 import b64encode
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from engine.codec import ENCODING
from engine.connection import sealed_converter
from settings import Settings
from tests.builders import an_act
from tests.workflows.conftest import PAYLOAD_KEY, Lab
from worker import runner
from workflows.case import CaseWorkflow
from workflows.messages import workflow_id

HISTORIES = Path(__file__).parent / "histories"
SAVED = HISTORIES / "a-stall-decided.json"


async def a_whole_life(lab: Lab) -> WorkflowHistory:
    """A stall that climbs, is decided, answered and closed, with a refusal on the way."""
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, an_act("complete", "host.case", step="ask", outcome="sent"))
    await lab.days_pass(opening, 56)
    decision = an_act(
        "decide",
        "host.committee",
        step="answer",
        decision="extend",
        due=lab.case(opening).opened_at.date().replace(month=5),  # type: ignore[union-attr]
        reason="text:1",
    )
    await lab.act(opening, decision)
    await lab.days_pass(opening, 80)
    await lab.act(opening, an_act("complete", "origin.tracing", step="answer", outcome="found"))
    await lab.act(opening, an_act("complete", "host.case", step="closure", outcome="closed"))
    handle = lab.client.get_workflow_handle(workflow_id("case", opening.case_id))
    await handle.result()
    return await handle.fetch_history()


def without_a_machine(text: str) -> str:
    """A history as it is kept here: which process on which machine made it is nobody's business."""
    text = re.sub(r"\d+@[\w.-]+", "worker", text)
    return re.sub(r"test-[0-9a-f]{12}", "homeward", text)


@pytest.mark.parametrize("sandbox", [True, False])
async def test_it_replays_a_history_that_was_saved_long_ago(tmp_path: Path, sandbox: bool) -> None:
    # A failure means that running cases would break: see docs/engine.md before saving a new one.
    history = WorkflowHistory.from_json("case/saved", SAVED.read_text(encoding="utf-8"))
    settings = Settings(data_dir=tmp_path, payload_key=PAYLOAD_KEY)
    replayer = Replayer(
        workflows=[CaseWorkflow],
        data_converter=sealed_converter(settings),
        workflow_runner=runner(sandbox=sandbox),
    )
    await replayer.replay_workflow(history)


async def test_it_replays_what_it_has_just_done(lab: Lab, tmp_path: Path) -> None:
    history = await a_whole_life(lab)
    if os.environ.get("HOMEWARD_SAVE_HISTORY"):
        SAVED.write_text(without_a_machine(history.to_json()), encoding="utf-8")
    replayer = Replayer(
        workflows=[CaseWorkflow],
        data_converter=lab.client.data_converter,
        workflow_runner=runner(sandbox=True),
    )
    await replayer.replay_workflow(history)


async def test_it_keeps_nothing_in_clear_in_the_engine(lab: Lab) -> None:
    text = (await a_whole_life(lab)).to_json()
    assert b64encode(ENCODING).decode() in text
    for word in ("host-case", "host.case", "tracing", "CaseOpened", "closure", "extend", "th-la"):
        assert word not in text
