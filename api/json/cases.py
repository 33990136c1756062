"""Cases: opened, listed, read, steered. Names of people stand in `person` alone."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response

from api import acts, case_access, errors, patterns
from api.deps import Inject, Key, Needs, Pages, Purpose, Records, office_of
from api.fields import Days, Lines, SeenVersion
from api.json.schemas.base import PageOf, page_of
from api.json.schemas.can import can_of
from api.json.schemas.cases import CaseItem, CaseShape, case_item, case_shape
from api.json.schemas.done import Done
from api.json.schemas.forecast import (
    ForecastShape,
    NewerRulesShape,
    forecast_shape,
    newer_rules_shape,
)
from api.once import Once
from api.opening import open_case
from api.params import CaseRef, OwnOffice
from api.policy import ALL_CASES, Caller
from api.requests import ActRequest, OpenCaseRequest, PersonRecord
from api.routing import CHANGING, READING, refusals, router
from api.telling import TimelineShape, line_of, texts_in
from records import cases, ledger, people, private_texts, timeline
from records.people import Person

routes = router("cases")

Status = Literal["open", "on_hold", "returned", "returned_legal_open", "closed", "cancelled"]
Turn = Literal["host", "origin", "partner", "person", "nobody"]
Corridor = Annotated[str, Query(max_length=40, pattern=patterns.CORRIDOR, examples=["th-la"])]


def known_corridor(services: Inject, corridor: Corridor | None = None) -> str | None:
    """Only cases of this corridor. One that does not exist would show that nothing stands still."""
    if corridor is not None and corridor not in services.procedures:
        raise errors.InvalidField(
            f"`corridor` is one of {', '.join(services.procedures)}", field="corridor"
        )
    return corridor


OnlyCorridor = Annotated[str | None, Depends(known_corridor)]
Opens = Annotated[Caller, Depends(Needs("cases.open"))]
Lists = Annotated[Caller, Depends(Needs("cases.list"))]
Reads = Annotated[Caller, Depends(Needs("cases.read"))]
Person_ = Annotated[Caller, Depends(Needs("cases.person"))]
Acts = Annotated[Caller, Depends(Needs("cases.steer", "tasks.act", "escalations.decide"))]


@routes.post(
    "/cases", status_code=201, responses=refusals(*CHANGING), summary="OpenCaseRequest a case"
)
async def open_(
    services: Inject, caller: Opens, key: Key, asked: OpenCaseRequest, response: Response
) -> Done:
    """Take a first report: the plan is laid out and the first steps go to their offices at once."""
    done = await open_case(services, caller, asked, key)
    response.headers["Location"] = f"/api/v1/cases/{done.case}"
    return done


@routes.get("/cases", responses=refusals(*READING), summary="List cases")
def list_(
    services: Inject,
    caller: Lists,
    records: Records,
    pages: Pages,
    corridor: OnlyCorridor,
    status: Status | None = None,
    turn: Turn | None = None,
    office: OwnOffice | None = None,
) -> PageOf[CaseItem]:
    """Cases in which your office holds a role on the side that holds them, newest first."""
    caller = office_of(caller, office)
    page = cases.list_page(
        records,
        limit=pages.limit,
        cursor=pages.cursor,
        status=status,
        corridor=corridor,
        turn=turn,
        office=None if ALL_CASES in services.policy.scopes_of(caller) else caller.office,
        corridors=services.home_corridors(caller),
    )
    return page_of(page, (case_item(row) for row in page.items))


@routes.get(
    "/cases/{case_ref}",
    responses=refusals(*READING),
    summary="Read a case",
)
def read(
    services: Inject,
    caller: Reads,
    records: Records,
    case_ref: CaseRef,
    at_least: case_access.AtLeast = 0,
) -> CaseShape:
    """What it waits for in one sentence, the whole plan, the gates and what shuts them."""
    looked = case_access.visible_at(services, records, caller, case_ref, at_least)
    can = can_of(services.policy, caller, looked.case, looked.at)
    return case_shape(looked.case, looked.row, looked.at, can)


@routes.get(
    "/cases/{case_ref}/timeline",
    responses=refusals(*READING),
    summary="What happened",
)
def read_timeline(
    services: Inject,
    caller: Reads,
    records: Records,
    case_ref: CaseRef,
    after: Annotated[SeenVersion, Query()] = 0,
    limit: Annotated[Lines, Query()] = 100,
    at_least: case_access.AtLeast = 0,
) -> TimelineShape:
    """Every event of the case in order: who, when, for whom. Reasons stand under `texts`."""
    looked = case_access.visible_at(services, records, caller, case_ref, at_least)
    rows, following = timeline.page(records, looked.case.id, after_seq=after, limit=limit)
    return TimelineShape(
        case=looked.case.id,
        reference=looked.row.reference,
        items=[line_of(row) for row in rows],
        next=following,
    )


@routes.get(
    "/cases/{case_ref}/forecast",
    responses=refusals(*READING),
    summary="What will happen if nobody acts",
)
def read_forecast(
    services: Inject,
    caller: Reads,
    records: Records,
    case_ref: CaseRef,
    days: Annotated[Days, Query()] = 400,
    at_least: case_access.AtLeast = 0,
) -> ForecastShape:
    """Every reminder and rung to come, with its date and whom it reaches."""
    looked = case_access.visible_at(services, records, caller, case_ref, at_least)
    return forecast_shape(looked.case, looked.row, looked.at, days)


@routes.get(
    "/cases/{case_ref}/newer-rules",
    responses=refusals(*READING),
    summary="What adopt_rules would change",
)
def read_newer_rules(
    services: Inject, caller: Reads, records: Records, case_ref: CaseRef
) -> NewerRulesShape:
    """Old and new due dates, steps that would vanish or begin. Nothing is changed by asking."""
    looked = case_access.look_whole(services, records, caller, case_ref)
    ready = services.procedures.get(looked.case.procedure.corridor)
    if ready is None:
        raise errors.NotFound
    return newer_rules_shape(looked.case, ready.procedure, ready.digest, looked.at)


@routes.post("/cases/{case_ref}/acts", responses=refusals(*CHANGING), summary="Do something")
async def act(
    services: Inject, caller: Acts, key: Key, case_ref: CaseRef, asked: ActRequest
) -> Done:
    """Any act of the rules: hold, resume, extend, reassign, skip, correct, cancel, complete ...

    Tasks and escalations have routes of their own; they end up here as well.
    """
    return await acts.perform(services, caller, case_ref, asked, key)


@routes.get(
    "/cases/{case_ref}/texts", responses=refusals(*READING), summary="Reasons and notes in words"
)
def read_texts(
    services: Inject, caller: Reads, records: Records, case_ref: CaseRef, purpose: Purpose
) -> dict[str, str]:
    """The words behind the names that the timeline shows."""
    looked = case_access.look_whole(services, records, caller, case_ref)
    names = texts_in(ledger.read(records, looked.case.id))
    case_access.note_access(services, records, caller, looked.case.id, ["texts"], purpose)
    return private_texts.read(records, looked.case.id, names)


# -- who it is about


@routes.get(
    "/cases/{case_ref}/person",
    responses=refusals(*READING),
    summary="OpenCaseRequest a person's record",
)
def read_person(
    services: Inject, caller: Person_, records: Records, case_ref: CaseRef, purpose: Purpose
) -> PersonRecord:
    """Name and contact, for those who need them; it is noted who opened the record and why."""
    looked = case_access.look_whole(services, records, caller, case_ref)
    case_access.note_access(
        services, records, caller, looked.case.id, ["names", "contact"], purpose
    )
    return _record_of(people.read(records, looked.case.id))


@routes.put(
    "/cases/{case_ref}/person",
    responses=refusals(*CHANGING),
    summary="Change a person's record",
)
def write_person(
    services: Inject,
    caller: Person_,
    records: Records,
    key: Key,
    case_ref: CaseRef,
    purpose: Purpose,
    record: PersonRecord,
) -> PersonRecord:
    """Write name and contact anew. Birth date and sex are put right by the act `correct` alone.

    Repeated with the same key it writes nothing, and answers what is written now.
    """
    looked = case_access.look_whole(services, records, caller, case_ref)
    once = Once.of(services, caller, key, "person", looked.case.id, record.model_dump(mode="json"))
    again = once.before(records, services.instant()) is not None
    known = people.read(records, looked.case.id)
    if again:
        case_access.note_access(
            services, records, caller, looked.case.id, ["names", "contact"], purpose
        )
        return _record_of(known)
    born, sex = (known.born, known.sex) if known is not None else (None, None)
    _leaves_to_correct(record, born, sex)
    person = Person(record.name, record.contact, born, sex, services.now())
    people.keep(records, looked.case.id, person)
    case_access.note_access(services, records, caller, looked.case.id, ["written"], purpose)
    return _record_of(person)


def _leaves_to_correct(record: PersonRecord, born: date | None, sex: str | None) -> None:
    """The rules must hear of these, or a child would be a child in her record alone."""
    for field, told, known in (("born", record.born, born), ("sex", record.sex, sex)):
        if told is not None and told != known:
            raise errors.InvalidField(
                f"`{field}` is put right by the act `correct`, so that the rules hear of it",
                field=field,
            )


def _record_of(person: Person | None) -> PersonRecord:
    fields: dict[str, Any] = (
        {"name": "not known"}
        if person is None
        else {
            "name": person.name,
            "contact": person.contact,
            "born": person.born,
            "sex": person.sex,
        }
    )
    return PersonRecord(**fields)
