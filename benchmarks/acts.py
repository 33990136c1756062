"""Twelve acts of a real case under the shipped rules, from a story that is shipped as well.

All of them can be taken at once, one after the other, so that a measurement waits for no clock.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from domain.act import AnyCommand
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.core import advance, open_case
from domain.errors import Refused
from story.file import read_story
from story.player import play
from story.rulebooks import added_words, rulebook_of
from story.stage import CoreStage, Refusal

STORIES = Path(__file__).resolve().parents[1] / "stories"
STORY = STORIES / "answered-in-time-recorded-late.toml"
ACTS = 12


@dataclass(frozen=True)
class Script:
    """How a case begins, and what people do in it; `events` is how much follows from each act."""

    opening: OpenCase
    commands: tuple[AnyCommand, ...]
    events: tuple[int, ...]

    def opening_of_its_own(self) -> OpenCase:
        """The same opening for one more case."""
        return replace(self.opening, case_id=str(uuid.uuid4()))


class _Listening(CoreStage):
    """The core as a stage, which keeps what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.opening: OpenCase | None = None
        self.asked: list[AnyCommand] = []

    def open(self, person: str, opening: OpenCase, at: datetime) -> None:
        self.opening = opening
        super().open(person, opening, at)

    def act(self, person: str, command: AnyCommand, at: datetime) -> Refusal | None:
        self.asked.append(replace(command, happened_at=None))
        return super().act(person, command, at)


@cache
def script() -> Script:
    """The acts of the story that the core accepts when they all come in the same minute."""
    story = read_story(STORY, added_words)
    listening = _Listening()
    play(story, rulebook_of(story.rules), listening, rulebook_of)
    opening = listening.opening
    if opening is None:
        raise ValueError(f"{STORY.name} opens no case")
    at = datetime.now(UTC).replace(microsecond=0)
    case = fold(
        blank(opening.case_id, opening.procedure, opening.procedure_digest), open_case(opening, at)
    )
    commands: list[AnyCommand] = []
    events: list[int] = []
    for command in listening.asked:
        try:
            happened = advance(case, command, at)
        except Refused:
            continue
        case = fold(case, happened)
        commands.append(command)
        events.append(len(happened))
    if len(commands) < ACTS or case.ended:
        raise ValueError(f"{STORY.name} has no {ACTS} acts that can be taken at once")
    return Script(opening, tuple(commands[:ACTS]), tuple(events[:ACTS]))
