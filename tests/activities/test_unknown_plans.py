"""A plan that is not kept: the run sends what it has, once, and then waits without turning."""

import asyncio

from sqlalchemy import text

from tests.builders import an_act
from tests.workflows.conftest import House, house

__all__ = ["house"]

NOTE = an_act("note", "host.case", step="ask", note="text:1")


async def test_it_goes_on_once_the_rows_name_only_plans_that_are_kept(house: House) -> None:
    opening = await house.open()
    await house.rest(opening)
    await house.stop_worker()  # and its memory of the case with it
    with house.database.begin() as connection:
        connection.execute(text("UPDATE cases SET plan_digests = plan_digests || '{nowhere}'"))
    await house.start_worker()
    noted = asyncio.create_task(house.act(opening, NOTE))
    await asyncio.sleep(4)
    with house.database.begin() as connection:
        connection.execute(
            text("UPDATE cases SET plan_digests = array_remove(plan_digests, 'nowhere')")
        )
    answer = await noted
    await house.rest(opening)
    assert len(house.rows(opening)) == answer.version
    tried = [kind for kind in await house.history(opening) if kind.startswith("marker")]
    assert len(tried) < 6  # it waited, and did not turn on the spot
