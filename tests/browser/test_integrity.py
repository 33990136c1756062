from tests.browser.conftest import Visit


async def test_whoever_keeps_the_system_running_sees_whether_records_agree(
    plain: Visit,
) -> None:
    case = plain.api.a_case()
    await plain.sign_in("root", "/integrity")
    assert "open cases" in await plain.text()
    assert "Ledger, rows and engine agree." not in await plain.text()  # that is not looked at here
    assert await plain.overflow() == 0
    await plain.page.get_by_label("Look into one case").fill(case["reference"])
    await plain.page.keyboard.press("Enter")
    await plain.page.wait_for_url("**/integrity?find=*")
    shown = await plain.text()
    assert f"Case {case['reference']}" in shown
    assert "Ledger, rows and engine agree." in shown
    await plain.page.get_by_label("Look into one case").fill("no such")
    await plain.page.keyboard.press("Enter")
    await plain.page.get_by_role("alert").wait_for()


async def test_nobody_else_is_shown_the_way_there(visit: Visit) -> None:
    await visit.sign_in("mali")
    assert await visit.page.get_by_role("link", name="Integrity").count() == 0
    await visit.open("/integrity")
    assert "open cases" not in await visit.text()
