"""A partner at work on a phone, without JavaScript."""

from playwright.async_api import expect

from tests.browser.conftest import Visit

THAI = "น้ำท่วมถนน รถเข้าไม่ได้"
LAO = "ນ້ຳຖ້ວມ ລົດເຂົ້າບໍ່ໄດ້"
BURMESE = "ရေကြီးလို့ ကားမဝင်နိုင်ပါ"
HOSTILE = "<script>document.title='stolen'</script>"


async def test_it_lets_a_partner_accept_and_complete_a_task_on_a_phone(plain: Visit) -> None:
    case = plain.api.at_placement()
    page = plain.page
    await plain.sign_in("thida", "/tasks")
    card = page.get_by_role("listitem").filter(has_text=case["reference"])
    await plain.turn_to(card)
    await expect(card).to_contain_text("offered")
    await expect(card).to_contain_text("left")
    await card.get_by_role("link", name="A safe place to stay").click()
    await page.get_by_role("button", name="We will do it").click()
    await expect(page.get_by_role("status")).to_have_text("Accepted. Thank you.")
    assert plain.api.step(case, "placement")["state"] == "accepted"
    await page.get_by_label("Placed").check()
    await page.get_by_role("button", name="Record the outcome").click()
    await expect(page.get_by_role("status")).to_have_text("Recorded.")
    await expect(await plain.turn_to(card)).to_have_count(1)
    step = plain.api.step(case, "placement")
    assert (step["state"], step["outcome"]) == ("done", "placed")


async def test_it_can_be_done_with_the_keyboard_alone(visit: Visit) -> None:
    case = visit.api.at_placement()
    page = visit.page
    await visit.open("/sign-in")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("thida")
    await page.keyboard.press("Tab")
    await page.keyboard.type("correct horse battery")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tasks")
    await visit.open(f"/tasks/{case['reference']}/placement")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.get_by_label("Placed").evaluate("e => e === document.activeElement"):
            break
    await page.keyboard.press("Space")
    for _ in range(40):
        await page.keyboard.press("Tab")
        button = page.get_by_role("button", name="Record the outcome")
        if await button.evaluate("e => e === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Recorded.")
    assert visit.api.step(case, "placement")["outcome"] == "placed"


async def test_it_keeps_what_was_typed_and_says_what_is_wrong(plain: Visit) -> None:
    case = plain.api.at_placement()
    page = plain.page
    await plain.sign_in("thida", f"/tasks/{case['reference']}/placement")
    form = page.locator("#form-complete")
    await form.get_by_label("Reason").fill(THAI)
    await form.get_by_label("When did it happen?").fill("2031-01-02T10:00")
    async with page.expect_response("**/placement") as answer:
        await form.get_by_role("button").click()
    assert (await answer.value).status == 422
    await expect(form.get_by_role("alert")).to_contain_text("How did it end?")
    assert await form.get_by_label("Reason").input_value() == THAI
    assert await form.get_by_label("When did it happen?").input_value() == "2031-01-02T10:00"
    await form.get_by_label("Placed").check()
    async with page.expect_response("**/placement") as answer:
        await form.get_by_role("button").click()
    assert (await answer.value).status == 422
    await expect(form.get_by_role("alert")).to_contain_text("has not come yet")
    await expect(form.get_by_label("Placed")).to_be_checked()
    await form.get_by_label("When did it happen?").fill("")
    await form.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_have_text("Recorded.")


async def test_it_shows_words_of_every_script_to_those_who_may_read_them(plain: Visit) -> None:
    case = plain.api.at_placement(person={"name": HOSTILE, "contact": LAO})
    page = plain.page
    await plain.sign_in("thida", f"/tasks/{case['reference']}/placement")
    await page.get_by_text("Decline or hand back").click()
    reason = f"{THAI}\n{LAO}\n{BURMESE}\n{HOSTILE}"
    await page.locator("#form-decline").get_by_label("Reason").fill(reason)
    await page.locator("#form-decline").get_by_role("button").click()
    await expect(page.get_by_role("status")).to_contain_text("Handed back.")
    await page.get_by_role("button", name="Sign out").click()

    await plain.sign_in("mali", f"/cases/{case['reference']}")
    assert THAI not in await plain.text()
    await page.get_by_text("Show reasons in words, and who it is about").click()
    await page.get_by_label("Why do you open this?").fill("finding another shelter")
    await page.get_by_role("button", name="Show").click()
    assert reason in (await page.locator("blockquote").inner_text())
    await expect(page.locator("#opened-words")).to_contain_text(HOSTILE)
    await expect(page.locator("#opened-words")).to_contain_text(LAO)
    assert await page.locator("script").count() == 0
    assert "stolen" not in await page.title()
    assert await plain.overflow() == 0
