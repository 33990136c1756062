"""Whatever people send, in whatever order and however often: the API and the ledger say the same.

A state machine over HTTP: random people, acts, times, keys and repeats, against the real stack.
Other seeds: `HOMEWARD_MACHINE_SEED=7 HOMEWARD_MACHINE_RUNS=30`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.json.schemas.cases import case_shape
from domain.case.core import advance, next_wake
from domain.case.reading import shown_state, waits_for
from domain.case.state import Case
from domain.kinds import CASE
from domain.work.subject import open_tasks
from records import cases, ledger, loading
from tests.api.conftest import CAST, Running, new_key
from tests.tiers import examples

SEED = os.environ.get("HOMEWARD_MACHINE_SEED", "")
RUNS = int(os.environ.get("HOMEWARD_MACHINE_RUNS") or examples(quick=6, nightly=18))
STEPS = 25
OPENS = "2026-02-02T09:00:00+07:00"
TRIES = 6  # of a request that got no answer; "it is safe to send this again with the same key"

PEOPLE = [user for user, _, _ in CAST]
OFFICE_OF = {user: office for user, office, _ in CAST}
CARE = ["mali", "psdhs", "nida", "anan"]
STEERING = ["hold", "resume", "extend", "reassign", "skip", "cancel", "reopen", "withdraw", "close"]
ROAD = ["plan_handover", "depart", "adopt_rules", "return"]
OF_THE_PERSON = ["consent", "withdraw_consent", "flag", "unflag", "bar", "lift_bar", "correct"]
WITH_A_ROUTE = ["accept", "decline", "complete", "note", "promise", "alarm"]
NEVER_BY_HABIT = {"closure", "hold_review", "bar_review"}
PURPOSES = ["tracing", "notify_state", "return", "medical", "share", "reporting"]
SECONDS = [0, 60, 3600, 86_400, 6 * 86_400, 45 * 86_400, 200 * 86_400]


@dataclass(frozen=True)
class Sent:
    """A request that was answered with success, and the answer."""

    who: str
    path: str
    body: dict[str, Any]
    key: str
    status: int
    answer: dict[str, Any]


class AnyHands(RuleBasedStateMachine):
    """One case behind the API, in the hands of people who send anything at any time."""

    api: Running
    seen: set[str]  # kinds of events over all runs

    @initialize(
        corridor=st.sampled_from(["th-la", "th-la", "th-vn", "la-th"]),
        age=st.sampled_from([24, 24, 9, 17, "unknown"]),
        flags=st.sampled_from([[], [], ["do_not_notify_state"], ["in_danger"], ["warrant"]]),
    )
    def open(self, corridor: str, age: int | str, flags: list[str]) -> None:
        self.sent: list[Sent] = []
        self.version = 0
        body = {
            "corridor": corridor,
            "age": age,
            "flags": flags,
            "person": {"name": "Noi"},
            "opens": OPENS,
        }
        self.case_id = ""
        done = self.send("mali", "/cases", body)
        assert done is not None
        self.case_id = done["case"]

    # -- sending

    def send(
        self, who: str, path: str, body: dict[str, Any], key: str | None = None
    ) -> dict[str, Any] | None:
        """Send a change, again where nothing answered; None when it was refused in plain words."""
        key = key or new_key()
        status, answer = self.ask(who, path, body, key)
        if status >= 300:
            assert 400 <= status < 500, (status, answer)
            assert {"type", "title", "status", "detail"} <= set(answer)
            return None
        if answer["case"] == (self.case_id or answer["case"]):
            assert answer["version"] >= self.version or key in {s.key for s in self.sent}
            self.version = max(self.version, answer["version"])
            if not path.startswith("/rehearsal"):
                self.sent.append(Sent(who, path, body, key, status, answer))
        return answer

    def ask(
        self, who: str, path: str, body: dict[str, Any], key: str
    ) -> tuple[int, dict[str, Any]]:
        for _ in range(TRIES):
            got = self.api.person(who).do(path, body, key)
            if got.status_code != 503:
                break
            assert int(got.headers["Retry-After"]) > 0
            time.sleep(1)
        assert got.status_code < 500, got.text
        found: dict[str, Any] = got.json()
        return got.status_code, found

    def shown(self) -> dict[str, Any]:
        got = self.api.mali.read(f"/cases/{self.case_id}", at_least=self.version)
        assert got.status_code == 200, got.text
        found: dict[str, Any] = got.json()
        return found

    def act(self, who: str, **body: Any) -> dict[str, Any] | None:
        return self.send(who, f"/cases/{self.case_id}/acts", body)

    # -- what people do

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: int) -> None:
        to = datetime.fromisoformat(self.shown()["now"]) + timedelta(seconds=seconds)
        self.move(to)

    def move(self, to: datetime) -> None:
        path = f"/rehearsal/cases/{self.case_id}/clock"
        assert self.send("mali", path, {"to": to.isoformat()}) is not None

    @rule(
        rounds=st.integers(1, 4),
        days=st.sampled_from([0, 1, 8]),
        purposes=st.sets(st.sampled_from(PURPOSES), min_size=4),
    )
    def things_go_well(self, rounds: int, days: int, purposes: set[str]) -> None:
        """Everybody does the next thing, with the first outcome of its card."""
        for purpose in sorted(purposes):
            self.act("mali", do="consent", purpose=purpose)
        for _ in range(rounds):
            shown = self.shown()
            for step in open_steps(shown):
                if step["outcomes"] and step["step"] not in NEVER_BY_HABIT:
                    self.complete_as_best(shown, step)
            now = datetime.fromisoformat(shown["now"])
            self.move(now + timedelta(days=days))
            day = (now + timedelta(days=days + 9)).isoformat()
            if shown["handover"] is None:
                self.act("nida", do="plan_handover", date=day, crossing="nong-khai")

    def complete_as_best(self, shown: dict[str, Any], step: dict[str, Any]) -> None:
        body = {"do": "complete", "step": step["step"], "outcome": step["outcomes"][0]}
        body |= whatever_is_needed(datetime.fromisoformat(shown["now"]))
        own = [who for who in PEOPLE if OFFICE_OF[who] == step["holder"]]
        for who in own or ["mali", "nida"]:
            if self.act(who, **body, **({} if own else {"for": step["holder"]})):
                return

    @rule(
        data=st.data(),
        who=st.sampled_from(PEOPLE),
        do=st.sampled_from([*WITH_A_ROUTE, "complete", "complete"]),
        by_route=st.booleans(),
    )
    def on_a_task(self, data: st.DataObject, who: str, do: str, by_route: bool) -> None:
        shown = self.shown()
        step = data.draw(st.sampled_from(open_steps(shown) or shown["procedure"]), label="step")
        now = datetime.fromisoformat(shown["now"])
        held = [user for user in PEOPLE if OFFICE_OF[user] == step["holder"]]
        by_them: bool = data.draw(st.booleans(), label="by somebody who may")
        if held and by_them:
            who = held[0]
        body: dict[str, Any] = fields_of(do, step, now, data)
        if data.draw(st.sampled_from([False, False, True]), label="for another"):
            body["for"] = step["holder"] or "host.case"
        if data.draw(st.booleans(), label="as seen"):
            body["version"] = max(0, shown["version"] - data.draw(st.sampled_from([0, 0, 3])))
        happened = data.draw(st.sampled_from([None, None, 0, 3600, 3 * 86_400, -86_400]))
        if happened is not None:
            body["happened"] = (now - timedelta(seconds=happened)).isoformat()
        if by_route:
            self.send(who, f"/tasks/{self.case_id}/{step['step']}/{do}", body)
        else:
            self.act(who, do=do, step=step["step"], **body)

    @rule(
        data=st.data(),
        who=st.sampled_from([*CARE, *CARE, *PEOPLE]),
        do=st.sampled_from([*STEERING, *ROAD, *OF_THE_PERSON]),
    )
    def steer(self, data: st.DataObject, who: str, do: str) -> None:
        shown = self.shown()
        now = datetime.fromisoformat(shown["now"])
        body: dict[str, Any] = {"reason": "as agreed", **whatever_is_needed(now)}
        body |= {
            "step": data.draw(st.sampled_from(open_steps(shown) or shown["procedure"]))["step"],
            "to": data.draw(st.sampled_from([o["office"] for o in shown["offices"]])),
            "purpose": data.draw(st.sampled_from(PURPOSES)),
            "flag": data.draw(st.sampled_from(["do_not_notify_state", "medical", "in_danger"])),
            "kind": data.draw(st.sampled_from(["witness", "court"])),
            "due": (now + timedelta(days=20)).date().isoformat(),
            "date": (now + timedelta(days=5)).isoformat(),
            "crossing": "nong-khai",
            "fact": "born",
            "value": data.draw(st.sampled_from(["2001-05-06", "2012-05-06"])),
        }
        for name in data.draw(st.sets(st.sampled_from(sorted(body)), max_size=2), label="left out"):
            del body[name]
        self.act(who, do=do, **body)

    @rule(data=st.data(), decision=st.sampled_from(["extend", "reassign", "waive", "refer_up"]))
    def decide(self, data: st.DataObject, decision: str) -> None:
        shown = self.shown()
        asked = [step for step in shown["procedure"] if step["deciders"]]
        if not asked:
            return
        step = data.draw(st.sampled_from(asked), label="step")
        may = [who for who in PEOPLE if OFFICE_OF[who] in step["deciders"]]
        body = {
            "decision": decision,
            "reason": "the road is cut",
            "due": (datetime.fromisoformat(shown["now"]) + timedelta(days=9)).date().isoformat(),
            "to": "host.case",
        }
        self.send((may or ["anan"])[0], f"/escalations/{self.case_id}/{step['step']}/decide", body)

    # -- the same again

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def it_is_sent_again(self, data: st.DataObject) -> None:
        self.answers_the_same(data.draw(st.sampled_from(self.sent), label="once more"))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def its_key_is_used_for_something_else(self, data: st.DataObject) -> None:
        self.refuses_another_content(data.draw(st.sampled_from(self.sent), label="key of"))

    @precondition(lambda self: self.case_id and len(self.sent) > 1)
    @rule(data=st.data(), who=st.sampled_from(CARE))
    def another_person_uses_the_same_key(self, data: st.DataObject, who: str) -> None:
        first = data.draw(st.sampled_from(self.sent[1:]), label="key of")
        if who == first.who or any(s.who == who and s.key == first.key for s in self.sent):
            return
        status, answer = self.ask(who, first.path, first.body, first.key)
        assert answer.get("type") != "key-reused", "another person's same key is another act"
        if status < 300:
            self.version = max(self.version, answer["version"])
            self.sent.append(Sent(who, first.path, first.body, first.key, status, answer))

    def answers_the_same(self, first: Sent) -> None:
        again = self.ask(first.who, first.path, first.body, first.key)
        assert again == (first.status, first.answer)

    def refuses_another_content(self, first: Sent) -> None:
        other = {**first.body, "version": 2**31 - 2}
        if first.path == "/cases":
            other = {**first.body, "sex": "male"}
        status, answer = self.ask(first.who, first.path, other, first.key)
        assert (status, answer["type"]) == (409, "key-reused")

    # -- what must hold after each run

    def teardown(self) -> None:
        if not getattr(self, "case_id", ""):
            return
        for first in self.sent:
            self.answers_the_same(first)
        self.refuses_another_content(self.sent[-1])
        case = self.the_ledger_is_what_the_api_shows()
        if not case.ended:
            self.it_is_not_dead(case)
            self.the_ledger_is_what_the_api_shows()

    def the_ledger_is_what_the_api_shows(self) -> Case:
        shown = self.shown()
        with self.api.database.begin() as connection:
            rows = ledger.read(connection, self.case_id)
            assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
            assert ledger.verify(connection, self.case_id) == []
            told = ledger.events_of(connection, self.case_id)
            case: Case = loading.fold_on(connection, CASE, self.case_id, None, told).state
            view = cases.find(connection, self.case_id)
        assert view is not None
        assert view.version == case.version == shown["version"] == len(rows)
        assert view.status == shown_state(case) == shown["status"]
        now = datetime.fromisoformat(shown["now"])
        assert waits_for(case, now).text == shown["waits_for"]
        assert case_shape(case, view, now, {}).model_dump(mode="json") == {**shown, "can": {}}
        self.seen.update(row.kind for row in rows)
        self.every_act_is_there_once(rows)
        return case

    def every_act_is_there_once(self, rows: list[ledger.LedgerRow]) -> None:
        keys = [row.key for row in rows if row.key]
        begun = [key for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
        assert len(begun) == len(set(begun)), "an act happened twice"
        assert all(1 <= sent.answer["version"] <= len(rows) for sent in self.sent)
        posts = sum(row.kind == "PostChanged" for row in rows)
        assert len(self.sent) <= len(set(keys)) <= len(self.sent) + posts

    def it_is_not_dead(self, case: Case) -> None:
        """Somebody is asked or somebody will be told, and when its time comes it happens."""
        assert next(open_tasks(case), None) is not None or case.work.idle_since is not None
        shown = self.shown()
        assert shown["waits_for"]
        wake = next_wake(case)
        if wake is None:
            assert shown["turn"] != "nobody"
            return
        comes = advance(case, None, wake)
        assert comes, "a timer for nothing"
        self.move(max(wake, datetime.fromisoformat(shown["now"])) + timedelta(minutes=1))
        assert self.shown()["version"] >= case.version + len(comes)


def open_steps(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in shown["procedure"] if step["state"] in {"offered", "accepted"}]


def whatever_is_needed(now: datetime) -> dict[str, Any]:
    """What some outcome or act of the rules asks for; the others do not mind."""
    return {
        "valid_until": (now + timedelta(days=90)).date().isoformat(),
        "until": (now + timedelta(days=30)).date().isoformat(),
        "review": (now + timedelta(days=30)).date().isoformat(),
        "approved_by": "psdhs",
        "result": {"amount": "1000.00", "currency": "THB", "evidence": "a letter", "said": "yes"},
    }


def fields_of(do: str, step: dict[str, Any], now: datetime, data: st.DataObject) -> dict[str, Any]:
    """The fields that the route of an act takes."""
    if do == "complete":
        outcomes = [*step["outcomes"], *step["outcomes"], "flown"]
        return whatever_is_needed(now) | {
            "outcome": data.draw(st.sampled_from(outcomes), label="outcome"),
            "reason": "told by telephone",
        }
    return {
        "accept": {},
        "decline": {"reason": "no bed"},
        "note": {"note": "she sleeps badly"},
        "promise": {"date": (now + timedelta(days=3)).date().isoformat()},
        "alarm": {"kind": data.draw(st.sampled_from(["in_danger", "gone", "refuses"]))},
    }[do]


def chosen() -> settings:
    return settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not SEED,
        phases=(Phase.generate,),  # on a running stack a shorter failure is not worth an hour
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow(60, "a state machine: whole cases, lived through a running API")
def test_it_shows_what_the_ledger_holds_whatever_people_send(api: Running) -> None:
    seen: set[str] = set()
    machine = type("Machine", (AnyHands,), {"api": api, "seen": seen})
    run_state_machine_as_test(seed(int(SEED))(machine) if SEED else machine, settings=chosen())
    # It would hold of a machine that does nothing, too.
    assert {"TaskDone", "RungFired", "ConsentGiven"} <= seen, seen
