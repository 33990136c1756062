"""Saves what the present core makes of whole stories, one file for each case, by edition.

    python -m tests.ledger.editions            adds what is not there yet
    python -m tests.ledger.editions --replace  writes the present edition's files anew

A file holds an opening, what was asked when, and every event that came of it. When the test
`test_it_behaves_as_saved` fails, the core behaves differently for cases that are running. Either
undo that, or make it a new edition: keep the old behaviour in `domain/editions.py`, raise
`domain.case.state.EDITION`, and run this to save the new edition beside the old one. `--replace` is only
for an edition under which no real case was ever opened.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain.act import AnyCommand
from domain.behaviour import EDITION
from domain.case.acts.steering import ADOPT_RULES
from domain.case.apply import blank, fold
from domain.case.commands import OpenCase
from domain.case.core import advance, open_case
from domain.errors import Refused
from domain.event import Event
from domain.kinds import CASE
from story.file import read_story
from story.player import play
from story.rulebooks import added_words, rulebook_of
from story.stage import CoreStage, Refusal
from workflows.encoding import (
    Json,
    command_from_json,
    command_to_json,
    event_to_json,
    opening_from_json,
    opening_to_json,
)

ROOT = Path(__file__).parents[2]
SAVED = Path(__file__).parent / "editions"
STORIES = (
    "a-stall-the-committee-decides",
    "a-hold-keeps-what-is-left",
    "closed-and-opened-again",
    "s01-thai-adult-from-a-lao-zone",
    "s09-consent-withdrawn",
)


def rows(events: Iterable[Event]) -> list[Json]:
    return [event_to_json(event) for event in events]


class Recorder(CoreStage):
    """The core as a stage; it writes down what it was asked and what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Json] = {}

    def open(self, person: str, opening: OpenCase, at: datetime) -> None:
        super().open(person, opening, at)
        first = {"at": at.isoformat(), "events": rows(self.events(person))}
        self.told[person] = {"opening": opening_to_json(opening), "moves": [first]}

    def act(self, person: str, command: AnyCommand, at: datetime) -> Refusal | None:
        before = len(self.events(person))
        refused = super().act(person, command, at)
        move: Json = {"at": at.isoformat(), "command": command_to_json(command)}
        if refused is not None:
            move["refused"] = refused.slug
        self._note(person, move, before)
        return refused

    def run_to(self, person: str, at: datetime) -> None:
        before = len(self.events(person))
        super().run_to(person, at)
        if len(self.events(person)) > before:
            self._note(person, {"at": at.isoformat()}, before)

    def _note(self, person: str, move: Json, before: int) -> None:
        move["events"] = rows(self.events(person)[before:])
        self.told[person]["moves"].append(move)


def of_story(name: str) -> Iterator[tuple[str, Json]]:
    """Each person's case of a story, as a file holds it."""
    story = read_story(ROOT / "stories" / f"{name}.toml", added_words)
    stage = Recorder()
    play(story, rulebook_of(story.rules), stage, rulebook_of)
    for number, told in enumerate(stage.told.values(), start=1):
        yield f"{name}.{number}.json", {"edition": EDITION, **told}


def recomputed(saved: Json) -> Json:
    """The same file, with what the edition makes of the same questions now."""
    opening = opening_from_json(CASE, saved["opening"])
    first, *moves = saved["moves"]
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    events = open_case(opening, datetime.fromisoformat(first["at"]))
    case = fold(case, events)
    again: list[Json] = [{**first, "events": rows(events)}]
    for move in moves:
        told = {name: move[name] for name in ("at", "command") if name in move}
        command = command_from_json(CASE, move["command"]) if "command" in move else None
        if command is not None and command.do == ADOPT_RULES.name:
            case = replace(
                case,
                procedures={
                    **case.procedures,
                    command.body.procedure_digest: command.body.procedure,
                },
            )
        events = ()
        try:
            events = advance(case, command, datetime.fromisoformat(move["at"]))
        except Refused as refused:
            told["refused"] = refused.slug
        case = fold(case, events)
        again.append({**told, "events": rows(events)})
    return {**saved, "moves": again}


def as_text(saved: Json) -> str:
    """A file's text: one line for each move, so that a difference can be read."""
    lines = [json.dumps(move, ensure_ascii=False) for move in saved["moves"]]
    head = {name: value for name, value in saved.items() if name != "moves"}
    told = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return told[:-1] + ',"moves":[\n' + ",\n".join(lines) + "\n]}\n"


def main(*, anew: bool) -> None:
    """Write the files of the present edition."""
    folder = SAVED / str(EDITION)
    folder.mkdir(parents=True, exist_ok=True)
    for story in STORIES:
        for name, told in of_story(story):
            file, text = folder / name, as_text(told)
            if file.exists() and not anew and file.read_text(encoding="utf-8") != text:
                raise SystemExit(f"{name} would change: read how to renew in this file's beginning")
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(anew="--replace" in sys.argv[1:])
