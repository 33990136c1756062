"""A mutant finds its definition or table by name, whatever stands around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.places import place_of, with_change

CODE = """
LIMIT = 3
NAMES: tuple[str, ...] = ("a",)


def outer(one: int) -> int:
    return one + 1


@property
def dressed() -> int:
    return 2


class Kind:
    size = 1

    def outer(self, one: int) -> int:
        return one + 1  # กลับบ้าน


def twice() -> int:
    return 1


def twice() -> int:
    return 2
"""
RULES = """
title = "ບ້ານ"

[[step]]
id = "first"
within = "3 days"
[step.outcomes.done]
again = true

[[step]]
id = "second"
within = "3 days"
[step.outcomes.done]
again = true

[acts.hold]
roles = ["a"]

[acts.resume]
roles = ["a"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").touch()
    (tmp_path / "core" / "code.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("where", "begins", "ends"),
    [
        ("core.code.LIMIT", "LIMIT = 3", "LIMIT = 3"),
        ("core.code.NAMES", "NAMES:", '("a",)'),
        ("core.code.outer", "def outer(one", "return one + 1"),
        ("core.code.dressed", "@property", "return 2"),
        ("core.code.Kind", "class Kind", "กลับบ้าน"),
        ("core.code.Kind.size", "size = 1", "size = 1"),
        ("core.code.Kind.outer", "def outer(self", "กลับบ้าน"),
        ("core.code", "LIMIT", "return 2"),
        ("rules.toml:first", '[[step]]\nid = "first"', "again = true"),
        ("rules.toml:second.outcomes.done", "[step.outcomes.done]", "again = true"),
        ("rules.toml:acts.hold", "[acts.hold]", 'roles = ["a"]'),
        ("rules.toml:acts.resume", "[acts.resume]", 'roles = ["a"]'),
        ("rules.toml", "title", 'roles = ["a"]'),
    ],
)
def test_it_finds_the_place(root: Path, where: str, begins: str, ends: str) -> None:
    place = place_of(root, where)
    inside = place.path.read_text(encoding="utf-8")[place.begin : place.end].strip()
    assert inside.startswith(begins)
    assert inside.endswith(ends)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("core.nowhere.outer", "no module has that name|is defined there 0 times"),
        ("nowhere.code.outer", "no module has that name"),
        ("core.code.missing", "missing is defined there 0 times"),
        ("core.code.Kind.missing", "missing is defined there 0 times"),
        ("core.code.LIMIT.more", "more is defined there 0 times"),
        ("core.code.twice", "twice is defined there 2 times"),
        ("nowhere.toml:first", "there is no file nowhere.toml"),
        ("rules.toml:third", "third is a table there 0 times"),
    ],
)
def test_it_says_what_it_does_not_find(root: Path, where: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        place_of(root, where)


def mutant(where: str, find: str, replace: str) -> dict[str, str]:
    return {"id": "it", "in": where, "find": find, "replace": replace}


def test_it_changes_only_that_place(root: Path) -> None:
    path, text = with_change(root, mutant("core.code.Kind.outer", "one + 1", "one"))
    assert path == root / "core" / "code.py"
    assert text == CODE.replace("one + 1  #", "one  #")
    _, rules = with_change(root, mutant("rules.toml:second", "3 days", "4 days"))
    first, second = RULES.split('id = "second"')
    assert rules == f'{first}id = "second"{second.replace("3 days", "4 days")}'


@pytest.mark.parametrize(("find", "times"), [("zwei", 0), ("one", 2)])
def test_it_changes_nothing_that_is_not_there_once(root: Path, find: str, times: int) -> None:
    with pytest.raises(ValueError, match=f"`find` of it is in core.code.outer {times} times"):
        with_change(root, mutant("core.code.outer", find, ""))
