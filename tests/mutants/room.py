"""Breaks one line of a copy of the core and asks stories and tests whether they notice.

A program of its own: requests come as lines of JSON on stdin, answers leave on stdout. It works in a
copy of the source, forks for each question, and never changes the files it was copied from.
"""

from __future__ import annotations

import compileall
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import tomllib
import traceback
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from tests.mutants.places import with_change

SOURCE = Path(__file__).resolve().parents[2]
FOLDERS = ("domain", "story", "rules", "stories", "tests/domain")
FILES = (
    "rulefiles.py",
    "tests/shipped.py",
    "tests/builders.py",
    "tests/scenario.py",
    "tests/tiers.py",
)
SECONDS = 50  # for one question; a broken core may turn for ever
ROOM_IS_OURS = ("domain", "story", "tests", "rulefiles")
# Libraries that stories and tests use: read once here, not again in each child.
LIBRARIES = ("typer", "typer.main", "pytest", "asyncio")

HOLDS, FAILS, BREAKS = "holds", "fails", "breaks"


def furnish(room: Path) -> None:
    """Copy what is needed and compile it, so that each child reads it fast."""
    for name in FOLDERS:
        shutil.copytree(SOURCE / name, room / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy2(SOURCE / name, room / name)
    compileall.compile_dir(room, quiet=2)


def answer(room: Path, request: dict[str, Any]) -> dict[str, list[str]]:
    """What each catcher says: holds, fails, or breaks, and in which words."""
    path, changed = with_change(room, request)
    whole = path.read_text(encoding="utf-8")
    path.write_text(changed, encoding="utf-8")
    kept = None
    if path.suffix == ".py":
        compiled = Path(cache_from_source(str(path)))
        kept = compiled.read_bytes()
        compiled.unlink()
    times = path.stat()
    try:
        found: dict[str, list[str]] = {}
        for catcher in request["catchers"]:
            found[catcher] = _ask(room, catcher)
            if request.get("first") and found[catcher][0] == FAILS:
                break
        return found
    finally:
        path.write_text(whole, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        if kept is not None:
            compiled.write_bytes(kept)


def _ask(room: Path, catcher: str) -> list[str]:
    """One question in a child of its own, which alone imports our code."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_asked(room, catcher, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else [BREAKS, f"no answer within {SECONDS} seconds"]


def _be_asked(room: Path, catcher: str, writing: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    os.chdir(room)
    for name in [n for n in sys.modules if n.partition(".")[0] in ROOM_IS_OURS]:
        del sys.modules[name]
    sys.path[:] = [str(room), *(p for p in sys.path if p not in {"", str(SOURCE)})]
    try:
        said = _test(catcher) if "::" in catcher else _story(room / catcher)
    except AssertionError as wrong:
        said = [FAILS, str(wrong)[:2000]]
    except BaseException:  # noqa: BLE001 - whatever a broken core does is its answer
        said = [BREAKS, traceback.format_exc()[-2000:]]
    os.write(writing, json.dumps(said).encode()[:60_000])
    os._exit(0)


def _story(path: Path) -> list[str]:
    cli, report = importlib.import_module("story.cli"), importlib.import_module("story.report")
    played = cli.play_file(path)
    if played.ok:
        return [HOLDS, ""]
    return [FAILS, report.as_text(played, only_failures=True)[:2000]]


def _test(catcher: str) -> list[str]:
    """`tests/domain/test_x.py::test_it_...`; a test that fails raises."""
    file, _, name = catcher.partition("::")
    getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)()
    return [HOLDS, ""]


def _read_once(room: Path) -> None:
    """Rules and stories are read for every mutant: what TOML says of the same text is the same."""
    tomllib.loads = cache(tomllib.loads)
    for path in [*room.glob("rules/**/*.toml"), *room.glob("stories/*.toml")]:
        tomllib.loads(path.read_text(encoding="utf-8"))
    gc.freeze()
    gc.disable()


def main() -> None:
    """Answer until stdin ends."""
    sys.dont_write_bytecode = True
    sys.pycache_prefix = None
    with tempfile.TemporaryDirectory(prefix="homeward-mutants-") as folder:
        room = Path(folder)
        furnish(room)
        for name in LIBRARIES:
            importlib.import_module(name)
        _read_once(room)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                said: dict[str, Any] = {"answers": answer(room, request)}
            except ValueError as wrong:
                said = {"wrong": str(wrong)}
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
