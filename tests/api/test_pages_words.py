"""No page asks for a text that is not there; dates read as people read them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from api.errors import OWN
from api.pages.collect import collected_pages
from api.pages.context import TEMPLATES
from api.pages.forms.steering import STEERING
from domain.case.events import KINDS
from domain.errors import BY_SLUG
from wording.catalogue import ENGLISH, MissingWords, words_of
from wording.dates import day, distance, moment

CODE = Path(__file__).parents[2] / "api" / "pages"
WORDS = words_of(ENGLISH)
ASKED = re.compile(r"""\bt(?:\.get)?\(\s*["']([a-z_]+\.[A-Za-z0-9_.-]+)["']""")
NAMED = re.compile(r"""["']((?:hints|fields|forms|acts|plan|sentence|whys)\.[a-z_.]+)["']""")


def asked_for() -> set[str]:
    templates = [file.read_text(encoding="utf-8") for file in TEMPLATES.rglob("*.html")]
    folders = (CODE, CODE.parents[1] / "wording")
    code = [f.read_text(encoding="utf-8") for one in folders for f in one.rglob("*.py")]
    found = {name for text in (*templates, *code) for name in ASKED.findall(text)}
    return found | {name for text in code for name in NAMED.findall(text)}


@pytest.mark.parametrize("name", sorted(asked_for()))
def test_every_text_that_is_asked_for_is_there(name: str) -> None:
    assert name in WORDS.texts


def test_every_act_every_refusal_and_every_event_has_words() -> None:
    wanted = {f"refusals.{kind.slug}" for kind in OWN} | {f"refusals.{slug}" for slug in BY_SLUG}
    wanted |= {f"acts.{act}.{part}" for act in STEERING for part in ("title", "submit")}
    wanted |= {f"done.{act}" for act in STEERING}
    wanted |= {f"steering.{steering.group}" for steering in STEERING.values()}
    wanted |= {f"events.{kind}" for kind in KINDS if kind != "MessageQueued"}
    wanted |= {f"nav.{entry.name}" for entry in collected_pages().menu}
    assert wanted <= WORDS.texts.keys(), sorted(wanted - WORDS.texts.keys())


def test_a_text_that_is_not_there_is_an_error_and_never_a_gap() -> None:
    with pytest.raises(MissingWords):
        WORDS("tasks.unheard_of")


ICT, MYANMAR = timezone(timedelta(hours=7)), timezone(timedelta(hours=6, minutes=30))


def test_dates_are_told_in_the_offices_zone_with_its_name() -> None:
    at = datetime(2026, 4, 10, 18, 5, tzinfo=UTC)
    assert day(WORDS, at, ICT) == "11 April 2026"
    assert moment(WORDS, at, ICT) == "11 April 2026, 01:05 (UTC+7)"
    assert moment(WORDS, at, MYANMAR) == "11 April 2026, 00:35 (UTC+6:30)"


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (-49, "2 days late"),
        (-24, "1 day late"),
        (-1, "was due earlier today"),
        (1, "due today"),
        (24, "1 day left"),
        (72, "3 days left"),
    ],
)
def test_a_due_date_is_told_in_days_of_that_zone(hours: int, told: str) -> None:
    now = datetime(2026, 4, 10, 5, 0, tzinfo=UTC)
    assert distance(WORDS, now + timedelta(hours=hours), now, ICT) == told
