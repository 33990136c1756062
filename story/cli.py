"""`homeward story play`: plays story files, prints their timelines, answers with 0, 1 or 2."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from story.file import StoryFileError, comes_later, read_story
from story.model import Story
from story.player import Played, play
from story.report import as_json, as_text
from story.rulebooks import added_words, rulebook_of
from story.stage import CoreStage, Stage

HOLDS, FAILS, FILE_IS_WRONG = 0, 1, 2

app = typer.Typer(help="Returns told in dates: play them and see whether all holds.")


@app.callback()
def stories() -> None:
    """Returns told in dates: play them and see whether all holds."""


@app.command("play")
def play_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Story files (TOML).")],
    on: Annotated[str, typer.Option(help="Where to play: core or engine.")] = "core",
    as_lines: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each story, for machines.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only what is not as the story says.")
    ] = False,
) -> None:
    """Play each story; 0: all holds, 1: something does not, 2: a file itself is wrong."""
    worst = max(_one(file, on, as_lines=as_lines, quiet=quiet) for file in files)
    raise typer.Exit(worst)


def _one(file: Path, on: str, *, as_lines: bool, quiet: bool) -> int:
    try:
        played = play_file(file, on)
    except StoryFileError as wrong:
        _say_wrong(file, str(wrong), as_lines=as_lines)
        return FILE_IS_WRONG
    if as_lines:
        typer.echo(json.dumps(as_json(played), ensure_ascii=False))
    else:
        typer.echo(as_text(played, only_failures=quiet))
        typer.echo("")
    return HOLDS if played.ok else FAILS


def _say_wrong(file: Path, sentence: str, *, as_lines: bool) -> None:
    if as_lines:
        wrong = {"file": str(file), "result": "wrong", "sentence": sentence}
        typer.echo(json.dumps(wrong, ensure_ascii=False))
    else:
        typer.echo(sentence, err=True)


def play_file(file: Path, on: str = "core") -> Played:
    """Read a story and play it with the rules it names; raises StoryFileError."""
    story = read_story(file, added_words)
    later = comes_later(story)
    if later is not None:
        raise StoryFileError(str(file), "", "", later)
    with stage_of(story, on) as stage:
        return play(story, rulebook_of(story.rules), stage, rulebook_of)


def stage_of(story: Story, on: str) -> AbstractContextManager[Stage]:
    """The stage named by `--on`; raises StoryFileError for a name there is not."""
    if on == "core":
        return nullcontext(CoreStage())
    if on == "engine":
        # Late, by name: playing on the core must not need an engine, nor its libraries.
        found: AbstractContextManager[Stage] = import_module("story.engine").stage(story)
        return found
    raise StoryFileError(str(story.path), "", "", f'--on is "core" or "engine", not "{on}"')
