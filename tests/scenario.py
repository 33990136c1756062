"""A case under the shipped rules, told act by act, for tests of single rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from domain.case import gates
from domain.case.apply import blank, fold
from domain.case.core import advance, command_of, open_case
from domain.case.state import Case
from domain.errors import Refused
from domain.event import Event
from domain.work import events
from domain.work.subject import open_tasks
from tests.shipped import OPENS, shipped_opening

PURPOSES = ("tracing", "notify_state", "return", "medical", "reporting")
MONEY_AND_END = ("allowance", "closure", "claim", "hold_review", "bar_review")


class Told:
    """One case under the shipped rules, told act by act; time moves only by `wait`."""

    def __init__(
        self,
        corridor: str = "th-la",
        adult_on: date | None = date(2020, 1, 1),
        flags: tuple[str, ...] = (),
        opens: datetime = OPENS,
    ) -> None:
        self.at = opens
        self.opening = shipped_opening(corridor, adult_on=adult_on, flags=flags)
        self.events: list[Event] = []
        self.kept: list[Case] = []
        self.case = self.folded(0)
        self.take(open_case(self.opening, opens))

    def folded(self, count: int) -> Case:
        """The case of the first `count` events, folded anew."""
        start = blank(self.opening.case_id, self.opening.procedure, self.opening.procedure_digest)
        return fold(start, self.events[:count])

    def take(self, happened: tuple[Event, ...]) -> tuple[Event, ...]:
        for event in happened:
            self.case = fold(self.case, (event,))
            self.events.append(event)
            self.kept.append(self.case)
        return happened

    def wait(self, **some: float) -> tuple[Event, ...]:
        self.at += timedelta(**some)
        return self.take(advance(self.case, None, self.at))

    def act(self, do: str, by: str, **fields: Any) -> tuple[Event, ...]:
        fields = {"user": f"{by}.head", "reason": "text:x", **fields}
        return self.take(advance(self.case, command_of(do, by=by, **fields), self.at))

    def refused(self, do: str, by: str, **fields: Any) -> str:
        """The word of the refusal; empty when it was taken."""
        try:
            self.act(do, by, **fields)
        except Refused as no:
            return no.slug
        return ""

    def complete(self, step: str, outcome: str, **fields: Any) -> tuple[Event, ...]:
        task = self.case.work.newest(step)
        assert task is not None
        return self.act("complete", task.holder, step=step, outcome=outcome, **fields)

    def yes(self, *purposes: str, **fields: Any) -> None:
        for purpose in purposes:
            self.act("consent", "host.case", for_="person", purpose=purpose, **fields)

    def go_well(self, *leave: str, rounds: int = 8) -> None:
        """Everybody does what is open, with the first outcome of its card, but for `leave`."""
        for _ in range(rounds):
            for task in sorted(open_tasks(self.case), key=lambda t: t.key):
                if task.step in leave or task.step.startswith(MONEY_AND_END):
                    continue
                outcome = next(iter(self.case.procedure.cards[task.step].outcomes))
                paper = (self.at + timedelta(days=80)).date()
                if outcome != "handed_over":
                    self.complete(task.step, outcome, valid_until=paper)
            self.wait(minutes=10)

    def plan(self, days: int = 2) -> None:
        self.act("plan_handover", "host.focal", day=self.at + timedelta(days=days), crossing="m")

    def ready(self, *leave: str) -> None:
        """A plan for the day after tomorrow, everything done but for `leave`, and that day come."""
        self.yes(*PURPOSES)
        self.go_well(*leave)
        self.plan()
        self.go_well(*leave)
        assert self.case.handover is not None
        self.at = self.case.handover.at
        self.go_well(*leave, rounds=1)

    def open(self, gate: str) -> bool:
        return gates.state(self.case, gate, self.at, leaving=True).open

    def left(self, kind: str, to: str) -> list[events.MessageReleased]:
        found = [e for e in self.events if isinstance(e, events.MessageReleased)]
        return [e for e in found if e.kind == kind and e.to == to]
