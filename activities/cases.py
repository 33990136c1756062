"""The way in to a case's workflow, for the API and the commands: open, act, ask how far it is.

It decides nothing about a case; what it adds is time limits, and the ledger when no run lives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
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

from activities.errors import ActRefused, EngineAway, EngineError, NoSuchCase, OutcomeUnknown
from activities.recovery import Kept, from_ledger
from domain.commands import Command, Opening
from domain.core import advance
from domain.errors import Refused
from records import alarms, idempotency, ledger
from records.ledger import LedgerRow
from workflows import messages as m
from workflows.encoding import command_to_json, digest, opening_to_json
from workflows.living import KeyReused
from workflows.ports import LEDGER_TROUBLE

T = TypeVar("T")

_AWAY = frozenset({RPCStatusCode.UNAVAILABLE})
_LATER = frozenset({RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.FAILED_PRECONDITION})


LOOK_SECONDS = 1.0  # the ledger is asked for an old key so long; then the engine alone answers
NO_LOOK_SECONDS = 5.0  # after the database gave no answer it is not asked again for so long


class Recovery(Enum):
    """What became of a case that was to go on from its ledger."""

    NOTHING = "it runs, and agrees with its ledger"
    STARTED = "it had no run"
    RENEWED = "its run disagreed, and was replaced"
    ENDED = "its run went on after the case had ended, and was stopped"
    AHEAD = "its run knows more than the ledger, and was left alone"
    BROKEN = "its ledger was changed by hand, so its run was left alone; `audit verify` names it"


LEFT_ALONE = frozenset({Recovery.AHEAD, Recovery.BROKEN})  # a person must look


@dataclass
class Silence:
    """Until when the database is not asked for old keys, because it gave no answer."""

    until: float = 0.0

    def lasts(self) -> bool:
        """Whether to leave it alone for now."""
        return time.monotonic() < self.until

    def begins(self) -> None:
        """It gave no answer: acts must not wait for it one after the other."""
        self.until = time.monotonic() + NO_LOOK_SECONDS


@dataclass(frozen=True)
class CaseEngine:
    """Speaks to the workflows of cases. `patience` is how many seconds an answer may take."""

    client: Client
    database: Engine
    task_queue: str = m.TASK_QUEUE
    patience: float = 8.0
    silence: Silence = field(default_factory=Silence, compare=False, repr=False)

    async def open(
        self,
        opening: Opening,
        *,
        key: str,
        content: str | None = None,
        at: datetime | None = None,
        clock_offset: int = 0,
    ) -> m.Answer:
        """Start a case, or return what starting it with this key returned before.

        `at`: in a rehearsal, the moment on the case's clock at which the report was received;
        never in the future. Raises EngineError.
        """
        body = opening_to_json(opening)
        asked = content or digest(body)
        before, _ = await self._known(opening.case_id, key)
        if before is not None:
            return _same(before, asked)
        start = m.Start(opening.case_id, clock_offset, body, at, key, asked)
        operation = self._start(start, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        try:
            answer = await self._asked(
                lambda: self.client.execute_update_with_start_workflow(
                    m.OPEN, id=key, result_type=m.Answer, start_workflow_operation=operation
                )
            )
        except WorkflowAlreadyStartedError:  # it lived, and has ended since
            kept = await self._kept(opening.case_id)
            answer = _answered_before(kept, key) or _reused()
        return _same(answer, asked)

    async def act(
        self,
        case_id: str,
        command: Command,
        *,
        key: str,
        content: str | None = None,
        at: datetime | None = None,
    ) -> m.Answer:
        """Do something in a case; return its version after it, which is in the database by then.

        `key` names this request for ever; `content` is the digest of what was asked (default: of
        the command). `at`: in a rehearsal, the moment on the case's clock at which it was received;
        never in the future. Raises EngineError.
        """
        body = command_to_json(command)
        before, head = await self._known(case_id, key)
        asked = m.Act(body, content or digest(body), at, head)
        answer = before or await self._acted(case_id, command, asked, key)
        if before is not None:
            with suppress(EngineError):  # a `reopen` may have been written by a run that was lost
                await self.start_if_lost(case_id)
        return _same(answer, asked.content)

    async def _acted(self, case_id: str, command: Command, asked: m.Act, key: str) -> m.Answer:
        try:
            return await self._told(case_id, asked, key)
        except NoSuchCase:
            kept = await self._kept(case_id, asked.at)
            return await self._act_from_ledger(kept, command, asked, key)
        except ActRefused as refused:
            if refused.slug != m.BEHIND:
                raise
        # The engine came back with an older store. The ledger wins, people are told, and whoever
        # asked need not know.
        stands = asked.ledger
        with suppress(NoSuchCase):
            stands = (await self.progress(case_id)).version
        lost = await self._in_database(lambda c: ledger.read(c, case_id, stands))
        became = await self.go_on_from_ledger(case_id)
        if became is Recovery.BROKEN or _more_than_one_act(lost):
            await self._in_database(lambda c: _tell_behind(c, case_id, asked.ledger))
        elif became not in LEFT_ALONE:
            await self._in_database(lambda c: alarms.settle(c, case_id, datetime.now(UTC)))
        if became is Recovery.BROKEN:
            raise ActRefused(LEDGER_TROUBLE, 503, "This case needs attention", became.value)
        try:
            return await self._told(case_id, asked, key)
        except NoSuchCase:  # it is ended
            kept = await self._kept(case_id, asked.at)
            return await self._act_from_ledger(kept, command, asked, key)

    async def _told(self, case_id: str, asked: m.Act, key: str) -> m.Answer:
        return await self._asked(
            lambda: self._handle(case_id).execute_update(m.ACT, asked, id=key, result_type=m.Answer)
        )

    async def progress(self, case_id: str) -> m.Progress:
        """Return how far the run of a case is. Raises EngineError; NoSuchCase when none lives."""
        handle = self._handle(case_id)
        return await self._asked(
            lambda: handle.query(
                m.PROGRESS,
                result_type=m.Progress,
                reject_condition=QueryRejectCondition.NOT_OPEN,
            )
        )

    async def renew(self, case_id: str) -> None:
        """Let a case continue as new as soon as nothing is pending. Raises EngineError."""
        await self._asked(lambda: self._handle(case_id).signal(m.RENEW))

    async def go_on_from_ledger(self, case_id: str, *, discard: bool = False) -> Recovery:
        """Let a case go on as its ledger says, in a new run if there is none or it disagrees.

        A run disagrees when it knows less than the ledger, or was refused by it. One that knows
        more is left alone (`AHEAD`) unless `discard`: what it knows is nowhere else; so is one
        whose ledger was changed by hand (`BROKEN`). Raises EngineError; NoSuchCase where there is
        no ledger.
        """
        # First the ledger: a healthy run is never behind what was read before it was asked.
        head = await self._in_database(lambda c: ledger.head(c, case_id))
        try:
            runs = await self.progress(case_id)
        except NoSuchCase:
            started = await self.start_if_lost(case_id)
            return Recovery.STARTED if started else Recovery.NOTHING
        refused = await self._in_database(lambda c: _was_refused(c, case_id))
        if head.seq == 0:
            raise NoSuchCase(case_id)
        if runs.version >= head.seq and not refused:
            if runs.projected <= head.seq:
                return Recovery.NOTHING
            if not discard:
                return Recovery.AHEAD
        if await self._in_database(lambda c: ledger.verify(c, case_id)):
            return Recovery.BROKEN
        await self._end_run(case_id, runs.run)
        kept = await self._kept(case_id)
        if kept.case.ended:
            return Recovery.ENDED
        await self._start_anew(kept)
        return Recovery.RENEWED

    async def lives(self, case_id: str) -> bool:
        """Whether a run of this case lives. Asks no worker. Raises EngineError."""
        try:
            seen = await self._asked(self._handle(case_id).describe)
        except NoSuchCase:
            return False
        return seen.status is WorkflowExecutionStatus.RUNNING

    async def start_if_lost(self, case_id: str) -> bool:
        """Start a run from the ledger where the case is open and none lives; whether it was so.

        Asks no worker. Raises EngineError; NoSuchCase where there is no ledger.
        """
        if await self.lives(case_id):
            return False
        kept = await self._kept(case_id)
        return not kept.case.ended and await self._start_anew(kept)

    async def _end_run(self, case_id: str, run: str) -> None:
        # This run and no other: somebody else may have renewed the case meanwhile.
        handle = self.client.get_workflow_handle(m.workflow_id(case_id), run_id=run)
        with suppress(NoSuchCase):
            await self._asked(lambda: handle.terminate("the ledger knows better"))

    async def _start_anew(self, kept: Kept) -> bool:
        case_id = kept.case.id
        try:
            await self._asked(
                lambda: self.client.start_workflow(
                    m.CASE_WORKFLOW,
                    _start_of(kept),
                    id=m.workflow_id(case_id),
                    task_queue=self.task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                )
            )
        except WorkflowAlreadyStartedError:  # by somebody else, just now
            return False
        return True

    async def now_of(self, case_id: str, clock_offset: int = 0) -> datetime:
        """The case's own clock now, virtual time included; the wall clock where no run lives.

        Only a rehearsal needs it. Raises EngineError.
        """
        try:
            progress = await self.progress(case_id)
            seen = await self._asked(self._handle(case_id).describe)
        except NoSuchCase:
            return datetime.now(UTC) + timedelta(seconds=clock_offset)
        extended = seen.raw_description.workflow_extended_info
        now = datetime.now(UTC)
        if extended.HasField("time_skipping_info"):
            now = extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
        return now + timedelta(seconds=progress.clock_offset)

    # -- when no run lives

    async def _act_from_ledger(
        self, kept: Kept, command: Command, asked: m.Act, key: str
    ) -> m.Answer:
        """Answer from the ledger what it can answer; let a new run do the rest (`reopen`)."""
        before = _answered_before(kept, key)
        if before is not None:
            return before
        if kept.case.ended:
            _would_be_accepted(kept, command)
        operation = self._start(_start_of(kept), WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        return await self._asked(
            lambda: self.client.execute_update_with_start_workflow(
                m.ACT, asked, id=key, result_type=m.Answer, start_workflow_operation=operation
            )
        )

    async def _known(self, case_id: str, key: str) -> tuple[m.Answer | None, int]:
        """What this key was answered before, if it was, and the version the ledger stands at.

        The engine remembers the newest keys only. While the database is away, it alone is asked.
        """
        if self.silence.lasts():
            return None, 0
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                head, known = await asyncio.to_thread(self._look, case_id, key)
        except (SQLAlchemyError, TimeoutError):
            self.silence.begins()
            return None, 0
        if not known:
            return None, head
        try:
            kept = await self._kept(case_id)
        except NoSuchCase:
            _reused()
        return _answered_before(kept, key) or _reused(), head

    def _look(self, case_id: str, key: str) -> tuple[int, bool]:
        """One statement by itself: a transaction around it would be three journeys, not one."""
        with self.database.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
            return idempotency.look(alone, case_id, key)

    async def _kept(self, case_id: str, not_before: datetime | None = None) -> Kept:
        kept = await self._in_database(lambda c: from_ledger(c, case_id, not_before))
        if kept is None:
            raise NoSuchCase(case_id)
        return kept

    async def _in_database(self, work: Callable[[Connection], T]) -> T:
        def ask() -> T:
            with self.database.begin() as connection:
                return work(connection)

        return await asyncio.to_thread(ask)

    # -- how it is asked

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Any]:
        # No run id: whichever run is the newest one.
        return self.client.get_workflow_handle(m.workflow_id(case_id))

    def _start(
        self, start: m.Start, reuse: WorkflowIDReusePolicy
    ) -> WithStartWorkflowOperation[Any, int]:
        operation: WithStartWorkflowOperation[Any, int] = WithStartWorkflowOperation(
            m.CASE_WORKFLOW,
            start,
            id=m.workflow_id(start.case_id),
            task_queue=self.task_queue,
            result_type=int,
            id_reuse_policy=reuse,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        _hear(operation)
        return operation

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait for an answer, but not for ever, and say in our own words what went wrong."""
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
            raise NoSuchCase("no run lives") from None
        except RPCError as wrong:
            if wrong.status is RPCStatusCode.NOT_FOUND:
                raise NoSuchCase("no run lives") from None
            if wrong.status in _AWAY:
                raise EngineAway from None
            raise OutcomeUnknown(retry_after=2 if wrong.status in _LATER else 5) from None
        except RuntimeError as wrong:  # a lazy client that cannot connect
            raise EngineAway from wrong


def _answered_before(kept: Kept, key: str) -> m.Answer | None:
    op = kept.answered.get(key)
    return None if op is None else m.Answer(op.version, op.at, op.state, op.content)


def _more_than_one_act(lost: Sequence[LedgerRow]) -> bool:
    """A single one is a task that wrote, and was lost with its worker or server before its end."""
    return len({row.key for row in lost if row.key}) > 1


def _tell_behind(connection: Connection, case_id: str, seq: int) -> None:
    row = ledger.read(connection, case_id, seq - 1, 1)[0]
    alarms.behind(connection, case_id, seq, row.at)


def _was_refused(connection: Connection, case_id: str) -> bool:
    return any(
        one.kind == alarms.CONFLICT and one.settled_at is None
        for one in alarms.of_case(connection, case_id)
    )


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


def _refused(cause: BaseException | None) -> ActRefused:
    if not isinstance(cause, ApplicationError):
        return ActRefused(m.INTERNAL, 500, "Something went wrong", str(cause))
    told = cause.details[0] if cause.details else {}
    status, title = int(told.get("status", 500)), str(told.get("title", "Something went wrong"))
    return ActRefused(cause.type or m.INTERNAL, status, title, cause.message)


def _same(answer: m.Answer, content: str) -> m.Answer:
    """The engine answers a repeated key by itself and never looks at what came with it."""
    return answer if answer.content in ("", content) else _reused()


def _reused() -> NoReturn:
    reused = KeyReused()
    raise ActRefused(reused.slug, reused.status, reused.title, reused.detail)


def _would_be_accepted(kept: Kept, command: Command) -> None:
    """Refuse here what an ended case refuses: no run needs to be started to say no."""
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=kept.clock_offset)
    try:
        advance(kept.case, command, max(now, kept.case.now or now))
    except Refused as refused:
        raise ActRefused(refused.slug, refused.status, refused.title, refused.detail) from None


def _start_of(kept: Kept) -> m.Start:
    return m.Start(kept.case.id, kept.clock_offset, snapshot=kept.snapshot)
