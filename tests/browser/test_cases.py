"""A coordinator before a case, a secretary before what stands still."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Visit, a_stalled_case


async def test_it_shows_a_case_as_sentence_plan_forecast_and_timeline(plain: Visit) -> None:
    case = plain.api.at_placement()
    page = plain.page
    await plain.sign_in("mali", f"/cases/{case['reference']}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(case["reference"])
    await expect(page.locator(".waits")).to_contain_text("Waits for “First report read and sorted”")
    await expect(page.locator(".waits")).to_contain_text("Sirindhorn district desk")
    placement = page.locator(".steps li").filter(has_text="A safe place to stay")
    await expect(placement).to_contain_text("offered")
    await expect(placement).to_contain_text("Temporary shelter Ubon Ratchathani")
    screening = page.locator(".steps li").filter(has_text="First screening")
    await expect(screening).to_contain_text("Presumed victim")
    assert await page.locator(".forecast > li").count() > 3
    told = plain.api.mali.read(f"/cases/{case['case']}/forecast").json()["if_nobody_acts"]
    shown = await page.locator(".forecast > li").all_inner_texts()
    assert len(await page.locator(".forecast > li").all()) == len(told)
    assert told[0]["title"] in shown[0]
    await expect(page.locator(".timeline")).to_contain_text("The case was opened.")
    await expect(page.locator(".timeline")).to_contain_text(
        "“First screening” ended: Presumed victim."
    )
    gate = page.locator(".gates li").filter(has_text="Nationality confirmed")
    await expect(gate).to_contain_text("shut")
    assert "Noi" not in await plain.text()


async def test_it_opens_a_case_and_puts_it_on_hold(plain: Visit) -> None:
    page = plain.page
    await plain.sign_in("mali", "/cases/new")
    await page.get_by_label("Way home").select_option("th-la")
    await page.get_by_label("Name of the person").fill("Noy")
    await page.get_by_role("checkbox", name="The age is not known").check()
    await page.get_by_label("Female").check()
    await page.get_by_label("Undocumented").check()
    await page.get_by_role("button", name="Open the case").click()
    await expect(page.get_by_role("status")).to_contain_text("The case is open.")
    await expect(page.locator("main")).to_contain_text("A child, or of unknown age")
    reference = await page.get_by_role("heading", level=1).inner_text()
    await page.get_by_text("Put the case on hold", exact=True).click()
    hold = page.locator("#form-hold")
    await hold.get_by_label("Reason").fill("she is in hospital")
    await hold.get_by_role("button").click()
    await expect(hold.get_by_role("alert")).to_contain_text("Until")
    assert await hold.get_by_label("Reason").input_value() == "she is in hospital"
    await hold.get_by_label("Until").fill("2031-03-05")
    await hold.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_have_text("The case is on hold.")
    assert plain.api.mali.read(f"/cases/{reference}").json()["status"] == "on_hold"


async def test_it_lets_a_secretary_end_an_escalation_by_a_decision(plain: Visit) -> None:
    case = a_stalled_case(plain.api)
    page = plain.page
    await plain.sign_in("anan", "/stalled")
    row = page.get_by_role("listitem").filter(
        has=page.get_by_role("heading", name=case["reference"])
    )
    await plain.turn_to(row)
    await expect(row).to_contain_text("First report read and sorted")
    await expect(row).to_contain_text("country of stay")
    await expect(row).to_contain_text("Thailand to Lao PDR")
    await expect(row).to_contain_text(re.compile("16 February 2026: level E3"))
    await row.get_by_role("link", name="Decide: First report read and sorted").click()
    await page.get_by_label("Extend: give more time").check()
    await page.get_by_label("Reason").fill("The district office was flooded.")
    await page.get_by_role("button", name="Record the decision").click()
    await expect(page.get_by_role("alert")).to_contain_text("New due date")
    await expect(page.get_by_label("Extend: give more time")).to_be_checked()
    await page.locator("#decide-due").fill("2026-02-27")
    await page.get_by_role("button", name="Record the decision").click()
    await expect(page.get_by_role("status")).to_contain_text("The decision is recorded")
    step = plain.api.step(case, "report")
    assert step["escalation"] == "decided"
    assert step["due_at"].startswith("2026-02-27")
    await plain.open(f"/cases/{case['reference']}")
    await expect(page.locator(".timeline")).to_contain_text("Decision on “First report read")


async def test_no_page_is_wider_than_a_phone(plain: Visit) -> None:
    case = a_stalled_case(plain.api)
    here = f"/cases/{case['reference']}"
    await plain.sign_in("mali", "/")
    for path in (
        "/tasks",
        "/cases",
        "/cases/new",
        "/stalled",
        here,
        f"/tasks/{case['reference']}/report",
    ):
        await plain.open(path)
        await expect(plain.page.get_by_role("heading", level=1)).to_be_visible()
        assert await plain.overflow() == 0, path
