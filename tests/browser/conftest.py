"""The house of `tests/api`, with a password for everybody, and a browser to look at it."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Locator, Page

from records import users
from tests.api.conftest import CAST, PASSWORD, Running
from tests.api.conftest import api as api  # noqa: PLC0414 - the same fixture, for these tests too

LONG_AGO = "2026-02-02T09:00:00+07:00"  # a Monday; only a rehearsal may open cases then


@dataclass
class Visit:
    """A browser on the pages; `a_phone` has no JavaScript."""

    api: Running
    page: Page

    async def open(self, path: str) -> None:
        await self.page.goto(self.api.url + path)

    async def sign_in(self, user: str, path: str = "/") -> None:
        await self.open(path)
        await self.page.get_by_label("User name").fill(user)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()

    async def turn_to(self, wanted: Locator) -> Locator:
        """Turn the pages of a list until it is there: other tests fill the lists, too."""
        following = self.page.get_by_role("link", name="Next page")
        while await wanted.count() == 0 and await following.count() == 1:
            await self.open(await following.get_attribute("href") or "")
        return wanted

    async def text(self) -> str:
        return await self.page.inner_text("main")

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        found: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found


@pytest.fixture(scope="session")
def with_passwords(api: Running) -> Running:
    """Everybody can sign in."""
    with api.database.begin() as connection:
        for user, _, _ in CAST:
            users.set_password(connection, user, PASSWORD)
    return api


@pytest.fixture
def visit(with_passwords: Running, page: Page) -> Visit:
    """A browser with JavaScript."""
    return Visit(with_passwords, page)


@pytest.fixture
async def plain(with_passwords: Running, page: Page) -> AsyncIterator[Visit]:
    """A phone of 360 pixels with JavaScript switched off."""
    browser = page.context.browser
    assert browser is not None
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    context.set_default_timeout(10_000)
    yield Visit(with_passwords, await context.new_page())
    await context.close()


def a_stalled_case(api: Running) -> dict[str, Any]:
    """A case whose screening climbed to E2 because nobody answered."""
    case = api.a_case(opens=LONG_AGO, person={"name": f"Dao {uuid.uuid4().hex[:6]}"})
    moved = api.mali.do(
        f"/rehearsal/cases/{case['case']}/clock", {"to": "2026-02-16T09:00:00+07:00"}
    )
    assert moved.status_code == 200, moved.text
    return case
