"""A case as one run holds it: its state, the keys it answered, what is not yet in the database.

It knows neither clock nor engine: every moment is given. Whatever fails here changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.act import AnyCommand
from domain.case.acts.steering import ADOPT_RULES
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.core import advance, next_wake, open_case
from domain.case.events import CaseOpened
from domain.case.state import Case
from domain.errors import Refused
from domain.event import Event
from domain.work.events import RulesAdopted
from workflows import options
from workflows.encoding import (
    PROCEDURE_DIGEST,
    case_from_json,
    case_to_json,
    event_from_json,
    event_to_json,
    one_procedure,
    procedure_from_json,
    procedure_to_json,
)
from workflows.messages import BUSY, KEY_REUSED, Answer, NewEvent, Op, Snapshot
from workflows.ports import Batch


class KeyReused(Refused):
    """The same key came before, with something else."""

    slug = KEY_REUSED
    status = 409
    title = "This key was used for something else"


class Busy(Refused):
    """Too much of this case is not yet in the database."""

    slug = BUSY
    status = 503
    title = "The database is away; please send this again a little later"


@dataclass(frozen=True, slots=True)
class Step:
    """A transition, computed and not yet taken."""

    case: Case
    events: tuple[Event, ...]


class RunState:
    """The present of one case. `decide` and `wake` compute, `take` assigns."""

    def __init__(self, case: Case) -> None:
        """Begin with a case of which everything is in the database."""
        self.case = case
        self.pending: list[NewEvent] = []
        self.unsent_procedures: set[str] = set()
        self.ops: dict[str, Op] = {}
        # What was computed of the present, for whoever asks again; of nothing but arguments.
        self._decided: tuple[Case, AnyCommand, datetime, Step] | None = None
        self._woken: tuple[Case, datetime | None] | None = None

    # -- begin

    @classmethod
    def opened(cls, opening: OpenCase, at: datetime, key: str, content: str) -> RunState:
        """A first report. Raises a `Refused`."""
        procedure = one_procedure(opening.procedure_digest, opening.procedure)
        state = cls(blank(opening.case_id, procedure, opening.procedure_digest))
        events = open_case(opening, at)
        state.take(Step(fold(state.case, events), events), key, content)
        return state

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> RunState:
        """A case that lived before, of any shape. Raises ValueError for one no edition knows."""
        procedures = {
            digest: one_procedure(digest, procedure_from_json(procedure))
            for digest, procedure in snapshot.procedures.items()
        }
        state = cls(case_from_json(snapshot.case, procedures))
        state.pending = list(snapshot.pending)
        state.unsent_procedures = set(snapshot.unsent_procedures)
        state.ops = {op.key: op for op in snapshot.ops}
        return state

    def snapshot(self) -> Snapshot:
        """Everything the next run needs."""
        return Snapshot(
            case=case_to_json(self.case),
            procedures={
                digest: procedure_to_json(procedure)
                for digest, procedure in self.case.procedures.items()
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
        """The answer this key got. Raises KeyReused when it never came to this case."""
        op = self.ops.get(key)
        if op is None:
            raise KeyReused
        return Answer(op.version, op.at, op.state, op.content)

    def decide(self, command: AnyCommand, at: datetime) -> Step:
        """What an act at this moment, or at the newest event if that is later, leads to.

        Raises a `Refused`.
        """
        at = max(at, self.case.now or at)
        if len(self.pending) >= options.PENDING_EVENTS:
            raise Busy
        known = self._decided
        if known is not None and known[0] is self.case and known[1:3] == (command, at):
            return known[3]  # a handler asks again what its validator asked just before
        events = advance(self.case, command, at)
        step = Step(fold(self._knowing(command), events), events)
        self._decided = (self.case, command, at, step)
        return step

    def wake(self, at: datetime) -> Step:
        """What time alone leads to, everything due up to and including this moment."""
        events = advance(self.case, None, at)
        return Step(fold(self.case, events), events)

    def next_wake(self) -> datetime | None:
        """When something happens by itself; None once the case is ended."""
        if self._woken is None or self._woken[0] is not self.case:
            self._woken = (self.case, next_wake(self.case))
        return self._woken[1]

    def _knowing(self, command: AnyCommand) -> Case:
        if command.do != ADOPT_RULES.name:
            return self.case
        return replace(
            self.case,
            procedures={
                **self.case.procedures,
                command.body.procedure_digest: command.body.procedure,
            },
        )

    # -- what happened

    def take(self, step: Step, key: str = "", content: str = "") -> Answer:
        """Make a computed transition the present, and remember what this key was answered."""
        written = list(self._written(step.events, key, content))
        self.pending.extend(written)
        self.unsent_procedures.update(
            event.procedure_digest
            for event in step.events
            if isinstance(event, CaseOpened | RulesAdopted)
        )
        self.case = step.case
        self._decided = None
        answer = Answer(self.case.version, _newest(step.case), self.case.state, content)
        if key:
            self._remember(Op(key, content, answer.version, answer.at, answer.state))
        return answer

    def _written(self, events: Iterable[Event], key: str, content: str) -> Iterable[NewEvent]:
        for seq, event in enumerate(events, start=self.case.version + 1):
            yield NewEvent(seq, event_to_json(event), key or None, content or None)

    def _remember(self, op: Op) -> None:
        self.ops[op.key] = op
        while len(self.ops) > options.OPS_KEPT:
            del self.ops[next(iter(self.ops))]

    def followed(self, snapshot: Snapshot, known: int | None) -> RunState:
        """The case as the ledger has it, and on top what was held beyond the first `known` events.

        With None nothing that is held is kept. Raises ValueError, or what folding raises.
        """
        anew = RunState.from_snapshot(snapshot)
        if known is None:
            return anew
        rest = self.pending[known:]
        procedures = {**self.case.procedures, **anew.case.procedures}
        begin = replace(anew.case, procedures=procedures)
        anew.case = fold(begin, [event_from_json(event.body) for event in rest])
        if anew.case.version != self.case.version:
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
        return self.pending[0].seq - 1 if self.pending else self.case.version

    def batch(self, clock_offset: int) -> Batch:
        """What is written next, without plans: whoever opened the case kept them before."""
        return Batch(self.case.id, tuple(self.pending[: options.BATCH_EVENTS]), clock_offset)

    def with_procedures(self, batch: Batch) -> Batch:
        """The same with every plan that may not be kept yet: long, and hardly ever needed."""
        procedures = {
            digest: procedure_to_json(self.case.procedures[digest])
            for digest in sorted(self.unsent_procedures)
        }
        return replace(batch, procedures=procedures)

    def written(self, batch: Batch) -> None:
        """Forget what is in the database now, and what that could not be without."""
        del self.pending[: len(batch.events)]
        self.unsent_procedures.difference_update(
            event.body[PROCEDURE_DIGEST] for event in batch.events if PROCEDURE_DIGEST in event.body
        )


def _newest(case: Case) -> datetime:
    if case.now is None:  # pragma: no cover - every case begins with an event
        raise ValueError("a case without events")
    return case.now
