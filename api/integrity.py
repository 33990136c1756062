"""Whether ledger, rows and engine agree, with the references by which people know the cases."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from api import errors
from api.deps import Services
from engine.errors import NoSuchSubject
from engine.integrity import IntegrityReport, look_into, look_over
from records import cases, subjects
from records.session import system, transaction


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One case on which two memories disagree; no reference where none of that id was opened."""

    case_id: str
    reference: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in so many cases. `engine_answered`: else nothing is known of runs."""

    cases: int
    engine_answered: bool
    disagreements: tuple[Disagreement, ...]


async def over_all_cases(services: Services) -> Findings:
    """What is found over all open cases."""
    return await _named(services, await look_over(services.engine))


async def in_one_case(services: Services, case_ref: str) -> Findings:
    """What is found in one case; raises NotFound."""
    case_id = await run_in_threadpool(_id_of, services, case_ref)
    try:
        return await _named(services, await look_into(services.engine, case_id))
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


async def _named(services: Services, report: IntegrityReport) -> Findings:
    """The report of the engine, with references instead of ids alone."""

    def references() -> dict[str, str]:
        with transaction(services.database, system("api")) as connection:
            return subjects.references(connection, [one.subject_id for one in report.differences])

    named = await run_in_threadpool(references)
    return Findings(
        report.subjects,
        report.engine,
        tuple(
            Disagreement(one.subject_id, named.get(one.subject_id), one.what)
            for one in report.differences
        ),
    )
