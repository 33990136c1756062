from playwright.async_api import Page


async def test_it_shows_a_page_in_the_machines_browser(page: Page) -> None:
    await page.set_content("<h1>กลับบ้าน</h1><button onclick=\"this.textContent='yes'\">no</button>")
    await page.get_by_role("button").click()
    assert await page.get_by_role("button").inner_text() == "yes"
    assert await page.evaluate("innerWidth") == 360
