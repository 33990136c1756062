"""Where a story is played: the few things a stage can do, and the stage that is the core itself.

A stage moves cases and gives back what happened; it judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from domain.act import AnyCommand
from domain.case.acts.steering import ADOPT_RULES
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.core import advance, open_case
from domain.case.state import Case
from domain.errors import Refused
from domain.event import Event


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act was refused: a word of stories.md 2.7 and a sentence."""

    slug: str
    sentence: str


class Stage(Protocol):
    """The core or the engine, as the player needs it. `person` is the id in the story."""

    name: str
    patience: timedelta  # how long after its moment an expectation may come true, without `within`

    def open(self, person: str, opening: OpenCase, at: datetime) -> None:
        """Open the person's case."""

    def act(self, person: str, command: AnyCommand, at: datetime) -> Refusal | None:
        """Do it at `at`, after all that is due before; None when it was taken."""

    def run_to(self, person: str, at: datetime) -> None:
        """Let everything happen that is due up to and including `at`."""

    def events(self, person: str) -> Sequence[Event]:
        """Everything that has happened in the case, in order."""

    def disturb(self, do: str, at: datetime) -> None:
        """Break something; the core has nothing to break."""


class CoreStage:
    """The pure core: a dictionary of cases."""

    name = "core"
    patience = timedelta(0)

    def __init__(self) -> None:
        """Begin without any case."""
        self._cases: dict[str, Case] = {}
        self._events: dict[str, list[Event]] = {}

    def open(self, person: str, opening: OpenCase, at: datetime) -> None:
        """Open the person's case."""
        self._events[person] = []
        self._cases[person] = blank(opening.case_id, opening.procedure, opening.procedure_digest)
        self._take(person, open_case(opening, at))

    def act(self, person: str, command: AnyCommand, at: datetime) -> Refusal | None:
        """Do it at `at`; a refused act leaves everything as it was."""
        case = self._cases[person]
        try:
            happened = advance(case, command, at)
        except Refused as refused:
            return Refusal(refused.slug, refused.detail)
        if command.do == ADOPT_RULES.name:
            procedures = {**case.procedures, command.body.procedure_digest: command.body.procedure}
            self._cases[person] = replace(case, procedures=procedures)
        self._take(person, happened)
        return None

    def run_to(self, person: str, at: datetime) -> None:
        """Let everything happen that is due up to and including `at`."""
        self._take(person, advance(self._cases[person], None, at))

    def events(self, person: str) -> Sequence[Event]:
        """Everything that has happened in the case, in order."""
        return self._events[person]

    def disturb(self, do: str, at: datetime) -> None:
        """Nothing breaks here."""

    def _take(self, person: str, happened: Sequence[Event]) -> None:
        self._events[person].extend(happened)
        self._cases[person] = fold(self._cases[person], happened)
