"""Every story in `stories/` is played on the core; each must hold whole."""

from pathlib import Path

import pytest

from story.cli import play_file
from story.report import as_text

FOLDER = Path(__file__).parent.parent / "stories"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_it_holds_on_the_core(file: Path) -> None:
    played = play_file(file)
    assert played.ok, as_text(played, only_failures=True)


def test_it_finds_the_stories() -> None:
    assert len(FILES) >= 18
