"""The crossings of the rules: which way home uses which, and what may be wrong with them."""

import shutil
from pathlib import Path

import pytest

from domain.rules.crossings import (
    corridors_counting,
    corridors_over,
    crossings_of,
    registered_crossings,
)
from rulefiles import SHIPPED, check, read_rules

BOOK = read_rules()


def test_a_corridor_uses_the_crossings_of_its_two_countries_and_those_that_name_it() -> None:
    used = {one.id for one in crossings_of(BOOK, "th-la")}
    assert {"nong-khai", "chong-mek", "huay-xai", "suvarnabhumi"} <= used
    assert "mae-sai" not in used
    assert "th-vn" in corridors_over(BOOK, registered_crossings(BOOK)["mukdahan"])
    assert corridors_over(BOOK, registered_crossings(BOOK)["poipet"]) == ()
    assert corridors_counting(BOOK, "LA") == ("la-th", "th-la")
    assert corridors_counting(BOOK, "MM") == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "chong-mek"', 'id = "nong-khai"', "two crossings are called 'nong-khai'"),
        ('id = "sadao"', 'id = "Sadao!"', "is written in small messages"),
        ('"06:00-20:00"', '"six to eight"', "is written as 06:00-22:00"),
        ('countries = ["TH", "KH"]', 'countries = ["TH"]', "names the two countries"),
        ('corridors = ["th-vn"]', 'corridors = ["th-vm"]', "did you mean 'th-vn'?"),
        ('LA = "la-vientiane-transit"', 'LA = "la-vientiane-transt"', "has no office"),
        ('LA = "la-vientiane-transit"', 'LA = "th-datip"', "th-datip is not in LA"),
        (', LA = "la-vientiane-transit"', "", "names nobody on the side of LA"),
        ('source = "proposal; the road', 'source = "the road', "names no source"),
        ('name = "Padang Besar"', 'nmae = "Padang Besar"', "nmae"),
    ],
)
def test_it_names_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(SHIPPED, folder)
    file = folder / "crossings.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(said in str(problem) for problem in check(folder)), check(folder)


def test_a_corridor_that_nobody_could_cross_in_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(SHIPPED, folder)
    (folder / "crossings.toml").write_text("", encoding="utf-8")
    assert any("nobody could cross in th-la" in str(problem) for problem in check(folder))
