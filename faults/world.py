"""The world changes while cases run and processes are killed: a crossing, a holiday, a chief who leaves.

Afterwards every open case must have each fact exactly once, and the chief no access.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from domain.case.events import CaseOpened, CrossingChanged
from domain.case.state import Case
from domain.event import Event
from domain.kinds import CASE
from domain.work.calendars import calendar_of
from domain.work.events import CalendarChanged, PostChanged
from engine.broadcasts import key_of
from engine.connection import connect
from engine.subjects import SubjectEngine
from faults.installation import ADMIN_OFFICE, LEAVES, SUCCESSOR, Installation
from faults.people import People
from records import broadcasts, cases, ledger, world
from records.session import system, transaction
from records.world import Fact
from workflows.encoding import event_from_json

CROSSING = "nong-khai"
COUNTRY = "TH"
PAUSE = 0.5
DONE_SECONDS = 180.0
WHY = {"reason": "The river is high.", "source": "a call"}
ROUNDS = ("closed", "open", "closed")
DAYS = ("2026-02-11", "2026-02-18", "2026-03-11")
KINDS: dict[str, type[Event]] = {
    world.CROSSING: CrossingChanged,
    world.CALENDAR: CalendarChanged,
    world.POST: PostChanged,
}


@dataclass
class World:
    """Whoever says what changed, and what was answered."""

    installation: Installation
    people: People
    facts: list[str] = field(default_factory=list)

    async def change(self) -> None:
        """Say everything, one after the other, each until it is answered."""
        for status, day in zip(ROUNDS, DAYS, strict=True):
            await self._say(f"/crossings/{CROSSING}", {"status": status})
            await asyncio.sleep(PAUSE)
            await self._say(f"/calendars/{COUNTRY}", {"off": [day]})
            await asyncio.sleep(PAUSE)
        appointed = {"post": "head", "holder": SUCCESSOR, "role": "coordinator"}
        await self._say(f"/offices/{LEAVES}/posts", appointed)

    async def _say(self, path: str, body: dict[str, Any]) -> None:
        key = f"{self.people.chance.getrandbits(128):032x}"
        answer = await self.people.send(ADMIN_OFFICE, path, {**body, **WHY}, key)
        if not answer.is_success:
            self.people.wrong.append(f"{path}: {answer.text}")
            return
        self.facts.append(answer.json()["fact"])
        again = await self.people.send(ADMIN_OFFICE, path, {**body, **WHY}, key)
        if again.json() != answer.json():
            self.people.wrong.append(f"{path}: answered otherwise when it was asked again")

    # -- afterwards

    async def check(self) -> list[str]:
        """Every fact told, each open case with each fact once, and nobody let in who left."""
        found = await self._until_told()
        with transaction(self.installation.database, system("faults")) as connection:
            facts = [fact for one in self.facts if (fact := world.find(connection, one))]
            if len(facts) != len(ROUNDS) + len(DAYS) + 1:
                found.append(f"{len(facts)} facts were kept")
            for case in self.people.cases:
                found += of_case(connection, case.case_id, facts)
        if self.installation.may_enter(LEAVES):
            found.append("whoever left may still come in")
        return found

    async def _until_told(self) -> list[str]:
        engine = SubjectEngine(
            await connect(self.installation.settings), self.installation.database, CASE
        )
        until = time.monotonic() + DONE_SECONDS
        while time.monotonic() < until:
            waiting = await engine.in_database(
                lambda c: [*world.unfinished(c), *broadcasts.missed(c)]
            )
            if not waiting:
                return []
            await asyncio.sleep(1)
        return [f"{len(waiting)} fact(s) are still not told"]


def of_case(connection: Connection, case_id: str, facts: Sequence[Fact]) -> list[str]:
    """What one case has of these facts: each once, but for what it believed already."""
    case = cases.folded(connection, case_id)
    if case is None:
        return [f"{case_id} has no row"]
    rows = ledger.read(connection, case_id)
    believed = _at_first(event_from_json(rows[0].body))
    found: list[str] = []
    for fact in facts:
        key = key_of(fact.id, case_id)
        events = [event_from_json(row.body) for row in rows if row.key == key]
        times = sum(isinstance(event, KINDS[fact.kind]) for event in events)
        became = broadcasts.outcome_of(connection, fact.id, case_id)
        told = became is not None and became[0] == broadcasts.DONE
        knew = believed.get((fact.kind, fact.subject)) == _says(fact)
        if times != int(told and not knew):
            found.append(f"{case_id} has {fact.kind} {fact.subject} {times} times, told {became}")
        if told:
            believed[fact.kind, fact.subject] = _says(fact)
    return found if case.ended else found + _as_said_last(case, facts)


def _at_first(opened: Event) -> dict[tuple[str, str], object]:
    """What a case believed of the world when it was opened."""
    if not isinstance(opened, CaseOpened):
        return {}
    return {
        (world.CROSSING, CROSSING): opened.crossings.get(CROSSING, "open"),
        **{(world.CALENDAR, one.country): one for one in opened.calendars},
        **{(world.POST, office.id): office.head for office in opened.offices},
    }


def _says(fact: Fact) -> object:
    if fact.kind == world.CROSSING:
        return fact.body["status"]
    return world.calendar_of(fact) if fact.kind == world.CALENDAR else SUCCESSOR


def _as_said_last(case: Case, facts: Sequence[Fact]) -> list[str]:
    """An open case lives in the world as it was said last."""
    newest = {(fact.kind, fact.subject): fact for fact in facts}
    found = []
    for (kind, subject), fact in newest.items():
        if kind == world.CROSSING and case.crossings.get(subject) != fact.body["status"]:
            found.append(f"{case.id} believes that {subject} is {case.crossings.get(subject)}")
        if kind == world.CALENDAR and calendar_of(case, subject) != world.calendar_of(fact):
            found.append(f"{case.id} counts other days of {subject}")
        bound = case.work.offices.get(subject)
        if kind == world.POST and bound is not None and bound.head != SUCCESSOR:
            found.append(f"{case.id} believes that {bound.head} heads {subject}")
    return found


def keys_of(connection: Connection, case_id: str) -> set[str]:
    """The keys under which a case was told what was said of the world."""
    return {key_of(fact.id, case_id) for fact in world.page(connection, 200).items}
