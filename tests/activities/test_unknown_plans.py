"""A plan that is not kept: the run sends what it has, once, and then waits without turning."""

import asyncio

from sqlalchemy import text

from tests.builders import an_act
from tests.workflows.conftest import Lab, lab

__all__ = ["lab"]

NOTE = an_act("note", "host.case", step="ask", note="text:1")


async def test_it_goes_on_once_the_rows_name_only_plans_that_are_kept(lab: Lab) -> None:
    opening = await lab.open()
    await lab.rest(opening)
    await lab.stop_worker()  # and its memory of the case with it
    with lab.database.begin() as connection:
        connection.execute(
            text("UPDATE states SET procedure_digests = procedure_digests || '{nowhere}'")
        )
    await lab.start_worker()
    noted = asyncio.create_task(lab.act(opening, NOTE))
    await asyncio.sleep(4)
    with lab.database.begin() as connection:
        connection.execute(
            text("UPDATE states SET procedure_digests = array_remove(procedure_digests, 'nowhere')")
        )
    answer = await noted
    await lab.rest(opening)
    assert len(lab.rows(opening)) == answer.version
    tried = [kind for kind in await lab.history(opening) if kind.startswith("marker")]
    assert len(tried) < 6  # it waited, and did not turn on the spot
