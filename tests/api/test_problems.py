"""Every refusal is answered with the status that the page about the API promises."""

import re
from pathlib import Path

import pytest

from api import errors
from domain import errors as core

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| ([0-9]{3}(?:, [0-9]{3})*) \|", re.MULTILINE)
PROMISED = {
    slug: {int(status) for status in statuses.split(", ")}
    for slugs, statuses in ROW.findall(PAGE.read_text(encoding="utf-8"))
    for slug in re.findall(r"[a-z-]+", slugs)
}


@pytest.mark.parametrize("slug", sorted(core.BY_SLUG))
def test_it_answers_a_refusal_of_the_core_as_promised(slug: str) -> None:
    found = errors.from_slug(slug, "why")
    assert found is not None
    assert {found.status} == PROMISED[slug]


def test_it_answers_every_other_refusal_as_promised() -> None:
    for kind in errors.OWN:
        assert kind.status in PROMISED[kind.slug], kind
    assert set(PROMISED) == {kind.slug for kind in errors.OWN} | set(core.BY_SLUG)
