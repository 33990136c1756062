"""The way in to a subject's workflow, for the API and the commands: open and act.

It decides nothing about a subject; what it adds is the ledger, for old keys and when no run lives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.errors import Refused
from engine.errors import ActRefused, EngineError, NoSuchSubject
from engine.runs import LEFT_ALONE, Recovery, Runs, start_of
from records import alarms, idempotency, ledger
from records.ledger import LedgerRow
from records.recovery import Kept
from records.session import single_statements, system
from workflows import messages as m
from workflows.encoding import command_to_json, digest, opening_to_json
from workflows.ports import LEDGER_TROUBLE
from workflows.state import KeyReused

LOOK_SECONDS = 1.0  # the ledger is asked for an old key so long; then the engine alone answers
NO_LOOK_SECONDS = 5.0  # after the database gave no answer it is not asked again for so long


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
class SubjectEngine(Runs):
    """Speaks to the workflows of one kind of subject."""

    silence: Silence = field(default_factory=Silence, compare=False, repr=False)

    async def open(
        self,
        opening: Any,
        *,
        key: str,
        content: str | None = None,
        at: datetime | None = None,
        clock_offset: int = 0,
    ) -> m.Answer:
        """Start a subject, or return what starting it with this key returned before.

        `at`: in a rehearsal, the moment on the subject's clock at which the opening was received;
        never in the future. Raises EngineError.
        """
        body = opening_to_json(opening)
        asked = content or digest(body)
        subject_id = self.kind.subject_id(opening)
        before, _ = await self._known(subject_id, key)
        if before is not None:
            return _same(before, asked)
        start = m.Start(subject_id, clock_offset, body, at, key, asked)
        operation = self.starting(start, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        try:
            answer = await self.asked(
                lambda: self.client.execute_update_with_start_workflow(
                    m.OPEN, id=key, result_type=m.Answer, start_workflow_operation=operation
                )
            )
        except WorkflowAlreadyStartedError:  # it lived, and has ended since
            kept = await self.kept(subject_id)
            answer = _answered_before(kept, key) or _reused()
        return _same(answer, asked)

    async def act(
        self,
        subject_id: str,
        command: Any,
        *,
        key: str,
        content: str | None = None,
        at: datetime | None = None,
        ledger_at: int | None = None,
    ) -> m.Answer:
        """Do something in a subject; return its version after it, which is in the database by then.

        `key` names this request for ever; `content` is the digest of what was asked (default: of
        the command). `at`: in a rehearsal, the moment on the subject's clock at which it was received;
        never in the future. `ledger_at`: the version at which the caller just saw the ledger, this
        key not in it; without it both are looked up. Raises EngineError.
        """
        body = command_to_json(command)
        before, head = None, ledger_at
        if head is None:
            before, head = await self._known(subject_id, key)
        asked = m.Act(body, content or digest(body), at, head)
        answer = before or await self._acted(subject_id, command, asked, key)
        if before is not None:
            await self.revive(subject_id)
        return _same(answer, asked.content)

    async def revive(self, subject_id: str) -> None:
        """After an old answer: a `reopen` may have been written by a run that was lost."""
        with suppress(EngineError):
            await self.start_if_lost(subject_id)

    async def _acted(self, subject_id: str, command: Any, asked: m.Act, key: str) -> m.Answer:
        try:
            return await self._told(subject_id, asked, key)
        except NoSuchSubject:
            return await self._act_from_ledger(subject_id, command, asked, key)
        except ActRefused as refused:
            if refused.slug != m.BEHIND:
                raise
        # The engine came back with an older store. The ledger wins, people are told, and whoever
        # asked need not know.
        stands = asked.ledger
        with suppress(NoSuchSubject):
            stands = (await self.progress(subject_id)).version
        lost = await self.in_database(lambda c: ledger.read(c, subject_id, stands))
        became = await self.go_on_from_ledger(subject_id)
        if became is Recovery.BROKEN:
            raise _needs_attention(self.kind.name)
        if _more_than_one_act(lost):
            await self.in_database(lambda c: _tell_behind(c, subject_id, asked.ledger))
        elif became not in LEFT_ALONE:
            await self.in_database(lambda c: alarms.settle(c, subject_id, datetime.now(UTC)))
        try:
            return await self._told(subject_id, asked, key)
        except NoSuchSubject:  # it is ended
            return await self._act_from_ledger(subject_id, command, asked, key)

    async def _told(self, subject_id: str, asked: m.Act, key: str) -> m.Answer:
        return await self.asked(
            lambda: self.handle(subject_id).execute_update(
                m.ACT, asked, id=key, result_type=m.Answer
            )
        )

    # -- when no run lives

    async def _act_from_ledger(
        self, subject_id: str, command: Any, asked: m.Act, key: str
    ) -> m.Answer:
        """Answer from the ledger what it can answer; let a new run do the rest (`reopen`)."""
        kept = await self.kept_whole(subject_id, asked.at)
        if kept is None:
            raise _needs_attention(self.kind.name)
        before = _answered_before(kept, key)
        if before is not None:
            return before
        if kept.state.ended:
            _would_be_accepted(kept, command)
        operation = self.starting(start_of(kept), WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        return await self.asked(
            lambda: self.client.execute_update_with_start_workflow(
                m.ACT, asked, id=key, result_type=m.Answer, start_workflow_operation=operation
            )
        )

    async def _known(self, subject_id: str, key: str) -> tuple[m.Answer | None, int]:
        """What this key was answered before, if it was, and the version the ledger stands at.

        The engine remembers the newest keys only. While the database is away, it alone is asked.
        """
        if self.silence.lasts():
            return None, 0
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                head, known = await asyncio.to_thread(self._look, subject_id, key)
        except (SQLAlchemyError, TimeoutError):
            self.silence.begins()
            return None, 0
        if not known:
            return None, head
        try:
            kept = await self.kept(subject_id)
        except NoSuchSubject:
            _reused()
        return _answered_before(kept, key) or _reused(), head

    def _look(self, subject_id: str, key: str) -> tuple[int, bool]:
        """One statement by itself: a transaction around it would be three journeys, not one."""
        with single_statements(self.database, system("engine")) as alone:
            return idempotency.look(alone, subject_id, key)


def _needs_attention(kind: str) -> ActRefused:
    broken = Recovery.BROKEN.value
    return ActRefused(LEDGER_TROUBLE, 503, f"This {kind} needs attention", broken)


def _answered_before(kept: Kept, key: str) -> m.Answer | None:
    op = kept.answered.get(key)
    return None if op is None else m.Answer(op.version, op.at, op.state, op.content)


def _more_than_one_act(lost: Sequence[LedgerRow]) -> bool:
    """A single one is a task that wrote, and was lost with its worker or server before its end."""
    return len({row.key for row in lost if row.key}) > 1


def _tell_behind(connection: Connection, subject_id: str, seq: int) -> None:
    row = ledger.read(connection, subject_id, seq - 1, 1)[0]
    alarms.behind(connection, subject_id, seq, row.at)


def _same(answer: m.Answer, content: str) -> m.Answer:
    """The engine answers a repeated key by itself and never looks at what came with it."""
    return answer if answer.content in ("", content) else _reused()


def _reused() -> NoReturn:
    reused = KeyReused()
    raise ActRefused(reused.slug, reused.status, reused.title, reused.detail)


def _would_be_accepted(kept: Kept, command: Any) -> None:
    """Refuse here what an ended subject refuses: no run needs to be started to say no."""
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=kept.clock_offset)
    try:
        kept.kind.advance(kept.state, command, max(now, kept.state.now or now))
    except Refused as refused:
        raise ActRefused(refused.slug, refused.status, refused.title, refused.detail) from None
