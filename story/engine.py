"""The stage that is the real thing: cases run in Temporal, and what happened is read from PostgreSQL.

It moves each case's clock by the engine's own virtual time, so that real timers fire. It judges
nothing, and nothing here ever meets a real case: servers and database are its own.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.act import AnyCommand
from domain.case.commands import OpenCase
from domain.case.events import CaseOpened
from domain.event import Event
from domain.kinds import CASE
from engine.errors import ActRefused, EngineAway, OutcomeUnknown
from engine.virtual_time import at_rest, fast_forward
from records import ledger, procedures, subjects
from records.session import system, transaction
from story.engine_fixture import EngineRoom, shared_room
from story.model import Story
from story.stage import Refusal, Stage
from workflows.messages import workflow_id

T = TypeVar("T")

PATIENCE = timedelta(seconds=2)  # stories.md 2: an expectation's `within` on the engine
# Timers of moment M fire at M + 1 s. Half a second more lets the task of the last one end before the
# clock lands: the server leaps on to the next timer when a task is still running at the landing.
A_TIMER_LATER = timedelta(seconds=1.5)
GIVE_UP_SECONDS = 90.0
EARLY_IN_A_SECOND = 0.3  # of its opening: acts of that moment still fall into it
_STOP_DATABASE = re.compile(r"stop database (\d+) s")


@contextmanager
def stage(story: Story) -> Iterator[Stage]:
    """A stage for this story, on servers that are started at the first use."""
    del story  # every story gets the same engine
    with shared_room() as room:
        playing = EngineStage(room)
        try:
            yield playing
        finally:
            playing.leave()


@dataclass
class Played:
    """A case on this stage: under its own id, because a story may be played again and again."""

    opening: OpenCase
    case_id: str
    events: list[Event] = field(default_factory=list)
    settled: bool = False  # nothing was done since the events were read


class EngineStage:
    """Plays on a real server, a real worker and a real database."""

    name = "engine"
    patience = PATIENCE

    def __init__(self, room: EngineRoom) -> None:
        """Play in a room whose servers run."""
        self._room = room
        self._cases: dict[str, Played] = {}
        self._healing: list[threading.Thread] = []

    # -- the protocol of a stage

    def open(self, person: str, opening: OpenCase, at: datetime) -> None:
        """Open the person's case at its own date."""
        case = Played(opening, str(uuid.uuid4()))
        self._cases[person] = case
        offset = _offset_to(at)
        with transaction(self._room.database, system("story")) as connection:
            procedures.keep(connection, opening.procedure, opening.procedure_digest)
            subjects.admit(connection, CASE.name, case.case_id, offset)
        told = replace(opening, case_id=case.case_id)
        key = uuid.uuid4().hex
        self._persist(lambda: self._room.engine.open(told, key=key, at=at, clock_offset=offset))

    def act(self, person: str, command: AnyCommand, at: datetime) -> Refusal | None:
        """Move the clock to `at` and do it there."""
        case = self._cases[person]
        self._move(case, at)
        key = uuid.uuid4().hex
        case.settled = False
        try:
            self._persist(lambda: self._room.engine.act(case.case_id, command, key=key, at=at))
        except ActRefused as refused:
            return Refusal(refused.slug, refused.detail)
        return None

    def run_to(self, person: str, at: datetime) -> None:
        """Let the real timers fire, up to and including those of `at`."""
        self._move(self._cases[person], at + A_TIMER_LATER)

    def events(self, person: str) -> Sequence[Event]:
        """Everything the ledger holds of the case."""
        case = self._cases[person]
        if not case.settled:
            self._room.wait(
                at_rest(self._room.client, workflow_id(CASE.name, case.case_id)), GIVE_UP_SECONDS
            )
            known = len(case.events)
            new = self._from_database(lambda c: ledger.events_of(c, case.case_id, known))
            case.events.extend(_under_the_storys_id(event, case.opening) for event in new)
            case.settled = True
        return case.events

    def disturb(self, do: str, at: datetime) -> None:
        """Break something real; cases are answering again when this returns, or soon after."""
        del at
        stopped = _STOP_DATABASE.fullmatch(do)
        if stopped is not None:
            self._stop_database(float(stopped.group(1)))
        elif do == "kill worker":
            self._room.kill_worker()
            self._room.start_worker()
            self._wait_for_answers()
        elif do == "kill server":
            self._room.temporal.kill()
            self._room.temporal.restart()
            self._wait_for_answers()
        elif do == "continue as new":
            for case in self._cases.values():
                self._room.wait(self._room.engine.renew(case.case_id), GIVE_UP_SECONDS)
            self._wait_for_answers()
        else:
            raise ValueError(f"nothing is known of: {do}")

    def leave(self) -> None:
        """Wait until what was broken is whole again, and end what still runs."""
        for thread in self._healing:
            thread.join()
        for case in self._cases.values():
            self._room.wait(self._room.end_case(case.case_id), GIVE_UP_SECONDS)

    # -- how

    def _move(self, case: Played, to: datetime) -> None:
        case.settled = False
        self._room.wait(
            fast_forward(
                self._room.client,
                workflow_id(CASE.name, case.case_id),
                to,
                limit_seconds=GIVE_UP_SECONDS,
            ),
            GIVE_UP_SECONDS + 5,
        )

    def _persist(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask until there is an answer; the key makes that safe."""
        until = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return self._room.wait(ask(), GIVE_UP_SECONDS)
            except (EngineAway, OutcomeUnknown):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _from_database(self, work: Callable[[Connection], T]) -> T:
        until = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                with transaction(self._room.database, system("story")) as connection:
                    return work(connection)
            except (OperationalError, PoolTimeout):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _stop_database(self, seconds: float) -> None:
        self._room.postgres.stop()

        def heal() -> None:
            time.sleep(seconds)
            self._room.postgres.restart()

        thread = threading.Thread(target=heal, name="database comes back")
        thread.start()
        self._healing.append(thread)

    def _wait_for_answers(self) -> None:
        for case in self._cases.values():
            case.settled = False
            self._room.wait(
                at_rest(self._room.client, workflow_id(CASE.name, case.case_id)), GIVE_UP_SECONDS
            )


def _offset_to(at: datetime) -> int:
    """Seconds from the wall clock to `at`, taken early in a second of the wall clock."""
    into = time.time() % 1
    if into > EARLY_IN_A_SECOND:
        time.sleep(1 - into)
    return int(at.timestamp()) - int(datetime.now(UTC).timestamp())


def _under_the_storys_id(event: Event, opening: OpenCase) -> Event:
    return replace(event, case_id=opening.case_id) if isinstance(event, CaseOpened) else event
