"""One durable run for each subject: it takes acts, keeps one timer, and writes what happened.

It decides nothing itself (the kind of subject does) and touches nothing itself (`workflows.ports` does).
A kind's own workflow is `case.py` over again: a name, and `run`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from domain.errors import Refused
from domain.kinds import AnyKind
from workflows import options
from workflows.encoding import EVENT, command_from_json, opening_from_json
from workflows.messages import (
    ACT,
    BEHIND,
    INTERNAL,
    OPEN,
    PROGRESS,
    RENEW,
    Act,
    Answer,
    Progress,
    Refusal,
    Start,
)
from workflows.ports import (
    FOLLOW,
    LEDGER_TROUBLE,
    PROJECT,
    UNKNOWN_PROCEDURE,
    EventBatch,
    Followed,
    Held,
    LedgerRejection,
)
from workflows.state import RunState, Step


class EntityWorkflow:
    """Runs from an opening, or from a snapshot, until the subject is ended.

    People act through the update `act`; a refusal leaves no trace in the engine's history.
    Timers of moment M fire once the clock shows M + 1 s and are recorded as of M, so that an act
    of moment M comes before them. Whatever happened is written by one projector, in order; acts
    go on while the database is away.
    """

    kind: ClassVar[AnyKind]

    def __init__(self, start: Start) -> None:
        """Take up the subject. Updates of the first task come before `run`, so all must be here."""
        self._clock_offset = start.clock_offset
        self._offset = timedelta(seconds=start.clock_offset)
        self._state: RunState | None = None
        self._unopened: ApplicationError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: datetime | None = None
        self._timer_trouble = ""
        self._trouble_wait = options.TROUBLE_WAIT
        self._ledger_trouble = ""
        self._renew = False
        try:
            self._state = self._taken_up(start)
        except Refused as refused:
            self._unopened = _refusal(refused)
        except Exception as wrong:  # noqa: BLE001 - an exception here would be retried for ever
            self._unopened = _unforeseen(wrong)
        _let_go(start)

    def _taken_up(self, start: Start) -> RunState:
        if start.snapshot is not None:
            return RunState.from_snapshot(self.kind, start.snapshot)
        if start.opening is None:
            raise ValueError("a subject starts from an opening or from a snapshot")
        opening = opening_from_json(self.kind, start.opening)
        at = self._moment(start.at)
        return RunState.opened(self.kind, opening, at, start.key, start.content)

    async def live(self, start: Start) -> int:
        """Keep the timer and the projector going; return the version at which the subject ended."""
        if self._state is None:
            raise self._unopened or _unforeseen(RuntimeError())
        while True:
            self._set_timer()
            if self._state.pending:
                await self._write()
            elif self._state.subject.ended:
                break
            elif self._should_renew():
                self._continue_as_new(start)
            else:
                await workflow.wait_condition(self._something_to_do)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._state.subject.version

    def _something_to_do(self) -> bool:
        state = self._alive()
        return bool(state.pending) or state.subject.ended or self._should_renew()

    def _alive(self) -> RunState:
        if self._state is None:
            raise self._unopened or _unforeseen(RuntimeError())
        return self._state

    def _clock(self) -> datetime:
        """The subject's own clock, in whole seconds."""
        return (workflow.now() + self._offset).replace(microsecond=0)

    def _moment(self, told: datetime | None) -> datetime:
        """When something is recorded: now; in a rehearsal, at a past moment that it may name."""
        now = self._clock()
        if told is None or not self._offset:
            return now
        return min(told.replace(microsecond=0), now)

    # -- people

    @workflow.update(name=OPEN, description="Tells that the subject was opened")
    def opened(self) -> Answer:
        """Answer as the opening was answered; sent together with the start.

        Refused with `key-reused` when another request opened this subject.
        """
        return self._opened()

    @opened.validator
    def _may_open(self) -> None:
        self._opened()

    def _opened(self) -> Answer:
        try:
            return self._alive().answer_of(_key())
        except Refused as refused:
            raise _refusal(refused) from None

    @workflow.update(name=ACT, description="Somebody does something in this subject")
    def act(self, asked: Act) -> Answer:
        """Record an act and all that follows at once; a repeated key gets the same answer.

        Refused with the slugs of stories.md 2.7 as error type, or `key-reused`, `busy`,
        `internal`.
        """
        try:
            key = _key()
            state = self._alive()
            found = state.answered(key, asked.content)
            if found is not None:
                return found
            step = self._decided(state, asked)
            answer = state.take(step, key, asked.content)
        except Refused as refused:
            raise _refusal(refused) from None
        except ApplicationError:
            raise
        except Exception as wrong:  # noqa: BLE001 - anything else would wedge the subject for good
            raise _unforeseen(wrong) from None
        self._set_timer()
        return answer

    @act.validator
    def _may_act(self, asked: Act) -> None:
        """Refuse without a trace in history: the whole transition is computed, and thrown away."""
        try:
            state = self._alive()
            if state.answered(_key(), asked.content) is None:
                self._decided(state, asked)
        except Refused as refused:
            raise _refusal(refused) from None
        except ApplicationError:
            raise
        except Exception as wrong:  # noqa: BLE001 - the caller is told, whatever it was
            raise _unforeseen(wrong) from None

    def _decided(self, state: RunState, asked: Act) -> Step:
        if self._ledger_trouble:
            raise ApplicationError(
                f"The ledger of this {self.kind.name} must be looked at before it can go on.",
                Refusal(503, f"This {self.kind.name} needs attention"),
                type=LEDGER_TROUBLE,
                non_retryable=True,
            )
        if asked.ledger > state.subject.version:
            raise ApplicationError(
                f"The engine holds an older copy of this {self.kind.name} than the ledger.",
                Refusal(503, f"This {self.kind.name} needs attention"),
                type=BEHIND,
                non_retryable=True,
            )
        return state.decide(command_from_json(self.kind, asked.command), self._moment(asked.at))

    # -- whoever looks after the engine

    @workflow.query(name=PROGRESS, description="How far this run is")
    def progress(self) -> Progress:
        """Versions, next wake, and anything a person must look at. Nothing of the subject itself."""
        state = self._alive()
        return Progress(
            version=state.subject.version,
            projected=state.projected,
            state=self.kind.status(state.subject),
            next_wake=state.next_wake(),
            clock_offset=self._clock_offset,
            trouble=self._ledger_trouble or self._timer_trouble,
            events=workflow.info().get_current_history_length(),
            run=workflow.info().run_id,
        )

    @workflow.signal(name=RENEW, description="Continue as new as soon as nothing is pending")
    def renew(self) -> None:
        """Ask for a fresh history; nothing of the subject changes."""
        self._renew = True

    # -- time

    def _set_timer(self) -> None:
        """Keep one timer, to the next wake; one that rings too early only asks again."""
        due = self._due()
        if due is None:
            self._stop_timer()
            return
        if self._timer_at is not None and self._timer_at <= due:
            return
        self._stop_timer()
        delay = max(due - workflow.now(), options.TICK)
        self._timer_at = due
        self._timer = asyncio.get_running_loop().call_later(delay.total_seconds(), self._ring)

    def _due(self) -> datetime | None:
        """When the timer must ring, on the engine's clock; None once the subject is ended."""
        later = workflow.now() + self._trouble_wait
        try:
            wake = self._alive().next_wake()
        except Exception as wrong:  # noqa: BLE001 - see `_ring`
            self._in_trouble(f"no next wake: {type(wrong).__name__}", wrong)
            return later
        if wake is None:
            return None
        due = wake + options.TIMER_OF_M_FIRES - self._offset
        return max(due, later) if self._timer_trouble else due

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_at = None

    def _ring(self) -> None:
        """Let everything happen that is due; never raise, or this subject would stand still."""
        self._timer = self._timer_at = None
        until = self._clock() - options.TIMER_OF_M_FIRES
        try:
            self._wake(until)
        except Exception as wrong:  # noqa: BLE001 - a person is told, and it is tried again
            self._in_trouble(f"a timer failed: {type(wrong).__name__}", wrong)
        self._set_timer()

    def _wake(self, until: datetime) -> None:
        state = self._alive()
        wake = state.next_wake()
        if wake is None or wake > until:
            return
        step = state.wake(until)
        if not step.events:
            raise RuntimeError("what is due does not happen")
        state.take(step)
        self._timer_trouble, self._trouble_wait = "", options.TROUBLE_WAIT

    def _in_trouble(self, what: str, wrong: Exception) -> None:
        """Try again later, and later each time: better than turning for ever."""
        if self._timer_trouble:
            self._trouble_wait = min(self._trouble_wait * 2, options.TROUBLE_WAIT_MOST)
        self._timer_trouble = what
        workflow.logger.error("%s", what, exc_info=wrong)

    # -- the projector

    async def _write(self) -> None:
        """Write the next events: at once if the database is there, patiently if it is not."""
        state = self._alive()
        batch = state.batch(self._clock_offset)
        try:
            await self._write_now(batch)
        except FailureError as failed:  # a bare ApplicationError, unlike other activities
            if is_cancelled_exception(failed):
                raise
            if isinstance(failed, ApplicationError) and failed.type == LEDGER_TROUBLE:
                # At once: an act answered from here on would be one the ledger does not know.
                self._ledger_trouble = LEDGER_TROUBLE
            await self._write_when_back(state.with_procedures(batch))
            return
        self._ledger_trouble = ""
        state.written(batch)

    async def _write_now(self, batch: EventBatch) -> None:
        try:
            await workflow.execute_local_activity(
                PROJECT, batch, result_type=int, **options.PROJECT_NOW
            )
        except ApplicationError as failed:
            more = self._alive().with_procedures(batch)
            if failed.type != UNKNOWN_PROCEDURE or batch.procedures or not more.procedures:
                raise  # with nothing more to send it would turn for ever
            await self._write_now(more)

    async def _write_when_back(self, batch: EventBatch) -> None:
        state = self._alive()
        try:
            await workflow.execute_activity(
                PROJECT, batch, result_type=int, **options.PROJECT_WHEN_BACK
            )
        except FailureError as failed:
            if is_cancelled_exception(failed):
                raise
            # The ledger and this run disagree: until that is settled nothing more is accepted.
            self._ledger_trouble = LEDGER_TROUBLE
            if await self._followed_ledger(state):
                return
            workflow.logger.error("the ledger holds something else than this run")
            await self._until_somebody_looked()
            return
        self._ledger_trouble = ""
        state.written(batch)

    async def _followed_ledger(self, state: RunState) -> bool:
        """Go on from the ledger if this run only did anew what the ledger has already."""
        held = tuple(Held(event.body[EVENT], event.key) for event in state.pending)
        rejection = LedgerRejection(state.subject.id, state.projected, held)
        try:
            told = await workflow.execute_activity(
                FOLLOW, rejection, result_type=Followed, **options.PROJECT_WHEN_BACK
            )
        except FailureError as failed:
            if is_cancelled_exception(failed):
                raise
            return False
        if told.snapshot is None:
            return False
        try:
            self._state = state.followed(told.snapshot, told.known)
        except Exception as wrong:  # noqa: BLE001 - people must look; the run stays as it is
            workflow.logger.error("could not follow the ledger", exc_info=wrong)
            return False
        self._ledger_trouble = ""
        return True

    async def _until_somebody_looked(self) -> None:
        """Wait for the signal `renew`, or a long time, before it is tried again."""
        self._renew = False
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(lambda: self._renew, timeout=options.TROUBLE_WAIT_MOST)
        self._renew = False

    # -- a fresh history

    def _should_renew(self) -> bool:
        info = workflow.info()
        return (
            self._renew
            or info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= options.HISTORY_EVENTS
        ) and workflow.all_handlers_finished()

    def _continue_as_new(self, start: Start) -> None:
        workflow.continue_as_new(
            Start(start.subject_id, start.clock_offset, snapshot=self._alive().snapshot())
        )


def _let_go(start: Start) -> None:
    """Empty what was taken up: the engine keeps the input, and its plans are long."""
    if start.opening is not None:
        start.opening.clear()
    if start.snapshot is not None:
        start.snapshot.procedures.clear()
        start.snapshot.state.clear()


def _key() -> str:
    """The key of the update being handled: its id."""
    info = workflow.current_update_info()
    return info.id if info is not None else ""


def _refusal(refused: Refused) -> ApplicationError:
    return ApplicationError(
        refused.detail,
        Refusal(refused.status, refused.title),
        type=refused.slug,
        non_retryable=True,
    )


def _unforeseen(wrong: Exception) -> ApplicationError:
    # Only its type: the words of a stranger's exception may hold anything.
    workflow.logger.error("unforeseen: %s", type(wrong).__name__, exc_info=wrong)
    return ApplicationError(
        "Something went wrong that we did not foresee; nothing was changed.",
        Refusal(500, "Something went wrong"),
        type=INTERNAL,
        non_retryable=True,
    )
