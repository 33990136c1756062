"""The runs of subjects in the engine: how far each is, whether one lives, and going on from the ledger.

It acts in no subject. What it adds to the engine's client is time limits, and errors in our own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.kinds import AnyKind, kind_named
from engine.errors import ActRefused, EngineAway, NoSuchSubject, OutcomeUnknown
from records import alarms, ledger
from records.recovery import Kept, from_ledger
from records.session import system, transaction
from workflows import messages as m

T = TypeVar("T")

_AWAY = frozenset({RPCStatusCode.UNAVAILABLE})
_LATER = frozenset({RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.FAILED_PRECONDITION})


class Recovery(Enum):
    """What became of a subject that was to go on from its ledger."""

    NOTHING = "it runs, and agrees with its ledger"
    STARTED = "it had no run"
    RENEWED = "its run disagreed, and was replaced"
    ENDED = "its run went on after it had ended, and was stopped"
    AHEAD = "its run knows more than the ledger, and was left alone"
    BROKEN = "its ledger was changed by hand, so it was left alone; `audit verify` says where"


LEFT_ALONE = frozenset({Recovery.AHEAD, Recovery.BROKEN})  # a person must look


@dataclass(frozen=True)
class Runs:
    """Looks after runs of one kind of subject. `patience`: seconds that an answer may take."""

    client: Client
    database: Engine
    kind: AnyKind
    task_queue: str = m.TASK_QUEUE
    patience: float = 8.0

    def of(self, kind: str) -> Self:
        """The same for another kind of subject."""
        return replace(self, kind=kind_named(kind))

    async def progress(self, subject_id: str) -> m.Progress:
        """Return how far the run of a subject is. Raises EngineError; NoSuchSubject when none lives."""
        handle = self.handle(subject_id)
        return await self.asked(
            lambda: handle.query(
                m.PROGRESS,
                result_type=m.Progress,
                reject_condition=QueryRejectCondition.NOT_OPEN,
            )
        )

    async def renew(self, subject_id: str) -> None:
        """Let a subject continue as new as soon as nothing is pending. Raises EngineError."""
        await self.asked(lambda: self.handle(subject_id).signal(m.RENEW))

    async def go_on_from_ledger(self, subject_id: str, *, discard: bool = False) -> Recovery:
        """Let a subject go on as its ledger says, in a new run if there is none or it disagrees.

        A run disagrees when it knows less than the ledger, or was refused by it. One that knows
        more is left alone (`AHEAD`) unless `discard`: what it knows is nowhere else; so is a subject
        whose ledger was changed by hand (`BROKEN`), and people are told. Raises EngineError;
        NoSuchSubject where there is no ledger.
        """
        # First the ledger: a healthy run is never behind what was read before it was asked.
        head = await self.in_database(lambda c: ledger.head(c, subject_id))
        try:
            runs = await self.progress(subject_id)
        except NoSuchSubject:
            return await self.start_if_lost(subject_id)
        refused = await self.in_database(lambda c: _was_refused(c, subject_id))
        if head.seq == 0:
            if await self.in_database(lambda c: _is_broken(c, subject_id)):
                return Recovery.BROKEN
            raise NoSuchSubject(subject_id)
        if runs.version >= head.seq and not refused:
            if runs.projected <= head.seq:
                return Recovery.NOTHING
            if not discard:
                return Recovery.AHEAD
        if await self.in_database(lambda c: _is_broken(c, subject_id)):
            return Recovery.BROKEN
        await self._end_run(subject_id, runs.run)
        kept = await self.kept(subject_id)
        if kept.state.ended:
            return Recovery.ENDED
        await self._start_anew(kept)
        return Recovery.RENEWED

    async def lives(self, subject_id: str) -> bool:
        """Whether a run of this subject lives. Asks no worker. Raises EngineError."""
        try:
            seen = await self.asked(self.handle(subject_id).describe)
        except NoSuchSubject:
            return False
        return seen.status is WorkflowExecutionStatus.RUNNING

    async def start_if_lost(self, subject_id: str) -> Recovery:
        """Start a run from the ledger where the subject is open and none lives (`STARTED`).

        A ledger that was changed by hand is not started from (`BROKEN`), and people are told. Asks
        no worker. Raises EngineError; NoSuchSubject where there is no ledger.
        """
        if await self.lives(subject_id):
            return Recovery.NOTHING
        kept = await self.kept_whole(subject_id)
        if kept is None:
            return Recovery.BROKEN
        started = not kept.state.ended and await self._start_anew(kept)
        return Recovery.STARTED if started else Recovery.NOTHING

    async def _end_run(self, subject_id: str, run: str) -> None:
        # This run and no other: somebody else may have renewed it meanwhile.
        handle = self.client.get_workflow_handle(
            m.workflow_id(self.kind.name, subject_id), run_id=run
        )
        with suppress(NoSuchSubject):
            await self.asked(lambda: handle.terminate("the ledger knows better"))

    async def _start_anew(self, kept: Kept) -> bool:
        subject_id = kept.state.id
        try:
            await self.asked(
                lambda: self.client.start_workflow(
                    self.kind.name,
                    start_of(kept),
                    id=m.workflow_id(self.kind.name, subject_id),
                    task_queue=self.task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                )
            )
        except WorkflowAlreadyStartedError:  # by somebody else, just now
            return False
        return True

    async def now_of(self, subject_id: str, clock_offset: int = 0) -> datetime:
        """The subject's own clock now, virtual time included; the wall clock where no run lives.

        Only a rehearsal needs it. Raises EngineError.
        """
        try:
            progress = await self.progress(subject_id)
            seen = await self.asked(self.handle(subject_id).describe)
        except NoSuchSubject:
            return datetime.now(UTC) + timedelta(seconds=clock_offset)
        extended = seen.raw_description.workflow_extended_info
        now = datetime.now(UTC)
        if extended.HasField("time_skipping_info"):
            now = extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
        return now + timedelta(seconds=progress.clock_offset)

    # -- how it is asked

    def handle(self, subject_id: str) -> WorkflowHandle[Any, Any]:
        """The newest run of a subject, whichever that is when it is asked."""
        return self.client.get_workflow_handle(m.workflow_id(self.kind.name, subject_id))

    def starting(
        self, start: m.Start, reuse: WorkflowIDReusePolicy
    ) -> WithStartWorkflowOperation[Any, int]:
        """A start that is sent together with an update; where a run lives, that one is asked."""
        operation: WithStartWorkflowOperation[Any, int] = WithStartWorkflowOperation(
            self.kind.name,
            start,
            id=m.workflow_id(self.kind.name, start.subject_id),
            task_queue=self.task_queue,
            result_type=int,
            id_reuse_policy=reuse,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        _hear(operation)
        return operation

    async def asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait for an answer, but not for ever, and say in our own words what went wrong.

        Raises EngineError, ActRefused among them.
        """
        try:
            async with asyncio.timeout(self.patience):
                return await ask()
        except WorkflowUpdateFailedError as failed:
            raise _refused(failed.cause) from None
        except (
            TimeoutError,
            WorkflowUpdateRPCTimeoutOrCancelledError,
            asyncio.InvalidStateError,  # the SDK's own slip: a start in time, its update not
        ):
            raise OutcomeUnknown from None
        except WorkflowQueryRejectedError:
            raise NoSuchSubject("no run lives") from None
        except RPCError as wrong:
            if wrong.status is RPCStatusCode.NOT_FOUND:
                raise NoSuchSubject("no run lives") from None
            if wrong.status in _AWAY:
                raise EngineAway from None
            raise OutcomeUnknown(retry_after=2 if wrong.status in _LATER else 5) from None
        except RuntimeError as wrong:  # a lazy client that cannot connect
            raise EngineAway from wrong

    async def kept(self, subject_id: str, not_before: datetime | None = None) -> Kept:
        """The subject as its ledger has it, see `from_ledger`. Raises NoSuchSubject without one."""
        kept = await self.in_database(lambda c: from_ledger(c, subject_id, not_before))
        if kept is None:
            raise NoSuchSubject(subject_id)
        return kept

    async def kept_whole(self, subject_id: str, not_before: datetime | None = None) -> Kept | None:
        """The same for a run to start from; None where the ledger was changed by hand.

        Then people are told. Raises NoSuchSubject where there is no ledger.
        """
        if await self.in_database(lambda c: _is_broken(c, subject_id)):
            return None
        return await self.kept(subject_id, not_before)

    async def in_database(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction, in a thread of its own."""

        def ask() -> T:
            with transaction(self.database, system("runs")) as connection:
                return work(connection)

        return await asyncio.to_thread(ask)


def start_of(kept: Kept) -> m.Start:
    """What a run needs to go on with a subject as its ledger has it."""
    return m.Start(kept.state.id, kept.clock_offset, snapshot=kept.snapshot)


def _is_broken(connection: Connection, subject_id: str) -> bool:
    """Whether the ledger was changed by hand; if so, people are told."""
    wrong = ledger.verify(connection, subject_id)
    if wrong:
        alarms.broken(connection, wrong[0], datetime.now(UTC).replace(microsecond=0))
    return bool(wrong)


def _was_refused(connection: Connection, subject_id: str) -> bool:
    return any(
        one.kind == alarms.CONFLICT and one.settled_at is None
        for one in alarms.of_subject(connection, subject_id)
    )


def _refused(cause: BaseException | None) -> ActRefused:
    if not isinstance(cause, ApplicationError):
        return ActRefused(m.INTERNAL, 500, "Something went wrong", str(cause))
    told = cause.details[0] if cause.details else {}
    status, title = int(told.get("status", 500)), str(told.get("title", "Something went wrong"))
    return ActRefused(cause.type or m.INTERNAL, status, title, cause.message)


_listening: set[asyncio.Future[Any]] = set()


def _hear(operation: WithStartWorkflowOperation[Any, int]) -> None:
    """Take note how the start went: asyncio complains about a failure that nobody heard."""

    def heard(start: asyncio.Future[Any]) -> None:
        _listening.discard(start)
        if not start.cancelled():
            start.exception()

    start = asyncio.ensure_future(operation.workflow_handle())
    _listening.add(start)
    start.add_done_callback(heard)
