"""Plays the acts of a story through the HTTP API, each with the token of the office that acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Self

import httpx2

from local.cache import Say
from story.model import Act, Person, Story

SENT_AS_THEY_ARE = ("step", "outcome", "reason", "decision", "purpose", "flag", "kind", "crossing")
DATES = ("due", "until", "review", "date", "valid_until", "happened")
OFFICES = ("to", "receiver", "owner", "receiving")
PATIENCE = 30.0


class NotPlayed(Exception):  # noqa: N818 - reads as what happened
    """The API refused an act of a demo story."""


class Stage:
    """One case in a running rehearsal."""

    def __init__(
        self, url: str, tokens: Mapping[str, str], offices: Mapping[str, str], name: str
    ) -> None:
        """`tokens` by office, `offices` by role; `name` makes the idempotency keys."""
        self.client = httpx2.Client(base_url=f"{url}/api/v1", timeout=PATIENCE)
        self.tokens = tokens
        self.offices = offices
        self.name = name
        self.sent = 0

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.client.close()

    def play(self, story: Story, say: Say) -> str:
        """Open the case and do every act at its moment; returns the case's reference.

        Raises NotPlayed with the API's own sentence when an act is refused. Playing again after
        an interruption repeats the same keys and does nothing twice.
        """
        opened = self._post("host.case", "/cases", _opening(story, story.persons[0]))
        case = str(opened["case"])
        for act in sorted(story.acts, key=lambda act: act.at):
            self._clock(case, act.at)
            self._post(act.by, f"/cases/{case}/acts", self._asked(act))
            say(f"  {act.at:%Y-%m-%d %H:%M}  {act.by}: {act.do} {act.step or act.purpose or ''}")
        last = max([act.at for act in story.acts] + [expect.at for expect in story.expects])
        self._clock(case, last + timedelta(seconds=2))
        return str(opened["reference"])

    def _clock(self, case: str, to: datetime) -> None:
        self._post("host.case", f"/rehearsal/cases/{case}/clock", {"to": to.isoformat()})

    def _asked(self, act: Act) -> dict[str, Any]:
        body: dict[str, Any] = {"do": act.do}
        given = {name: getattr(act, name, None) for name in (*SENT_AS_THEY_ARE, *DATES, *OFFICES)}
        for name, value in given.items():
            if value not in (None, ""):
                body[name] = self._word(name, value)
        if act.for_:
            body["for"] = self.offices.get(act.for_, act.for_)
        if act.result:
            body["result"] = dict(act.result)
        return body

    def _word(self, name: str, value: Any) -> Any:
        if isinstance(value, date | datetime):
            return value.isoformat()
        return self.offices.get(value, value) if name in OFFICES else value

    def _post(self, role: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent += 1
        answer = self.client.post(
            path,
            json=body,
            headers={
                "Authorization": f"Bearer {self.tokens[self.offices[role]]}",
                "Idempotency-Key": f"demo-{self.name}-{self.sent}",
            },
        )
        if answer.is_error:
            raise NotPlayed(
                f"{role} {path} {body.get('do', '')}: {answer.status_code} {answer.text}"
            )
        found: dict[str, Any] = answer.json()
        return found


def _opening(story: Story, person: Person) -> dict[str, Any]:
    return {
        "corridor": story.segments[0].corridor,
        "age": person.age,
        "sex": person.sex,
        "opens": story.opens.isoformat(),
        "person": {"name": f"{person.id.title()} (fictional)", "contact": "through the shelter"},
    }
