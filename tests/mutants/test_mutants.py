"""Every rule has a mutant: with its rule broken, the story or test named with it must notice.

`mutants.toml` holds them; `room.py` breaks one at a time in a copy of the core and asks. Which are
asked in this run, `choice.py` says; that each of them still fits its place is asked in every run.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mutants.choice import ROOT, choose, mutants
from tests.mutants.places import with_change

MUTANTS = mutants()
ASKED = choose().mutants
# What must be broken somewhere: parts 3 and 4 of the contract, and the safety rules of the domain.
SECTIONS = [f"stories.md {part}.{n}" for part in (3, 4) for n in range(1, 15)]
SAFETY = ["P1", "P3", "P4", "P5", "P10", "P11", "P13", "P17", "P21", "P24"]
INVARIANTS = [
    "an open case is never dead",
    "timers of an ended case never fire",
    "remaining time survives a hold",
    "an escalation ends only as said",
    "no departure through a closed gate",
    "a gate is never opened by skip",
    "a gate is never opened by waive",
    "may_leave",
    "silence is unknown",
    "screening and warrant are independent",
    "nobody decides their own request",
    "apply of the ledger gives the state",
]


class Room:
    """The program that breaks and asks, kept running for all mutants of this process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.room"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: dict[str, Any]) -> dict[str, list[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question, default=str) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        assert "wrong" not in said, said["wrong"]
        answers: dict[str, list[str]] = said["answers"]
        return answers

    def leave(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    here = Room()
    yield here
    here.leave()


@pytest.mark.parametrize("mutant", ASKED, ids=[mutant["id"] for mutant in ASKED])
def test_it_is_caught(mutant: dict[str, Any], room: Room) -> None:
    """Each catcher must say what is wrong, not merely break down."""
    answers = room.ask({**mutant, "catchers": mutant["caught_by"]})
    for catcher, (verdict, said) in answers.items():
        assert verdict == "fails", f"{mutant['breaks']}: {catcher} {verdict}\n{said}"
    assert answers


def test_each_fits_its_place() -> None:
    """What it breaks is there once, and what is left can still be read."""
    for mutant in MUTANTS:
        path, changed = with_change(ROOT, mutant)
        assert changed != path.read_text(encoding="utf-8"), mutant["id"]
        (ast.parse if path.suffix == ".py" else tomllib.loads)(changed)


def test_what_must_notice_is_there() -> None:
    for catcher in {catcher for mutant in MUTANTS for catcher in mutant["caught_by"]}:
        file, _, test = catcher.partition("::")
        path = ROOT / file
        assert path.is_file(), catcher
        assert not test or f"def {test}(" in path.read_text(encoding="utf-8"), catcher


@pytest.mark.parametrize("sentence", [*SECTIONS, *INVARIANTS])
def test_it_breaks_every_rule(sentence: str) -> None:
    said = [mutant["breaks"].replace(",", ":").replace(";", ":") + ":" for mutant in MUTANTS]
    assert any(f"{sentence}:" in words or f"{sentence} " in words for words in said) or any(
        sentence in mutant["breaks"] for mutant in MUTANTS if sentence in INVARIANTS
    )


@pytest.mark.parametrize("rule", SAFETY)
def test_it_breaks_every_safety_rule(rule: str) -> None:
    words = [mutant["breaks"].replace(",", " ").replace(":", " ").split() for mutant in MUTANTS]
    assert any(rule in said for said in words)


def test_its_names_are_its_own() -> None:
    assert len({mutant["id"] for mutant in MUTANTS}) == len(MUTANTS)
