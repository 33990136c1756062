"""Signing in and out, in a real browser."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import async_playwright, expect

from tests.api.conftest import PASSWORD, Running
from tests.browser.conftest import Visit
from tests.conftest import CHROMIUM_FLAGS

THAI = "น้ำท่วมถนน รถเข้าไม่ได้"


async def test_it_asks_who_it_is_and_leads_back_to_where_one_wanted_to_be(plain: Visit) -> None:
    case = plain.api.at_placement()
    await plain.sign_in("mali", f"/cases/{case['reference']}")
    assert plain.page.url == f"{plain.api.url}/cases/{case['reference']}"
    await plain.page.get_by_role("button", name="Sign out").click()
    await expect(plain.page.get_by_role("status")).to_have_text("You are signed out.")
    await plain.open(f"/cases/{case['reference']}")
    await expect(plain.page).to_have_url(re.compile("/sign-in"))


async def test_it_tells_nothing_about_what_was_wrong_with_a_sign_in(plain: Visit) -> None:
    said = []
    for user, password in (("thida", "not her password"), ("nobody-here", PASSWORD)):
        await plain.open("/sign-in")
        await plain.page.get_by_label("User name").fill(user)
        await plain.page.get_by_label("Password").fill(password)
        async with plain.page.expect_response("**/sign-in") as answer:
            await plain.page.get_by_role("button", name="Sign in").click()
        assert (await answer.value).status == 401
        said.append(await plain.page.get_by_role("alert").inner_text())
        assert await plain.page.get_by_label("User name").input_value() == user
        assert await plain.page.get_by_label("Password").input_value() == ""
    assert said[0] == said[1]


async def test_it_needs_no_other_host_no_script_and_no_inline_style(visit: Visit) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.on("console", lambda message: complaints.append(message.text))
    case = visit.api.at_placement()
    await visit.sign_in("mali", f"/cases/{case['reference']}")
    await expect(visit.page.get_by_role("heading", level=1)).to_be_visible()
    assert all(url.startswith((visit.api.url, "data:")) for url in asked), asked
    assert complaints == []  # the policy on contents complains there
    html = await visit.page.content()
    assert "<script" not in html
    assert "style=" not in html


async def test_forms_work_over_plain_http_under_any_name(
    with_passwords: Running, chromium: Path
) -> None:
    """There browsers send no `Sec-Fetch-Site`: `Origin` alone says whose form it is."""
    flags = [*CHROMIUM_FLAGS, "--host-resolver-rules=MAP homeward.test 127.0.0.1"]
    case = with_passwords.at_placement()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        page = await browser.new_page()
        page.set_default_timeout(10_000)
        port = urlsplit(with_passwords.url).port
        await page.goto(f"http://homeward.test:{port}/tasks/{case['reference']}/placement")
        await page.get_by_label("User name").fill("thida")
        await page.get_by_label("Password").fill(PASSWORD)
        async with page.expect_request("**/sign-in") as asked:
            await page.get_by_role("button", name="Sign in").click()
        assert "sec-fetch-site" not in await (await asked.value).all_headers()
        await page.get_by_role("button", name="We will do it").click()
        await expect(page.get_by_role("status")).to_have_text("Accepted. Thank you.")
        await browser.close()
    assert with_passwords.step(case, "placement")["state"] == "accepted"


async def test_a_form_on_another_site_is_refused_in_plain_words(plain: Visit) -> None:
    url = f"{plain.api.url}/sign-in"
    await plain.page.set_content(f'<form method="post" action="{url}"><button>Win</button></form>')
    async with plain.page.expect_response(url) as answer:
        await plain.page.get_by_role("button", name="Win").click()
    assert (await answer.value).status == 403
    assert "This was sent from another site" in await plain.text()
    assert await plain.overflow() == 0


async def test_what_was_written_is_kept_when_the_session_has_ended(plain: Visit) -> None:
    """Signed out in another tab: nothing was sent, and the words can be copied with the keyboard."""
    case = plain.api.at_placement()
    page, path = plain.page, f"/tasks/{case['reference']}/placement"
    await plain.sign_in("thida", path)
    await page.locator("summary", has_text="Add a note").click()
    await page.locator("#form-note").get_by_label("Note").fill(f"{THAI}\nand more")
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Keep the note").click()
    await expect(page.get_by_role("alert")).to_contain_text("nothing was sent")
    assert await page.get_by_label("Note").input_value() == f"{THAI}\nand more"
    assert await plain.overflow() == 0
    for _ in range(6):  # the skip link, home, name, password, the button, the note
        await page.keyboard.press("Tab")
    await expect(page.get_by_label("Note")).to_be_focused()
    await page.get_by_label("User name").fill("thida")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    assert await page.get_by_label("Note").input_value() == f"{THAI}\nand more"
    assert await plain.overflow() == 0
    await page.get_by_role("link", name="Go on").click()
    await expect(page).to_have_url(plain.api.url + path)
