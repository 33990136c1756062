"""Reads a case for somebody who may see it. Nothing here changes anything but the access log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import anyio.from_thread
from fastapi import Query
from sqlalchemy import Connection

from api import errors, visibility
from api.deps import Services
from api.fields import SeenVersion
from api.policy import Caller
from domain.case import reading
from domain.case.state import Case
from domain.work.state import Task
from engine.errors import EngineError
from records import access_log, cases, people
from records.access_log import Access
from records.cases import CaseView
from records.people import Person

ENGINE_CLOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A case as somebody looks at it: its row, its state, the moment on its own clock."""

    row: CaseView
    case: Case
    at: datetime


def look(services: Services, connection: Connection, case_ref: str) -> SeenCase:
    """Return a case by id or reference; raises NotFound. Who may see it is not asked here."""
    row = cases.find(connection, case_ref)
    case = None if row is None else cases.folded(connection, row.case_id)
    if row is None or case is None:
        raise errors.NotFound
    return SeenCase(row, case, _now_of(services, row))


def look_whole(
    services: Services, connection: Connection, caller: Caller, case_ref: str
) -> SeenCase:
    """Return a case that this caller sees whole; raises NotFound."""
    looked = look(services, connection, case_ref)
    services.policy.check_sees_case(caller, looked.case)
    return looked


def _now_of(services: Services, row: CaseView) -> datetime:
    """The case's own clock; in a rehearsal only the engine knows how far it was moved."""
    at = services.now_of(row.clock_offset, row.now_at)
    if not services.rehearsal or row.ended_at is not None:
        return at

    async def ask() -> datetime:
        async with asyncio.timeout(ENGINE_CLOCK_SECONDS):
            return await services.engine.now_of(row.case_id, row.clock_offset)

    try:
        return max(at, anyio.from_thread.run(ask).replace(microsecond=0))
    except (EngineError, TimeoutError):
        return at


AtLeast = Annotated[
    SeenVersion,
    Query(description="Wait up to 2 seconds until this version is visible."),
]


def visible_at(
    services: Services, connection: Connection, caller: Caller, case_ref: str, at_least: int
) -> SeenCase:
    """Return a case that this caller sees whole, at this version or later.

    Raises NotFound, and NotVisibleYet after two seconds.
    """
    looked = look_whole(services, connection, caller, case_ref)
    if looked.case.version >= at_least:
        return looked
    ends = time.monotonic() + visibility.WAIT_FOR_ROWS
    while cases.version_of(connection, looked.case.id) < at_least:
        if time.monotonic() >= ends:
            raise errors.NotVisibleYet
        time.sleep(visibility.LOOK_EVERY)
    return look_whole(services, connection, caller, case_ref)


# -- the person


def about(
    services: Services, connection: Connection, looked: SeenCase, caller: Caller, task: Task
) -> dict[str, str]:
    """What the office that holds a task may know of the person, by the word of the release list.

    Empty for anybody else: who sees the whole case opens the person's record, with a purpose.
    """
    if task.holder != caller.office:
        return {}
    words = reading.seen_by(looked.case, caller.office, "task", looked.at)
    person = people.read(connection, looked.case.id)
    told = {} if person is None else _told(person, looked.at.date())
    found = {word: told[word] for word in sorted(words) if told.get(word)}
    if found:
        purpose = f"task {task.step}"
        note_access(services, connection, caller, looked.case.id, sorted(found), purpose)
    return found


def _told(person: Person, today: date) -> dict[str, str]:
    told = {"names": person.name, "sex": person.sex or ""}
    if person.born is not None:
        before = (today.month, today.day) < (person.born.month, person.born.day)
        told["birth_date"] = person.born.isoformat()
        told["age"] = str(today.year - person.born.year - before)
    return told


def note_access(
    services: Services,
    connection: Connection,
    caller: Caller,
    case_id: str,
    words: list[str],
    purpose: str,
) -> None:
    """Write down, in the transaction that reads, who opens what about a person, and why."""
    at = services.instant()
    access_log.write(
        connection, Access(at, caller.user, caller.office, case_id, tuple(words), purpose)
    )
