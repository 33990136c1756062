"""Which mutants are asked, as a change touches them."""

from __future__ import annotations

import pytest

from tests.mutants import choice
from tests.mutants.choice import MOST, base_commit, choose, chosen, files_of, mutants


def entry(
    name: str, where: str = "core.code.outer", catcher: str = "stories/a.toml"
) -> choice.Mutant:
    return {"id": name, "in": where, "find": "a", "replace": "b", "caught_by": [catcher]}


OLD = [
    entry("code"),
    entry("rules", "rules/a.toml:first"),
    entry("other", "core.other", "tests/domain/test_x.py::test_it"),
]


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        (set(), set()),
        ({"docs/a.md"}, set()),
        ({"core/code.py"}, {"code"}),
        ({"rules/a.toml"}, {"rules"}),
        ({"stories/a.toml"}, {"code", "rules"}),
        ({"tests/domain/test_x.py"}, {"other"}),
    ],
)
def test_it_asks_what_the_change_touches(changed: set[str], asked: set[str]) -> None:
    assert {mutant["id"] for mutant in chosen(OLD, changed, OLD).mutants} == asked


def test_it_asks_entries_that_are_new_or_changed() -> None:
    every = [*OLD[1:], {**OLD[0], "replace": "c"}, entry("new")]
    assert {mutant["id"] for mutant in chosen(every, set(), OLD).mutants} == {"code", "new"}


def test_it_asks_so_many_at_most_and_says_what_it_leaves_out() -> None:
    catchers = [entry(f"c{n}", "core.other") for n in range(MOST)]
    files = [entry(f"f{n}") for n in range(MOST - 1)]
    every = [*catchers, *files, entry("new")]
    found = chosen(every, {"core/code.py", "stories/a.toml"}, [*catchers, *files])
    assert len(found.mutants) == MOST
    assert found.mutants[0]["id"] == "new"
    assert {mutant["id"] for mutant in found.mutants[1:]} == {mutant["id"] for mutant in files}
    assert f"{MOST} asked, {MOST} more are touched" in found.sentence
    assert chosen(every[::-1], {"core/code.py", "stories/a.toml"}, [*catchers, *files]) == found


def test_it_knows_the_files_an_entry_may_mean() -> None:
    assert "core/code.py" in files_of("core.code.Kind.outer")
    assert "core/code/__init__.py" in files_of("core.code")
    assert files_of("rules/cards/a.toml:first.outcomes.done") == {"rules/cards/a.toml"}


def test_it_asks_all_or_none_where_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_MUTANTS", "all")
    assert choose().mutants == mutants()
    monkeypatch.setenv("HOMEWARD_MUTANTS", "none")
    assert choose().mutants == []
    monkeypatch.setenv("HOMEWARD_MUTANTS", "some")
    with pytest.raises(ValueError, match="changed, all or none, not some"):
        choose()


def test_it_asks_none_where_nobody_knows_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_MUTANTS", "changed")
    monkeypatch.setenv("HOMEWARD_BASE", "no-such-commit")
    assert base_commit() == ""
    assert choose() == choice.Choice([], "none asked: this clone does not know what changed")


def answers(monkeypatch: pytest.MonkeyPatch, known: dict[tuple[str, ...], str]) -> None:
    monkeypatch.delenv("HOMEWARD_BASE", raising=False)
    monkeypatch.setattr(choice, "_git", lambda *words: known.get(words, ""))


HEAD = ("rev-parse", "--verify", "--quiet", "HEAD")
BEFORE = ("rev-parse", "--verify", "--quiet", "HEAD~1")


def test_it_compares_a_branch_with_where_it_left_main(monkeypatch: pytest.MonkeyPatch) -> None:
    left = ("merge-base", "HEAD", "main")
    answers(monkeypatch, {HEAD: "new", BEFORE: "old", left: "left"})
    assert base_commit() == "left"


def test_it_compares_main_with_the_commit_before(monkeypatch: pytest.MonkeyPatch) -> None:
    left = ("merge-base", "HEAD", "origin/main")
    answers(monkeypatch, {HEAD: "new", BEFORE: "old", left: "new"})
    assert base_commit() == "old"
    answers(monkeypatch, {HEAD: "new", left: "new"})
    assert base_commit() == ""
