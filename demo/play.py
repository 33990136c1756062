"""`homeward demo`: starts the system, plays two returns through its HTTP API, leaves it running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import rulefiles
from demo import cast as casting
from demo.cast import Cast
from demo.stage import Stage
from domain.rules.book import Rulebook
from local.cache import say_aloud
from local.errors import NoServer
from local.stack import Running, running
from records.session import make_engine
from settings import Settings
from story.file import read_story

STORIES = {"SMOOTH": "smooth.toml", "STALLED": "stalled.toml"}
HERE = Path(__file__).parent
START_SECONDS = 1_200  # the first start may build a Temporal server


def main() -> None:
    """Set everything up, play what has not been played, and say how to go on."""
    settings = Settings(rehearsal=True)
    here = running(settings) or _start(settings)
    if not here.rehearsal:
        raise NoServer(
            "A system for real cases runs from this data folder; the demo needs one of its own "
            "(HOMEWARD_DATA_DIR)."
        )
    rulebook = rulefiles.read_rules(settings.rules_dir)
    file = settings.data_dir / "demo.json"
    cast = casting.load(file)
    if not cast.tokens:
        cast = casting.make(make_engine(here.database_url), rulebook)
        casting.keep(cast, file)
    for name, story in STORIES.items():
        if name not in cast.cases:
            cast.cases[name] = _play(here, cast, rulebook, story)
            casting.keep(cast, file)
    _leave_tokens(settings, here, cast)
    _say_how_to_go_on(settings, here, cast)


def _start(settings: Settings) -> Running:
    """Run `homeward up` beside this program, and show what it says until it answers."""
    log = settings.data_dir / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=HERE.parent,
            env={**os.environ, "HOMEWARD_REHEARSAL": "true"},
            start_new_session=True,  # it goes on when this program ends
        )
    return _follow(settings, process, log)


def _follow(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> Running:
    until = time.monotonic() + START_SECONDS
    with log.open(encoding="utf-8") as lines:
        while time.monotonic() < until:
            for line in lines:
                say_aloud(line.rstrip())
            here = running(settings)
            if here is not None:
                return here
            if process.poll() is not None:
                raise NoServer(f"The system did not start; {log} says why.")
            time.sleep(0.2)
    raise NoServer(f"The system did not start within {START_SECONDS} s; {log} says why.")


def _play(here: Running, cast: Cast, rulebook: Rulebook, file: str) -> str:
    """Play one story through the API and return the reference of its case."""
    story = read_story(HERE / file)
    say_aloud(f"Playing '{story.title}' through {here.url}/api/v1 ...")
    offices = casting.roles_of(rulebook)
    with Stage(here.url, cast.tokens, offices, Path(file).stem) as stage:
        return stage.play(story, say_aloud)


def _leave_tokens(settings: Settings, here: Running, cast: Cast) -> None:
    """Shell lines that the README's examples use."""
    lines = [f"export HOMEWARD_URL={here.url}"]
    lines += [f"export {name}={token}" for name, token in cast.named.items()]
    lines += [f"export {name}={reference}" for name, reference in cast.cases.items()]
    file = settings.data_dir / "demo.env"
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _say_how_to_go_on(settings: Settings, here: Running, cast: Cast) -> None:
    say_aloud("")
    say_aloud(f"Homeward runs at {here.url}  (stop it with `make stop`; its data stay)")
    say_aloud(f"Pages: {here.url}/   users, all with the password {cast.password} :")
    for user_id, name in cast.users.items():
        say_aloud(f"  {user_id:<10} {name}")
    say_aloud("API: the README's lines work after  . " + _short(settings.data_dir / "demo.env"))
    for name, token in cast.named.items():
        say_aloud(f"  {name:<12} {token}")
    for name, reference in cast.cases.items():
        say_aloud(f"  {name:<12} case {reference}")


def _short(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
