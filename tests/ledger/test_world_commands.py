"""Commands that say something of the world, in processes of their own, as an operator runs them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.case.events import CrossingChanged
from domain.work.events import CalendarChanged
from records import posts, users
from tests.ledger.rooms import homeward
from tests.workflows.conftest import Lab

pytestmark = pytest.mark.timeout(180)

WHY = ("--reason", "The bridge is damaged.", "--source", "a call")


async def until_told(lab: Lab, word: str) -> str:
    for _ in range(60):
        shown = (await homeward(lab, "world", "show")).words
        if f"{word} done:" in shown:
            return shown
        await asyncio.sleep(0.2)
    raise AssertionError(shown)


async def test_it_shuts_a_crossing_and_says_who_was_told(lab: Lab) -> None:
    opening = await lab.open()
    said = await homeward(lab, "crossing", "close", "nong-khai", *WHY)
    assert said.code == 0, said.words
    assert said.words.startswith("crossing nong-khai: fact ")
    assert "Open cases are being told." in said.words
    assert "1 of 1 told, 0 refused" in await until_told(lab, "nong-khai")
    assert [e.status for e in lab.events(opening) if isinstance(e, CrossingChanged)] == ["closed"]
    again = await homeward(lab, "crossing", "close", "nong-khai", *WHY)
    assert (again.code, again.words) == (1, "The crossing is closed already\n")
    wrong = await homeward(lab, "crossing", "close", "nong-kai", *WHY)
    assert (wrong.code, "did you mean nong-khai?" in wrong.words) == (1, True)
    assert "nong-khai: closed" in (await homeward(lab, "crossing", "list")).words


async def test_it_previews_and_declares_days_off(lab: Lab) -> None:
    opening = await lab.open()
    day = ("--off", "2026-02-04")
    seen = await homeward(lab, "calendar", "declare", "TH", *day, "--dry-run")
    assert (seen.code, "1 due date(s) of 1 case(s) would move." in seen.words) == (0, True), seen
    assert not [e for e in lab.events(opening) if isinstance(e, CalendarChanged)]
    silent = await homeward(lab, "calendar", "declare", "TH", *day)
    assert (silent.code, "--reason" in silent.words) == (2, True)
    assert (await homeward(lab, "calendar", "declare", "TH", *day, *WHY)).code == 0
    await until_told(lab, "TH")
    assert len([e for e in lab.events(opening) if isinstance(e, CalendarChanged)]) == 1
    wrong = await homeward(lab, "calendar", "declare", "TH", "--off", "4/2/2026", *WHY)
    assert (wrong.code, wrong.words) == (2, "A day is written as 2026-12-02.\n")


async def test_it_lets_posts_change_hands(lab: Lab) -> None:
    now = datetime.now(UTC)
    with lab.database.begin() as connection:
        users.create(connection, "nida", "Nida", now, None)
    office, then = "th-datip", (now + timedelta(days=30)).isoformat()
    wrong = await homeward(lab, "post", "appoint", office, "--holder", "nida", *WHY)
    assert (wrong.code, "`role`" in wrong.words) == (1, True)
    said = await homeward(
        lab, "post", "appoint", office, "--holder", "nida", "--role", "manager", *WHY
    )
    assert said.code == 0, said.words
    said = await homeward(lab, "post", "vacate", office, "--since", then, *WHY)
    assert said.code == 0, said.words
    with lab.database.begin() as connection:
        held = posts.holders(connection, now + timedelta(days=29))
        vacant = posts.holders(connection, now + timedelta(days=31))
    assert (held[office].head, held[office].vacant) == ("nida", False)
    assert vacant[office].vacant
    assert "head: nida" in (await homeward(lab, "post", "list", office)).words


async def test_it_shows_what_newer_rules_would_change(lab: Lab) -> None:
    await lab.open()
    seen = await homeward(lab, "rules", "adopt", "th-la", "--dry-run")
    assert seen.code == 0, seen.words
    assert "of 1 case(s) would move." in seen.words or "would begin in 1 case(s)" in seen.words
    unknown = await homeward(lab, "rules", "adopt", "th-xx", *WHY)
    assert (unknown.code, "there are la-th, th-la, th-vn" in unknown.words) == (2, True)
