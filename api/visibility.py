"""The answer to a change: as soon as the records show it, and the same whenever it is repeated."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Services
from api.json.schemas.done import Done, done_of
from domain.case.projection import rows_of
from domain.kinds import CASE
from records import cases, idempotency, ledger
from records.loading import fold_on
from records.session import system, transaction

WAIT_FOR_ROWS = 2.0  # seconds
LOOK_EVERY = 0.05


async def done_when_visible(services: Services, case_id: str, version: int) -> Done:
    """The answer to an act, as soon as the records show it; raises NotVisibleYet."""
    try:
        return await run_in_threadpool(_done, services, case_id, version)
    except errors.NotVisibleYet:
        await wait_for(services, case_id, version)
        return await run_in_threadpool(_done, services, case_id, version)


async def wait_for(services: Services, case_id: str, version: int) -> None:
    """Wait until the records show this version; raises NotVisibleYet after two seconds."""
    ends = asyncio.get_running_loop().time() + WAIT_FOR_ROWS
    while await run_in_threadpool(_version_of, services, case_id) < version:
        if asyncio.get_running_loop().time() >= ends:
            raise errors.NotVisibleYet
        await asyncio.sleep(LOOK_EVERY)


def _version_of(services: Services, case_id: str) -> int:
    with transaction(services.database, system("api")) as connection:
        return cases.version_of(connection, case_id)


def _done(services: Services, case_id: str, version: int) -> Done:
    with transaction(services.database, system("api")) as connection:
        return done_at(connection, case_id, version)


def again(
    connection: Connection, known: idempotency.Act, case_id: str | None, content: str
) -> Done:
    """The first answer once more; raises KeyReused when something else is asked with its key."""
    if known.content != content or (case_id is not None and known.subject_id != case_id):
        raise errors.KeyReused
    return done_at(connection, known.subject_id, known.version)


def done_at(connection: Connection, case_id: str, version: int) -> Done:
    """What is answered to the act that led to this version, then and whenever it is repeated.

    Raises NotVisibleYet while the records are behind.
    """
    view = cases.find(connection, case_id)
    if view is None:
        raise errors.NotVisibleYet
    if view.version == version:
        return done_of(view, view.reference)
    past = ledger.events_of(connection, case_id)[:version]
    if len(past) != version:
        raise errors.NotVisibleYet
    folded = fold_on(connection, CASE, case_id, None, past)
    return done_of(rows_of(folded.state).case, view.reference)
