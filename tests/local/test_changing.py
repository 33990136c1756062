"""docs/changing.md names files that exist: whoever follows it finds what it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:py|toml|md))`")


def named_in(text: str) -> set[str]:
    return set(NAMED.findall(text))


@pytest.mark.parametrize("page", ["docs/changing.md", "docs/architecture.md"])
def test_every_file_it_names_is_there(page: str) -> None:
    names = named_in((PROJECT / page).read_text(encoding="utf-8"))
    assert len(names) > 10
    here = (PROJECT, PROJECT / "api", PROJECT / "docs")
    assert [n for n in sorted(names) if not any((root / n).exists() for root in here)] == []


def test_it_notices_a_file_that_is_not_there() -> None:
    assert named_in("see `domain/nowhere.py` and `like this`") == {"domain/nowhere.py"}
