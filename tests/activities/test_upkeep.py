"""Ledger and engine compared, and cases that the engine lost started again."""

from engine.runs import Recovery
from engine.upkeep import compare_with_engine, recover_subjects
from tests.builders import STALLED, a_life, an_act
from tests.workflows.conftest import Lab, lab
from workflows.messages import workflow_id

__all__ = ["lab"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


async def test_it_finds_nothing_where_ledger_and_engine_agree(lab: Lab) -> None:
    opening = await lab.open()
    await lab.act(opening, ASK)
    assert await compare_with_engine(lab.database, lab.settings) == []
    assert (await recover_subjects(lab.database, lab.settings)).done == {}


async def test_it_names_a_lost_case_and_starts_it_again(lab: Lab) -> None:
    kept, lost = await lab.open(), await lab.open()
    await lab.days_pass(lost, 1)
    await lab.act(lost, ASK)
    await lab.client.get_workflow_handle(workflow_id("case", lost.case_id)).terminate("lost")
    found = await compare_with_engine(lab.database, lab.settings)
    assert [one.subject_id for one in found] == [lost.case_id]
    assert "does not run" in found[0].what
    recovered = await recover_subjects(lab.database, lab.settings)
    assert recovered.done == {lost.case_id: Recovery.STARTED}
    assert await compare_with_engine(lab.database, lab.settings) == []
    await lab.days_pass(lost, 60)
    assert lab.events(lost) == list(a_life(*STALLED, opening=lost).events)
    assert (await lab.engine.progress(kept.case_id)).state == "open"
