"""Which mutants a run asks for: those that a change may have touched, all, or none.

`HOMEWARD_MUTANTS` is `changed` (the default), `all` or `none`. What changed is told by git, against
`HOMEWARD_BASE` or else against the point where this branch left main; on main itself against the
commit before (of a merge: what main was before it). A clone that does not know that commit asks none.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FILE = "tests/mutants/mutants.toml"
MOST = 60
MAIN = ("origin/main", "main")

Mutant = dict[str, Any]


class Choice(NamedTuple):
    """The mutants to ask, and the sentence that says which they are."""

    mutants: list[Mutant]
    sentence: str


def read(text: str) -> list[Mutant]:
    """The entries of a `mutants.toml`, or of one of the time before it had any."""
    entries: list[Mutant] = tomllib.loads(text).get("mutant", [])
    return entries


def mutants() -> list[Mutant]:
    """Every entry that is there."""
    return read((ROOT / FILE).read_text(encoding="utf-8"))


def choose() -> Choice:
    """What this run asks; raises ValueError for a word in `HOMEWARD_MUTANTS` that is none."""
    every, how = mutants(), os.environ.get("HOMEWARD_MUTANTS") or "changed"
    if how == "all":
        return Choice(every, f"all {len(every)} asked")
    if how == "none":
        return Choice([], "none asked, as HOMEWARD_MUTANTS says")
    if how != "changed":
        raise ValueError(f"HOMEWARD_MUTANTS is changed, all or none, not {how}")
    base = base_commit()
    if not base:
        return Choice([], "none asked: this clone does not know what changed")
    changed = set(_git("diff", "--name-only", "--no-renames", base).splitlines())
    return chosen(every, changed, read(_git("show", f"{base}:{FILE}")))


def chosen(every: list[Mutant], changed: set[str], before: list[Mutant]) -> Choice:
    """At most `MOST` of those touched: entries first that are new, then by file, then by catcher.

    Within each of the three the order is that of a digest of their names: the same in every run, and
    not always the same part of the rules.
    """
    ranked = [(_why(mutant, changed, before), mutant) for mutant in every]
    touched = [(why, _digest(mutant["id"]), mutant) for why, mutant in ranked if why is not None]
    touched.sort(key=lambda row: row[:2])
    asked = [mutant for *_, mutant in touched[:MOST]]
    if len(touched) <= MOST:
        return Choice(asked, f"{len(asked)} of {len(every)} asked: those that the change touches")
    left = len(touched) - MOST
    return Choice(asked, f"{MOST} asked, {left} more are touched: `make mutants` asks every one")


def _why(mutant: Mutant, changed: set[str], before: list[Mutant]) -> int | None:
    """How near the change is: 0 the entry, 1 what it breaks, 2 what must notice; None: nowhere."""
    if mutant not in before:
        return 0
    if changed & files_of(mutant["in"]):
        return 1
    if changed & {catcher.partition("::")[0] for catcher in mutant["caught_by"]}:
        return 2
    return None


def files_of(where: str) -> set[str]:
    """The files that the `in` of an entry may mean: a module of any length of its dotted name."""
    if ".toml" in where:
        return {where.partition(":")[0]}
    parts = where.split(".")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return {f"{path}.py" for path in paths} | {f"{paths[-1]}/__init__.py"}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def base_commit() -> str:
    """What to compare with; empty when this clone does not know."""
    named = os.environ.get("HOMEWARD_BASE")
    if named:
        return _git("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}")
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    left_main = next(filter(None, (_git("merge-base", "HEAD", main) for main in MAIN)), "")
    if left_main and left_main != head:
        return left_main
    return _git("rev-parse", "--verify", "--quiet", "HEAD~1")


def _git(*words: str) -> str:
    """What git answers; empty when there is no git, no history, or no answer."""
    try:
        said = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
