"""Whatever people do, and whenever: what must hold in every case (design.md part 4).

A state machine acts at random, lets time pass at random, and asks the same questions after each
step. `tests/shipped.py` opens the case under the shipped rules.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.case import gates
from domain.case.apply import blank, fold
from domain.case.core import advance, command_of, next_wake, open_case
from domain.case.reading import is_unknown, waits_for
from domain.case.state import Case
from domain.errors import Refused
from domain.event import Event
from domain.work import events as e
from domain.work.procedure import side_of
from domain.work.state import Task
from domain.work.subject import open_tasks
from tests.shipped import OPENS, shipped_opening
from tests.tiers import examples

BARE = {"reminder", "rung", "decision", "told", "postponed", "lapsed"}
STEERING = ["hold", "resume", "reopen", "plan_handover", "depart", "cancel"]
ON_TASK = ["accept", "decline", "withdraw", "return", "skip", "promise", "alarm", "reassign"]
PURPOSES = ["tracing", "notify_state", "return", "medical", "share", "reporting"]


class AnyCase(RuleBasedStateMachine):
    """One case in the hands of people who do anything at any time."""

    @initialize(
        corridor=st.sampled_from(["th-la", "la-th", "th-vn"]),
        age=st.sampled_from(["adult", "child", "nearly", "unknown"]),
        flags=st.sampled_from([(), ("do_not_notify_state",), ("in_danger",), ("warrant",)]),
    )
    def open(self, corridor: str, age: str, flags: tuple[str, ...]) -> None:
        adult_on = {
            "adult": date(2020, 1, 1),
            "child": date(2032, 1, 1),
            "nearly": date(2026, 3, 1),
            "unknown": None,
        }[age]
        opening = shipped_opening(corridor, adult_on=adult_on, flags=flags)
        self.opening = opening
        self.at = OPENS
        self.events: list[Event] = list(open_case(opening, OPENS))
        self.case = fold(
            blank(opening.case_id, opening.procedure, opening.procedure_digest), self.events
        )

    # -- what people do

    def act(self, do: str, by: str, **fields: Any) -> bool:
        office = self.case.work.offices.get(by)
        user = office.holder_now() if office else "nobody"
        command = command_of(do, by=by, user=user, reason="text:x", **fields)
        before = self.case
        try:
            events = advance(self.case, command, self.at)
        except Refused:
            assert self.case is before
            return False
        self.take(events)
        return True

    def take(self, events: tuple[Event, ...]) -> None:
        self.check_events(events)
        self.events.extend(events)
        self.case = fold(self.case, events)

    @rule(seconds=st.sampled_from([0, 1, 3600, 86_400, 5 * 86_400, 40 * 86_400, 200 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        self.take(advance(self.case, None, self.at))
        again = advance(self.case, None, self.at)
        assert again == (), "what was due fires exactly once"

    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        open_ones = sorted(open_tasks(self.case), key=lambda t: t.key)
        if not open_ones:
            return
        task = data.draw(st.sampled_from(open_ones), label="task")
        outcome = data.draw(
            st.sampled_from(sorted(self.case.procedure.cards[task.step].outcomes)), label="outcome"
        )
        late = data.draw(st.sampled_from([0, 3600, 86_400]), label="recorded late by")
        happened = max(self.at - timedelta(seconds=late), task.started_at)
        self.act(
            "complete",
            task.holder,
            step=task.step,
            outcome=outcome,
            happened_at=happened if happened <= self.at else None,
            valid_until=(self.at + timedelta(days=90)).date(),
            until=(self.at + timedelta(days=30)).date(),
            approved_by="second.person",
            evidence="text:new",
            result={"amount": "1000.00", "currency": "THB"},
            kind=task.about if task.step == "bar_review" else "",
        )

    @rule(
        rounds=st.integers(1, 14),
        days=st.sampled_from([0, 1, 3, 8]),
        purposes=st.sets(st.sampled_from(PURPOSES), min_size=4),
        procedure_in=st.sampled_from([0, 2, 9]),
    )
    def things_go_well(self, rounds: int, days: int, purposes: set[str], procedure_in: int) -> None:
        """Everybody does the next thing, with the first outcome of its card."""
        home = self.case.procedure.home
        who = "guardian" if self.case.is_child(self.at) else "person"
        for purpose in sorted(purposes):
            self.act("consent", f"{home}.case", for_=who, purpose=purpose)
        for _ in range(rounds):
            for task in sorted(open_tasks(self.case), key=lambda t: t.key):
                if task.step in {"closure", "hold_review", "bar_review"}:
                    continue
                self.complete_as(task, next(iter(self.case.procedure.cards[task.step].outcomes)))
            self.at += timedelta(days=days)
            self.take(advance(self.case, None, self.at))
            if self.case.handover is None and not self.case.handed_over:
                day = self.at + timedelta(days=procedure_in)
                self.act("plan_handover", f"{home}.focal", day=day, crossing="bridge")

    def complete_as(self, task: Task, outcome: str) -> bool:
        return self.act(
            "complete",
            task.holder,
            step=task.step,
            outcome=outcome,
            valid_until=(self.at + timedelta(days=90)).date(),
            until=(self.at + timedelta(days=30)).date(),
            approved_by="second.person",
            result={"amount": "1000.00", "currency": "THB"},
        )

    @rule(data=st.data(), do=st.sampled_from(ON_TASK))
    def on_task(self, data: st.DataObject, do: str) -> None:
        step = data.draw(st.sampled_from(sorted(self.case.procedure.cards)), label="step")
        by = data.draw(st.sampled_from(sorted(self.case.work.offices)), label="by")
        to = data.draw(st.sampled_from(sorted(self.case.work.offices)), label="to")
        self.act(
            do,
            by,
            step=step,
            to=to,
            kind=data.draw(st.sampled_from(["in_danger", "gone"])),
            day=(self.at + timedelta(days=3)).date(),
        )

    @rule(data=st.data(), decision=st.sampled_from(["extend", "reassign", "waive", "refer_up"]))
    def decide(self, data: st.DataObject, decision: str) -> None:
        asked = [t for t in open_tasks(self.case) if t.escalation == "open" and t.deciders]
        if not asked:
            return
        task = data.draw(st.sampled_from(sorted(asked, key=lambda t: t.key)), label="task")
        self.act(
            "decide",
            task.deciders[-1],
            step=task.step,
            decision=decision,
            due=(self.at + timedelta(days=20)).date(),
            to=f"{self.case.procedure.home}.case",
        )

    @rule(purpose=st.sampled_from(PURPOSES), guardian=st.booleans())
    def consent(self, purpose: str, guardian: bool) -> None:
        self.act(
            "consent",
            f"{self.case.procedure.home}.case",
            for_="guardian" if guardian else "person",
            purpose=purpose,
        )

    @rule(purpose=st.sampled_from(PURPOSES))
    def withdraw_consent(self, purpose: str) -> None:
        self.act("withdraw_consent", f"{self.case.procedure.home}.case", purpose=purpose)

    @rule(
        flag=st.sampled_from(["do_not_notify_state", "in_danger", "detained", "warrant"]),
        do=st.sampled_from(["flag", "unflag"]),
    )
    def flag(self, flag: str, do: str) -> None:
        warrant_before = self.case.work.outcome("screening")
        self.act(do, f"{self.case.procedure.home}.case", flag=flag)
        assert self.case.work.outcome("screening") == warrant_before, (
            "screening and warrant are apart"
        )

    @rule(kind=st.sampled_from(["witness", "court"]), do=st.sampled_from(["bar", "lift_bar"]))
    def bar(self, kind: str, do: str) -> None:
        by = f"{self.case.procedure.home}.prosecutor"
        self.act(do, by, kind=kind, review=(self.at + timedelta(days=30)).date())

    @rule(do=st.sampled_from(STEERING))
    def steer(self, do: str) -> None:
        shut = self.shut_gates()
        happened = self.act(
            do,
            f"{self.case.procedure.home}.focal",
            until=(self.at + timedelta(days=30)).date(),
            day=self.at + timedelta(days=5),
            crossing="bridge",
        )
        if do == "depart" and happened:
            assert not shut, "no departure through a closed gate"

    @rule(status=st.sampled_from(["open", "closed"]))
    def crossing(self, status: str) -> None:
        self.act("world_crossing", "admin", crossing="bridge", status=status)

    @rule(data=st.data())
    def post(self, data: st.DataObject) -> None:
        office = self.case.work.offices[data.draw(st.sampled_from(sorted(self.case.work.offices)))]
        vacant = data.draw(st.booleans(), label="vacant")
        self.act("world_post", "admin", office=replace(office, vacant=vacant))

    # -- what must hold

    def shut_gates(self) -> list[str]:
        return [
            gate
            for gate in gates.ALL
            if not gates.state(self.case, gate, self.at, leaving=True).open
        ]

    def check_events(self, events: tuple[Event, ...]) -> None:
        case = self.case
        for event in events:
            self.check_event(case, event)
            after = fold(case, (event,))
            self.check_gates_by_skip(case, after, event)
            case = after

    def check_event(self, case: Case, event: Event) -> None:
        timer = isinstance(event, e.Reminded | e.RungFired | e.IdleFound)
        assert not (timer and case.ended), "timers of an ended case never fire"
        if isinstance(event, e.TaskDone) and event.outcome == "handed_over":
            shut = [
                gate
                for gate in gates.ALL
                if not gates.state(case, gate, event.happened_at, leaving=True).open
            ]
            assert not shut, f"no departure through a closed gate: {shut}"
        if isinstance(event, e.MessageReleased):
            self.check_message(case, event)
        if isinstance(event, e.EscalationDecided):
            assert event.by, "an escalation is decided by somebody"

    def check_message(self, case: Case, event: e.MessageReleased) -> None:
        office = case.work.offices[event.to]
        assert not office.excluded
        home = case.procedure.home
        if side_of(office.role) == "origin" and home != "origin":
            assert "do_not_notify_state" not in case.person.flags, "her country is not told"
        if event.kind in BARE:
            assert set(event.carries) <= {"reference", "step", "late_days"}

    def check_gates_by_skip(self, before: Case, after: Case, event: Event) -> None:
        if not isinstance(event, e.TaskSkipped | e.EscalationDecided):
            return
        for gate in gates.ALL:
            was = gates.state(before, gate, event.at).open
            assert was or not gates.state(after, gate, event.at).open, f"skip opened {gate}"

    @invariant()
    def it_is_never_dead(self) -> None:
        if self.case.ended:
            assert next_wake(self.case) is None
            return
        something_open = next(open_tasks(self.case), None) is not None
        assert something_open or self.case.work.idle_since is not None
        assert waits_for(self.case, self.at).text
        due_again = next_wake(self.case)
        assert due_again is None or due_again >= self.at, f"left lying: {due_again}"

    @invariant()
    def it_folds_to_the_same_state(self) -> None:
        case = fold(
            blank(self.opening.case_id, self.opening.procedure, self.opening.procedure_digest),
            self.events,
        )
        assert case == self.case
        assert case.version == len(self.events)

    @invariant()
    def it_shows_silence_as_unknown(self) -> None:
        for task in open_tasks(self.case):
            if is_unknown(self.case, task, self.at):
                assert task.outcome == ""

    @precondition(lambda self: self.case.work.on_hold)
    @invariant()
    def it_has_a_review_while_on_hold(self) -> None:
        if not self.case.ended:
            review = self.case.work.newest("hold_review")
            assert review is not None


AnyCase.TestCase.settings = settings(
    max_examples=examples(quick=15, nightly=60),
    stateful_step_count=40,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),  # elsewhere every run looks further
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAnyCase = pytest.mark.slow(15, "a state machine: many cases, each of forty steps")(
    AnyCase.TestCase
)
