import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT = PROJECT / "docs" / "contract.md"
CODE = ("domain", "workflows", "activities", "engine", "records", "api", "story", "tests")
RULES = ("rules", "stories")

# Marks may be listed: "stories.md 4.3 and 4.4", "stories.md 2.2, 2.7", "stories.md parts 3 and 4".
# Further numbers of a list have a point in them, except after "parts": the rest is prose.
PART = r"\d+\.\d+(?![\d.]*\d)"
MARKS = re.compile(
    rf"stories\.md[ \n#]+(?:parts[ ](?P<parts>\d+(?:(?:,[ ]|[ ]and[ ])\d+)*)"
    rf"|(?:part[ ])?(?P<first>\d+(?:\.\d+)?)(?P<more>(?:(?:,[ ](?:and[ ])?|[ ]and[ ]){PART})*))"
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
HELD = re.compile(r"^(?:#{2,3} |\*\*)(\d+(?:\.\d+)?)(?=[ *])", re.MULTILINE)


def marks(text: str) -> Iterator[tuple[int, str]]:
    """Line and number of every mark of the contract in a text."""
    for found in MARKS.finditer(text):
        for group in ("parts", "first", "more"):
            for number in NUMBER.finditer(found[group] or ""):
                at = found.start(group) + number.start()
                yield text.count("\n", 0, at) + 1, number[0]


def wrong(name: str, text: str, held: set[str]) -> list[str]:
    """File, line and mark for every mark that the contract does not have."""
    return [
        f"{name}:{line}: stories.md {number}" for line, number in marks(text) if number not in held
    ]


def held() -> set[str]:
    return set(HELD.findall(CONTRACT.read_text(encoding="utf-8")))


def places() -> list[Path]:
    files = [file for folder in CODE for file in (PROJECT / folder).rglob("*.py")]
    tables = [file for folder in RULES for file in (PROJECT / folder).rglob("*.toml")]
    return sorted(file for file in (*files, *tables) if file != Path(__file__).resolve())


def test_it_has_every_part_once() -> None:
    wanted = {"1", "2", "3", "4"}
    wanted |= {f"2.{part}" for part in range(1, 8)}
    wanted |= {f"3.{part}" for part in range(1, 19)} | {f"4.{part}" for part in range(1, 27)}
    played, agreed = CONTRACT.read_text(encoding="utf-8").split("## Agreed, not yet played")
    assert held() == wanted
    numbers = HELD.findall(played)
    assert len(numbers) == len(set(numbers))
    assert set(HELD.findall(agreed)) >= wanted - set(numbers)


def test_every_mark_stands_in_the_contract() -> None:
    there = held()
    found = [
        mistake
        for file in places()
        for mistake in wrong(
            str(file.relative_to(PROJECT)), file.read_text(encoding="utf-8"), there
        )
    ]
    assert not found, "docs/contract.md has no such part:\n" + "\n".join(found)


def test_it_looks_at_marks_at_all() -> None:
    seen = {n for file in places() for _, n in marks(file.read_text(encoding="utf-8"))}
    assert {"1", "2.7", "3.6", "4.5"} <= seen


def test_it_finds_a_wrong_mark() -> None:
    text = (
        "# as said (stories.md 4.3 and 4.99), 5.5 of it\n"
        "a = 1  # (9.9)\n"
        "# stories.md 2.7, and 2.9; stories.md\n"
        "# 7, 8 of them; stories.md parts 3 and 6; stories.md part 3; stories.md 1: 2.5 ways\n"
    )
    assert wrong("a.py", text, {"1", "2.7", "3", "4.3"}) == [
        "a.py:1: stories.md 4.99",
        "a.py:3: stories.md 2.9",
        "a.py:4: stories.md 7",
        "a.py:4: stories.md 6",
    ]
