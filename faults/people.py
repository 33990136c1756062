"""People who work on cases over HTTP while everything breaks, and repeat what was not answered.

They note every answer they got: `checks.py` holds the system to it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from domain.work.procedure import Procedure

CORRIDOR = "th-la"
HOME = "th-ubon-case"
OPENS = "2026-02-02T09:00:00+07:00"
GIVE_UP_SECONDS = 150.0
REQUEST_SECONDS = 20.0
AGAIN_SECONDS = 0.3
UNANSWERED = frozenset({502, 503, 504})


class NeverAnswered(Exception):  # noqa: N818 - that is what is wrong
    """A request was repeated for minutes and nobody ever answered it."""


@dataclass(frozen=True)
class Kept:
    """A change that was answered with 2xx: the request as it was sent, and the version."""

    office: str
    path: str
    body: dict[str, Any]
    key: str
    version: int


@dataclass
class Worked:
    """One case as its people know it."""

    case_id: str
    at: datetime  # on the case's own clock
    step: str
    holder: str
    status: str
    kept: list[Kept] = field(default_factory=list)


class People:
    """Everybody who works, with one pool of connections. `chance` is the run's own."""

    def __init__(
        self, url: str, tokens: dict[str, str], procedure: Procedure, chance: random.Random
    ) -> None:
        """Nobody acts yet."""
        self._tokens = tokens
        self._plan = procedure
        self.chance = chance
        self.cases: list[Worked] = []
        self.seen: Counter[str] = Counter()  # statuses and slugs of all final answers
        self.repeated = 0
        self.wrong: list[str] = []  # answers nobody should ever get
        limits = httpx2.Limits(max_connections=64)
        self._http = httpx2.AsyncClient(base_url=url, timeout=REQUEST_SECONDS, limits=limits)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def open(self) -> Worked:
        """Open a case."""
        body = {
            "corridor": CORRIDOR,
            "age": 24,
            "sex": "female",
            "opens": OPENS,
            "person": {"name": "Somebody"},
        }
        key = self._key()
        answer = await self.send(HOME, "/cases", body, key)
        if answer.status_code != 201:
            raise NeverAnswered(f"a case could not be opened: {answer.text}")
        told = answer.json()
        case = Worked(told["case"], _moment(told["recorded_at"]), "", "", "")
        self._learn(case, told)
        case.kept.append(Kept(HOME, "/cases", body, key, told["version"]))
        self.cases.append(case)
        return case

    async def work(self, case: Worked) -> None:
        """Do one thing to a case: mostly something sensible, sometimes let days pass."""
        if self.chance.random() < 0.3:
            await self.let_time_pass(case)
            return
        office, path, body = self._something(case)
        await self.change(case, office, path, body)

    async def change(self, case: Worked, office: str, path: str, body: dict[str, Any]) -> bool:
        """Send one change until it is answered; True when it was accepted."""
        key = self._key()
        answer = await self.send(office, path, body, key)
        if answer.is_success:
            told = answer.json()
            case.kept.append(Kept(office, path, body, key, told["version"]))
            self._learn(case, told)
        return bool(answer.is_success)

    async def note(self, case: Worked) -> bool:
        """The smallest change: True when the case accepted it."""
        if case.status in {"closed", "cancelled"}:
            body = {"do": "reopen", "reason": "SeenCase at again."}
            if not await self.change(case, HOME, f"/cases/{case.case_id}/acts", body):
                return False
        acts = f"/cases/{case.case_id}/acts"
        for do in ("flag", "unflag"):  # whichever it is, the other one may be refused
            if await self.change(case, HOME, acts, {"do": do, "flag": "in_danger"}):
                return True
        return False

    async def let_time_pass(self, case: Worked) -> None:
        """Move the case's clock, so that its timers fire."""
        days = self.chance.choice((0.04, 1, 3, 8, 20))
        case.at += timedelta(days=days)
        path = f"/rehearsal/cases/{case.case_id}/clock"
        answer = await self.send(HOME, path, {"to": case.at.isoformat()}, self._key())
        if answer.is_success:
            self._learn(case, answer.json())

    async def send(self, office: str, path: str, body: Any, key: str) -> httpx2.Response:
        """Post until there is an answer, always with the same key."""
        headers = {"Authorization": f"Bearer {self._tokens[office]}", "Idempotency-Key": key}
        until = time.monotonic() + GIVE_UP_SECONDS
        last = ""
        while time.monotonic() < until:
            try:
                answer = await self._http.post(f"/api/v1{path}", json=body, headers=headers)
            except httpx2.HTTPError as away:
                last = type(away).__name__
            else:
                if answer.status_code not in UNANSWERED:
                    self._note(path, answer)
                    return answer
                last = answer.text
            self.repeated += 1
            await asyncio.sleep(AGAIN_SECONDS * (0.5 + self.chance.random()))
        raise NeverAnswered(f"{path} {body}: {last}")

    def _note(self, path: str, answer: httpx2.Response) -> None:
        slug = "" if answer.is_success else str(answer.json().get("type"))
        self.seen[f"{answer.status_code} {slug}".strip()] += 1
        if answer.status_code >= 500 or answer.status_code in {401, 403, 404}:
            self.wrong.append(f"{path}: {answer.text}")

    def _learn(self, case: Worked, told: dict[str, Any]) -> None:
        case.step, case.holder, case.status = told["step"], told["holder"], told["status"]
        case.at = max(case.at, _moment(told["recorded_at"]))

    def _key(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"

    def _something(self, case: Worked) -> tuple[str, str, dict[str, Any]]:
        """What to do next, by whoever may: (office, path, body). A refusal is a good answer."""
        acts, chance = f"/cases/{case.case_id}/acts", self.chance.random()
        if case.status in {"closed", "cancelled"}:
            return HOME, acts, {"do": "reopen", "reason": "It is not over."}
        if case.status == "on_hold":
            return HOME, acts, {"do": "resume", "reason": "It goes on."}
        if chance < 0.05:
            until = (case.at + timedelta(days=9)).date().isoformat()
            return HOME, acts, {"do": "hold", "until": until, "reason": "The road is cut."}
        if chance < 0.35 or case.step not in self._plan.cards:
            flag = self.chance.choice(("in_danger", "warrant"))
            return HOME, acts, {"do": self.chance.choice(("flag", "unflag")), "flag": flag}
        office, body = self._by_holder(case)
        if chance < 0.55:
            return office, acts, {**body, "do": "note", "note": "We asked again."}
        if chance < 0.65:
            return office, acts, {**body, "do": "accept"}
        if chance < 0.72:
            day = (case.at + timedelta(days=4)).date().isoformat()
            return office, acts, {**body, "do": "promise", "date": day}
        outcome = self.chance.choice(sorted(self._plan.cards[case.step].outcomes) or ["done"])
        more = {
            "do": "complete",
            "outcome": outcome,
            "reason": "As agreed.",
            "valid_until": (case.at + timedelta(days=60)).date().isoformat(),
            "until": (case.at + timedelta(days=30)).date().isoformat(),
            "result": {"amount": "1000.00", "currency": "THB"},
        }
        return office, acts, {**body, **more}

    def _by_holder(self, case: Worked) -> tuple[str, dict[str, Any]]:
        if case.holder in self._tokens:
            return case.holder, {"step": case.step}
        return HOME, {"step": case.step, "for": case.holder or "person"}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
