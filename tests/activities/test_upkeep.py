"""Ledger and engine compared, and cases that the engine lost started again."""

from activities.runs import Recovery
from activities.upkeep import compare_with_engine, recover_cases
from tests.builders import STALLED, a_life, an_act
from tests.workflows.conftest import House, house
from workflows.messages import workflow_id

__all__ = ["house"]

ASK = an_act("complete", "host.case", step="ask", outcome="sent")


async def test_it_finds_nothing_where_ledger_and_engine_agree(house: House) -> None:
    opening = await house.open()
    await house.act(opening, ASK)
    assert await compare_with_engine(house.database, house.settings) == []
    assert (await recover_cases(house.database, house.settings)).done == {}


async def test_it_names_a_lost_case_and_starts_it_again(house: House) -> None:
    kept, lost = await house.open(), await house.open()
    await house.days_pass(lost, 1)
    await house.act(lost, ASK)
    await house.client.get_workflow_handle(workflow_id(lost.case_id)).terminate("lost")
    found = await compare_with_engine(house.database, house.settings)
    assert [one.case_id for one in found] == [lost.case_id]
    assert "does not run" in found[0].what
    recovered = await recover_cases(house.database, house.settings)
    assert recovered.done == {lost.case_id: Recovery.STARTED}
    assert await compare_with_engine(house.database, house.settings) == []
    await house.days_pass(lost, 60)
    assert house.events(lost) == list(a_life(*STALLED, opening=lost).events)
    assert (await house.engine.progress(kept.case_id)).state == "open"
