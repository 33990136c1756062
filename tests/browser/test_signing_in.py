"""Signing in and out, in a real browser."""

import re

from playwright.async_api import expect

from tests.api.conftest import PASSWORD
from tests.browser.conftest import Visit


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
