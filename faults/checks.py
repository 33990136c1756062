"""What must be true after all the killing. Reads ledger, engine and API; changes one thing a case.

Each finding is one sentence; none at all means that nothing was lost, doubled or wedged.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.case.apply import apply
from domain.case.core import advance, next_wake
from domain.case.state import Case
from domain.event import Event
from domain.kinds import CASE
from engine.connection import connect
from engine.subjects import SubjectEngine
from engine.upkeep import compare_with_engine
from engine.virtual_time import at_rest, fast_forward
from faults.installation import Installation
from faults.people import NeverAnswered, People, Worked
from faults.world import keys_of
from records import alarms, ledger
from records.ledger import LedgerRow
from records.loading import ready_for
from records.session import system, transaction
from workflows.encoding import event_from_json
from workflows.messages import workflow_id

A_SECOND = timedelta(seconds=1)
REST_SECONDS = 120.0


async def everything(installation: Installation, people: People, repeats: int) -> list[str]:
    """Every check, over every case; `repeats` answers are asked for once more."""
    found = [f"an answer nobody should get: {wrong}" for wrong in people.wrong]
    found += await _alive(installation, people)
    with transaction(installation.database, system("faults")) as connection:
        for case in people.cases:
            found += of_case(connection, case)
        ids = ledger.subject_ids(connection)
        found += [f"case {extra} was opened by nobody" for extra in _extra(ids, people.cases)]
        found += [
            f"an alarm is open: {one.subject_id} {one.kind}" for one in alarms.list_open(connection)
        ]
    found += await _same_answers(people, repeats)
    found += [
        f"reconcile: {one.subject_id} {one.what}"
        for one in await compare_with_engine(installation.database, installation.settings)
    ]
    return found


def _extra(ids: Sequence[str], cases: Sequence[Worked]) -> list[str]:
    return sorted(set(ids) - {case.case_id for case in cases})


async def _alive(installation: Installation, people: People) -> list[str]:
    """Each case comes to rest with nothing overdue, and accepts one more act."""
    client = await connect(installation.settings)
    engine = SubjectEngine(client, installation.database, CASE, patience=30)
    gate = asyncio.Semaphore(6)

    async def look(case: Worked) -> list[str]:
        async with gate:
            try:
                if not await people.note(case):
                    return [f"{case.case_id} is wedged: it refused an act"]
                name = workflow_id(CASE.name, case.case_id)
                await fast_forward(client, name, case.at + timedelta(hours=1), limit_seconds=90)
                rest = await asyncio.wait_for(at_rest(client, name), REST_SECONDS)
            except (NeverAnswered, TimeoutError) as silent:
                return [f"{case.case_id} is wedged: {silent!r}"]
            if rest is not None and rest.trouble:
                return [f"{case.case_id} is in trouble: {rest.trouble}"]
            now = await engine.now_of(case.case_id)
        with transaction(installation.database, system("faults")) as connection:
            folded = _folded(connection, case.case_id)
        wake = next_wake(folded) if folded is not None else None
        if wake is not None and wake + 10 * A_SECOND < now:
            return [f"{case.case_id} missed what was due at {wake}, it is {now}"]
        return []

    found = await asyncio.gather(*(look(case) for case in people.cases))
    return [sentence for sentences in found for sentence in sentences]


def of_case(connection: Connection, case: Worked) -> list[str]:
    """The ledger of one case against its own rules, the answers people got, and the core."""
    case_id = case.case_id
    rows = ledger.read(connection, case_id)
    found = [f"{case_id} event {one.seq}: {one.what}" for one in ledger.verify(connection, case_id)]
    if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
        found.append(f"{case_id}: the numbers have a gap")
    versions = [kept.version for kept in case.kept]
    if len(set(versions)) != len(versions):
        found.append(f"{case_id}: two acts were answered with one version")
    found += [
        f"{case_id}: version {version} was answered and is not there"
        for version in versions
        if not _ends_an_act(rows, version)
    ]
    keys = {row.key for row in rows if row.key} - keys_of(connection, case_id)
    if len(keys) != len(versions):
        found.append(f"{case_id}: {len(versions)} acts were answered, {len(keys)} are recorded")
    return found + _as_the_core(connection, case_id, rows)


def _ends_an_act(rows: Sequence[LedgerRow], version: int) -> bool:
    """A version that was answered is the last event of an act."""
    if not 1 <= version <= len(rows) or rows[version - 1].key is None:
        return False
    return version == len(rows) or rows[version].key != rows[version - 1].key


def _as_the_core(connection: Connection, case_id: str, rows: Sequence[LedgerRow]) -> list[str]:
    """Everything that time alone did, once more by the core: each rung and reminder exactly once.

    Between two acts the core must come to the very same events; before an act, to all that was
    due by then.
    """
    found: list[str] = []
    case: Case | None = None
    for key, group in _groups(rows):
        events = [event_from_json(row.body) for row in group]
        if case is not None:
            alone = _by_time_alone(key, events)
            until = alone[-1].at if key is None else events[-1].at - A_SECOND
            expected = advance(case, None, until) if until >= _now(case) else ()
            if list(expected) != alone:
                told = f"{len(alone)} events of time, where the core knows {len(expected)}"
                found.append(f"{case_id} event {group[0].seq}: {told}")
        for event in events:
            case = apply(ready_for(connection, CASE, case_id, case, event), event)
    return found


def _now(case: Case) -> datetime:
    if case.now is None:  # pragma: no cover - every case begins with an event
        raise ValueError("a case without events")
    return case.now


def _by_time_alone(key: str | None, events: list[Event]) -> list[Event]:
    """Events before the moment of the act are of time; without an act all are."""
    return events if key is None else [event for event in events if event.at < events[-1].at]


def _groups(rows: Sequence[LedgerRow]) -> list[tuple[str | None, list[LedgerRow]]]:
    groups: list[tuple[str | None, list[LedgerRow]]] = []
    for row in rows:
        if groups and groups[-1][0] == row.key:
            groups[-1][1].append(row)
        else:
            groups.append((row.key, [row]))
    return groups


def _folded(connection: Connection, case_id: str) -> Case | None:
    case: Case | None = None
    for event in ledger.events_of(connection, case_id):
        case = apply(ready_for(connection, CASE, case_id, case, event), event)
    return case


async def _same_answers(people: People, repeats: int) -> list[str]:
    """An old request, sent again with its key, gets the version it got."""
    everything_kept = [kept for case in people.cases for kept in case.kept]
    chosen = random.Random(len(everything_kept)).sample(  # noqa: S311 - no secret
        everything_kept, min(repeats, len(everything_kept))
    )
    found: list[str] = []
    for kept in chosen:
        answer = await people.send(kept.office, kept.path, kept.body, kept.key)
        version = answer.json().get("version") if answer.is_success else answer.text
        if version != kept.version:
            found.append(f"{kept.path}: answered {kept.version} before and {version} now")
    return found
