"""Integrity: whether ledger, rows and engine agree, for whoever keeps the system running."""

from __future__ import annotations

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Inject, Needs, Services
from api.json.cases import CaseRef
from api.json.schemas.integrity import IntegrityShape, integrity_shape
from api.routing import READING, refusals, router
from engine.errors import NoSuchSubject
from engine.integrity import IntegrityReport, look_into, look_over
from records import cases, subjects
from records.session import system, transaction

routes = router("integrity")
MAY_LOOK = [Depends(Needs("integrity.look"))]


@routes.get(
    "/integrity",
    responses=refusals(*READING),
    summary="Look whether the records agree",
    dependencies=MAY_LOOK,
)
async def over(services: Inject) -> IntegrityShape:
    """All open cases: alarms, rows behind their ledger, cases that nothing runs. At most 100.

    Ledgers are not verified here row by row, nor rows compared: looking into one case does that,
    and `homeward audit verify` and `homeward reconcile` do for all.
    """
    return await looked_over(services)


@routes.get(
    "/integrity/{case_ref}",
    responses=refusals(*READING),
    summary="Look into one case",
    dependencies=MAY_LOOK,
)
async def into(services: Inject, case_ref: CaseRef) -> IntegrityShape:
    """One case: every row of its ledger, its rows made anew and compared, its run."""
    return await looked_into(services, case_ref)


async def looked_over(services: Services) -> IntegrityShape:
    """What is found over all open cases."""
    return await _shown(services, await look_over(services.engine))


async def looked_into(services: Services, case_ref: str) -> IntegrityShape:
    """What is found in one case; raises NotFound."""
    case_id = await run_in_threadpool(_id_of, services, case_ref)
    try:
        return await _shown(services, await look_into(services.engine, case_id))
    except NoSuchSubject:
        raise errors.NotFound from None


def _id_of(services: Services, case_ref: str) -> str:
    with transaction(services.database, system("api")) as connection:
        found = cases.find(connection, case_ref)
        # A case may have lost its row; its ledger is there all the same.
        case_id = found.case_id if found else subjects.id_of(connection, case_ref)
        if case_id is None:
            raise errors.NotFound
        return case_id


async def _shown(services: Services, looked: IntegrityReport) -> IntegrityShape:
    def references() -> dict[str, str]:
        with transaction(services.database, system("api")) as connection:
            return subjects.references(connection, [one.subject_id for one in looked.differences])

    return integrity_shape(looked, await run_in_threadpool(references))
