"""Integrity: whether ledger, rows and engine agree, for whoever keeps the system running."""

from __future__ import annotations

from fastapi import Depends

from api.deps import Inject, Needs
from api.integrity import in_one_case, over_all_cases
from api.json.schemas.integrity import IntegrityShape, integrity_shape
from api.params import CaseRef
from api.routing import READING, refusals, router

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
    return integrity_shape(await over_all_cases(services))


@routes.get(
    "/integrity/{case_ref}",
    responses=refusals(*READING),
    summary="Look into one case",
    dependencies=MAY_LOOK,
)
async def into(services: Inject, case_ref: CaseRef) -> IntegrityShape:
    """One case: every row of its ledger, its rows made anew and compared, its run."""
    return integrity_shape(await in_one_case(services, case_ref))
