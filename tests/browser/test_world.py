"""What is said of the world, on a phone without JavaScript and on a desktop."""

import pytest

from tests.browser.conftest import Visit

PAGES = (
    "/world",
    "/world/crossings/nong-khai",
    "/world/calendars/LA",
    "/world/posts",
    "/world/posts/th-datip",
    "/world/rules/th-la",
)


async def test_an_administrator_shuts_a_crossing_on_a_phone(plain: Visit) -> None:
    await plain.sign_in("root", "/world")
    await plain.page.get_by_role("link", name="Padang Besar").click()
    await plain.page.get_by_label("Why").fill("The river is high · แม่น้ำสูง · ແມ່ນ້ຳສູງ")
    await plain.page.get_by_role("button", name="Shut the crossing").click()
    await plain.page.get_by_role("alert").wait_for()  # who said so was not told
    assert await plain.page.get_by_label("Why").input_value() == (
        "The river is high · แม่น้ำสูง · ແມ່ນ້ຳສູງ"
    )
    await plain.page.get_by_label("Who said so").fill("a call")
    await plain.page.get_by_role("button", name="Shut the crossing").click()
    await plain.page.wait_for_url("**/world?done=said")
    shown = await plain.text()
    assert "Every open case it concerns is being told." in shown
    assert "Crossing Padang Besar: shut" in shown
    assert await plain.overflow() == 0


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_is_wider_than_a_phone(plain: Visit, path: str) -> None:
    await plain.sign_in("root", path)
    assert await plain.page.locator("h1").count() == 1
    assert await plain.overflow() == 0


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_is_wider_than_a_desktop(visit: Visit, path: str) -> None:
    await visit.sign_in("root", path)
    assert await visit.overflow() == 0


async def test_who_may_not_is_not_shown_the_way_there(visit: Visit) -> None:
    await visit.sign_in("mali")
    assert await visit.page.get_by_role("link", name="Around the cases").count() == 0
