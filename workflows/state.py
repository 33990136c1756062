"""A subject as one run holds it: its state, the keys it answered, what is not yet in the database.

It knows neither clock nor engine: every moment is given. Whatever fails here changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.errors import Refused
from domain.kinds import AnyKind, State
from domain.subject import procedure_named
from workflows import options
from workflows.encoding import (
    PROCEDURE_DIGEST,
    event_from_json,
    event_to_json,
    one_procedure,
    procedure_from_json,
    procedure_to_json,
    state_from_json,
    state_to_json,
)
from workflows.messages import BUSY, KEY_REUSED, Answer, NewEvent, Op, Snapshot
from workflows.ports import EventBatch


class KeyReused(Refused):
    """The same key came before, with something else."""

    slug = KEY_REUSED
    status = 409
    title = "This key was used for something else"


class Busy(Refused):
    """Too much of this subject is not yet in the database."""

    slug = BUSY
    status = 503
    title = "The database is away; please send this again a little later"


@dataclass(frozen=True, slots=True)
class Step:
    """A transition, computed and not yet taken."""

    subject: State
    events: tuple[Any, ...]


class RunState:
    """The present of one subject. `decide` and `wake` compute, `take` assigns."""

    def __init__(self, kind: AnyKind, state: State) -> None:
        """Begin with a state of which everything is in the database."""
        self.kind = kind
        self.subject = state
        self.pending: list[NewEvent] = []
        self.unsent_procedures: set[str] = set()
        self.ops: dict[str, Op] = {}
        # What was computed of the present, for whoever asks again; of nothing but arguments.
        self._decided: tuple[State, Any, datetime, Step] | None = None
        self._woken: tuple[State, datetime | None] | None = None

    # -- begin

    @classmethod
    def opened(cls, kind: AnyKind, opening: Any, at: datetime, key: str, content: str) -> RunState:
        """A subject that begins now. Raises a `Refused`."""
        procedures = {
            digest: one_procedure(digest, procedure)
            for digest, procedure in kind.procedures_of(opening).items()
        }
        events = kind.open(opening, at)
        begin = cls(kind, kind.blank(kind.subject_id(opening), events[0], procedures))
        begin.take(Step(kind.fold(begin.subject, events), events), key, content)
        return begin

    @classmethod
    def from_snapshot(cls, kind: AnyKind, snapshot: Snapshot) -> RunState:
        """A subject that lived before, of any shape. Raises ValueError for one no edition knows."""
        procedures = {
            digest: one_procedure(digest, procedure_from_json(procedure))
            for digest, procedure in snapshot.procedures.items()
        }
        begin = cls(kind, state_from_json(kind, snapshot.state, procedures))
        begin.pending = list(snapshot.pending)
        begin.unsent_procedures = set(snapshot.unsent_procedures)
        begin.ops = {op.key: op for op in snapshot.ops}
        return begin

    def snapshot(self) -> Snapshot:
        """Everything the next run needs."""
        return Snapshot(
            state=state_to_json(self.kind, self.subject),
            procedures={
                digest: procedure_to_json(procedure)
                for digest, procedure in self.subject.procedures.items()
            },
            pending=tuple(self.pending),
            unsent_procedures=tuple(sorted(self.unsent_procedures)),
            ops=tuple(self.ops.values()),
        )

    # -- what may happen

    def answered(self, key: str, content: str) -> Answer | None:
        """The answer this key got before, if it did. Raises KeyReused."""
        op = self.ops.get(key)
        if op is None:
            return None
        if op.content != content:
            raise KeyReused
        return self.answer_of(key)

    def answer_of(self, key: str) -> Answer:
        """The answer this key got. Raises KeyReused when it never came to this subject."""
        op = self.ops.get(key)
        if op is None:
            raise KeyReused
        return Answer(op.version, op.at, op.state, op.content)

    def decide(self, command: Any, at: datetime) -> Step:
        """What an act at this moment, or at the newest event if that is later, leads to.

        Raises a `Refused`.
        """
        at = max(at, self.subject.now or at)
        if len(self.pending) >= options.PENDING_EVENTS:
            raise Busy
        known = self._decided
        if known is not None and known[0] is self.subject and known[1:3] == (command, at):
            return known[3]  # a handler asks again what its validator asked just before
        events = self.kind.advance(self.subject, command, at)
        knowing = self.kind.knowing(self.subject, self.kind.procedures_of(command))
        step = Step(self.kind.fold(knowing, events), events)
        self._decided = (self.subject, command, at, step)
        return step

    def wake(self, at: datetime) -> Step:
        """What time alone leads to, everything due up to and including this moment."""
        events = self.kind.advance(self.subject, None, at)
        return Step(self.kind.fold(self.subject, events), events)

    def next_wake(self) -> datetime | None:
        """When something happens by itself; None once the subject is ended."""
        if self._woken is None or self._woken[0] is not self.subject:
            self._woken = (self.subject, self.kind.next_wake(self.subject))
        return self._woken[1]

    # -- what happened

    def take(self, step: Step, key: str = "", content: str = "") -> Answer:
        """Make a computed transition the present, and remember what this key was answered."""
        written = list(self._written(step.events, key, content))
        self.pending.extend(written)
        self.unsent_procedures.update(filter(None, map(procedure_named, step.events)))
        self.subject = step.subject
        self._decided = None
        answer = Answer(self.subject.version, _newest(step.subject), self.subject.state, content)
        if key:
            self._remember(Op(key, content, answer.version, answer.at, answer.state))
        return answer

    def _written(self, events: Iterable[Any], key: str, content: str) -> Iterable[NewEvent]:
        for seq, event in enumerate(events, start=self.subject.version + 1):
            yield NewEvent(seq, event_to_json(event), key or None, content or None)

    def _remember(self, op: Op) -> None:
        self.ops[op.key] = op
        while len(self.ops) > options.OPS_KEPT:
            del self.ops[next(iter(self.ops))]

    def followed(self, snapshot: Snapshot, known: int | None) -> RunState:
        """The subject as the ledger has it, and on top what was held beyond the first `known` events.

        With None nothing that is held is kept. Raises ValueError, or what folding raises.
        """
        anew = RunState.from_snapshot(self.kind, snapshot)
        if known is None:
            return anew
        rest = self.pending[known:]
        begin = self.kind.knowing(anew.subject, self.subject.procedures)
        anew.subject = self.kind.fold(begin, [event_from_json(event.body) for event in rest])
        if anew.subject.version != self.subject.version:
            raise ValueError("what is held does not follow what the ledger holds")
        anew.pending, anew.unsent_procedures = rest, set(self.unsent_procedures)
        for key in dict.fromkeys(event.key for event in rest if event.key):
            if key in self.ops:
                anew.ops[key] = self.ops[key]
        return anew

    # -- on its way to the database

    @property
    def projected(self) -> int:
        """The version up to which everything is in the database."""
        return self.pending[0].seq - 1 if self.pending else self.subject.version

    def batch(self, clock_offset: int) -> EventBatch:
        """What is written next, without plans: whoever opened the subject kept them before."""
        events = tuple(self.pending[: options.BATCH_EVENTS])
        return EventBatch(self.kind.name, self.subject.id, events, clock_offset)

    def with_procedures(self, batch: EventBatch) -> EventBatch:
        """The same with every plan that may not be kept yet: long, and hardly ever needed."""
        procedures = {
            digest: procedure_to_json(self.subject.procedures[digest])
            for digest in sorted(self.unsent_procedures)
        }
        return replace(batch, procedures=procedures)

    def written(self, batch: EventBatch) -> None:
        """Forget what is in the database now, and what that could not be without."""
        del self.pending[: len(batch.events)]
        self.unsent_procedures.difference_update(
            event.body[PROCEDURE_DIGEST] for event in batch.events if PROCEDURE_DIGEST in event.body
        )


def _newest(state: State) -> datetime:
    if state.now is None:  # pragma: no cover - every subject begins with an event
        raise ValueError("a subject without events")
    return state.now
