"""Integrity: whether ledger, rows and engine agree, for whoever keeps the system running."""

from __future__ import annotations

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from activities.errors import NoSuchCase
from activities.integrity import Looked, look_into, look_over
from api import errors
from api.deps import House, Needs, TheHouse
from api.json.cases import CaseRef
from api.routing import READING, refusals, router
from api.view.integrity import IntegrityShape, integrity_shape
from records import cases, openings, reconcile

routes = router("integrity")
MAY_LOOK = [Depends(Needs("integrity.look"))]


@routes.get(
    "/integrity",
    responses=refusals(*READING),
    summary="Look whether the records agree",
    dependencies=MAY_LOOK,
)
async def over(house: TheHouse) -> IntegrityShape:
    """All open cases: alarms, rows behind their ledger, cases that nothing runs. At most 100.

    Ledgers are not verified here row by row, nor rows compared: looking into one case does that,
    and `homeward audit verify` and `homeward reconcile` do for all.
    """
    return await looked_over(house)


@routes.get(
    "/integrity/{case_ref}",
    responses=refusals(*READING),
    summary="Look into one case",
    dependencies=MAY_LOOK,
)
async def into(house: TheHouse, case_ref: CaseRef) -> IntegrityShape:
    """One case: every row of its ledger, its rows made anew and compared, its run."""
    return await looked_into(house, case_ref)


async def looked_over(house: House) -> IntegrityShape:
    """What is found over all open cases."""
    return await _shown(house, await look_over(house.engine))


async def looked_into(house: House, case_ref: str) -> IntegrityShape:
    """What is found in one case; raises NotFound."""
    case_id = await run_in_threadpool(_id_of, house, case_ref)
    try:
        return await _shown(house, await look_into(house.engine, case_id))
    except NoSuchCase:
        raise errors.NotFound from None


def _id_of(house: House, case_ref: str) -> str:
    with house.database.begin() as connection:
        found = cases.find(connection, case_ref)
        # A case may have lost its row; its ledger is there all the same.
        case_id = found.case_id if found else reconcile.case_named(connection, case_ref)
        if case_id is None:
            raise errors.NotFound
        return case_id


async def _shown(house: House, looked: Looked) -> IntegrityShape:
    def references() -> dict[str, str]:
        with house.database.begin() as connection:
            return openings.references(connection, [one.case_id for one in looked.differences])

    return integrity_shape(looked, await run_in_threadpool(references))
