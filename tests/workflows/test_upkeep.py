"""Upkeep is the engine's: each chore has a schedule of its own, and a run of it does the chore once."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from engine.schedules import ensure_schedules, schedule_id
from records import alarms, private_texts, world
from records.world import NewFact
from tests.workflows.conftest import Lab
from workflows.upkeep import EVERY, FIND_FAILING, START_LOST, SWEEP, TELL_WORLD, UPKEEP_WORKFLOW

KEY = b"k" * 32


async def done(lab: Lab, chore: str) -> int:
    """One run of a chore, as its schedule would start it."""
    count: int = await lab.client.execute_workflow(
        UPKEEP_WORKFLOW,
        chore,
        id=f"upkeep/{uuid.uuid4()}",
        task_queue=lab.settings.task_queue,
        result_type=int,
    )
    return count


async def test_it_sweeps_what_nothing_names_and_leaves_what_was_said(lab: Lab) -> None:
    opening = await lab.open()
    now = datetime.now(UTC)
    with lab.database.begin() as connection:
        for hours in (1, 48):
            moment = now - timedelta(hours=hours)
            private_texts.keep(connection, KEY, opening.case_id, f"lost {hours}", moment)
    await done(lab, SWEEP)
    query = text("SELECT body FROM private_texts WHERE subject_id = :case")
    with lab.database.begin() as connection:
        assert set(connection.scalars(query, {"case": opening.case_id})) == {"lost 1"}


async def test_it_starts_a_case_again_that_has_no_run(lab: Lab) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    handle = lab.client.get_workflow_handle(f"case/{opening.case_id}")
    await handle.terminate("a test")
    assert await done(lab, START_LOST) == 1
    assert (await lab.engine.progress(opening.case_id)).version == len(lab.rows(opening))
    assert await done(lab, START_LOST) == 0


async def test_it_tells_a_fact_that_was_written_while_nobody_could_tell_it(lab: Lab) -> None:
    opening = await lab.open()
    new = NewFact(
        world.CROSSING,
        "nong-khai",
        {"status": "closed", "corridors": ["th-la"]},
        "admin",
        "",
        "-",
        "-",
    )
    with lab.database.begin() as connection:
        world.write(connection, new, datetime.now(UTC))
    await done(lab, TELL_WORLD)
    for _ in range(100):
        if lab.case(opening).crossings.get("nong-khai") == "closed":
            return
        await asyncio.sleep(0.1)
    pytest.fail("the open case has not heard of it")


async def test_it_raises_no_alarm_where_everything_runs(lab: Lab) -> None:
    await lab.open()
    assert await done(lab, FIND_FAILING) == 0
    with lab.database.begin() as connection:
        assert list(alarms.subjects_open(connection)) == []


async def test_it_has_a_schedule_for_each_chore_however_many_workers_start(lab: Lab) -> None:
    queue = lab.settings.task_queue
    handles = [lab.client.get_schedule_handle(schedule_id(queue, chore)) for chore in EVERY]
    try:
        await ensure_schedules(lab.client, queue)
        await lab.client.get_schedule_handle(schedule_id(queue, SWEEP)).pause()
        await ensure_schedules(lab.client, queue)
        for chore, handle in zip(EVERY, handles, strict=True):
            found = (await handle.describe()).schedule
            assert [one.every for one in found.spec.intervals] == [EVERY[chore]]
            assert found.state.paused == (chore == SWEEP)
    finally:
        for handle in handles:
            await handle.delete()
