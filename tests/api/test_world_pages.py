"""Pages on which an administrator or a focal says what changed around the cases."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from local.postgres import RunningPostgres, clone_database, drop_database
from local.temporal import RunningTemporal
from records import posts, users
from tests.api.conftest import PASSWORD, Running, running_on, settings_for
from tests.api.test_pages import Browser
from tests.conftest import TEMPLATE

WHY = {"reason": "The bridge <b>is</b> damaged · ຂົວປິດ", "source": "Notice 12/2026"}


@pytest.fixture(scope="module")
def land(
    postgres_server: RunningPostgres,
    temporal: RunningTemporal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    name = f"worldpages_{uuid.uuid4().hex[:16]}"
    url = clone_database(postgres_server.url, TEMPLATE, name)
    yield from running_on(
        settings_for(url, temporal, tmp_path_factory.mktemp("land"), rehearsal=True)
    )
    drop_database(postgres_server.url, name)


@pytest.fixture(scope="module")
def as_admin(land: Running) -> Iterator[Browser]:
    yield from signed_in(land, "root")


@pytest.fixture(scope="module")
def as_focal(land: Running) -> Iterator[Browser]:
    yield from signed_in(land, "fon")


@pytest.fixture(scope="module")
def as_coordinator(land: Running) -> Iterator[Browser]:
    yield from signed_in(land, "mali")


def signed_in(land: Running, user: str) -> Iterator[Browser]:
    with land.database.begin() as connection:
        users.set_password(connection, user, PASSWORD)
    with Browser(land.url) as browser:
        assert browser.sign_in(user).status_code == 303
        yield browser


def send(browser: Browser, path: str, do: str, **values: Any) -> httpx2.Response:
    return browser.submit(path, {**browser.form(path, do), **values})


def shut_now(browser: Browser, path: str) -> str:
    """The line above a list of cases that names the crossings that are shut."""
    found = re.search(r"Shut now: ([^<]*)", browser.get(path).text)
    return found[1] if found is not None else ""


def test_a_focal_shuts_a_crossing_and_opens_it_again(
    land: Running, as_focal: Browser, as_coordinator: Browser
) -> None:
    land.a_case()
    path = "/world/crossings/nong-khai"
    form = as_focal.form(path, "crossing_closed")
    first = as_focal.submit(path, {**form, **WHY})
    assert (first.status_code, first.headers["location"]) == (303, "/world?done=said")
    assert as_focal.submit(path, {**form, **WHY}).status_code == 303  # the same form once more
    shown = as_focal.get("/world").text
    assert "The bridge &lt;b&gt;is&lt;/b&gt; damaged · ຂົວປິດ" in shown
    assert "<b>is</b>" not in shown
    assert "Nong Khai – Vientiane" in shut_now(as_coordinator, "/cases")
    assert "Nong Khai – Vientiane" in shut_now(as_coordinator, "/stalled")
    assert send(as_focal, path, "crossing_open", **WHY).status_code == 303
    assert "Nong Khai – Vientiane" not in shut_now(as_coordinator, "/cases")


def test_a_form_without_a_reason_comes_back_with_what_was_typed(as_focal: Browser) -> None:
    answer = send(as_focal, "/world/crossings/chong-mek", "crossing_closed", source="a call")
    assert answer.status_code == 422
    assert 'value="a call"' in answer.text
    assert "Fill this in" in answer.text


def test_somebody_who_was_slower_is_told_that_it_is_so_already(
    as_focal: Browser, as_admin: Browser
) -> None:
    path = "/world/crossings/golden-triangle"
    slow = as_focal.form(path, "crossing_closed")
    assert send(as_admin, path, "crossing_closed", **WHY).status_code == 303
    answer = as_focal.submit(path, {**slow, **WHY})
    assert answer.status_code == 409
    assert "Open the crossing" in answer.text


def test_a_day_off_is_shown_before_it_is_said(land: Running, as_admin: Browser) -> None:
    case = land.a_case(age=9)
    done = land.psdhs.do(f"/tasks/{case['case']}/guardian/complete", {"outcome": "appointed"})
    assert done.status_code == 200, done.text
    day = land.step(case, "best_interests")["due_at"][:10]
    path = "/world/calendars/TH"
    seen = send(as_admin, path, "calendar", off=day, **WHY)
    assert seen.status_code == 200
    assert "What would move" in seen.text
    assert case["reference"] in seen.text
    assert day not in str(land.root.read("/calendars").json()["items"][0]["off"])
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', seen.text))
    other = as_admin.submit(path, {**hidden, "off": f"{day} 2199-01-01", **WHY})
    assert "What would move" in other.text  # other days are shown anew
    answer = as_admin.submit(path, {**hidden, "off": day, **WHY})
    assert answer.status_code == 303, answer.text
    calendars = land.root.read("/calendars").json()["items"]
    assert day in next(one for one in calendars if one["country"] == "TH")["off"]


def test_a_day_that_is_none_is_named(as_admin: Browser) -> None:
    answer = send(as_admin, "/world/calendars/LA", "calendar", off="tomorrow", **WHY)
    assert answer.status_code == 422
    assert 'value="tomorrow"' in answer.text


def test_a_post_changes_hands(land: Running, as_admin: Browser) -> None:
    assert "National committee, secretariat" in as_admin.get("/world/posts").text
    with land.database.begin() as connection:
        users.create(connection, "next.chief", "Next Chief", datetime.now(UTC), None)
    path = "/world/posts/th-national"
    values = {"post": "head", "holder": "next.chief", "role": "manager", **WHY}
    assert send(as_admin, path, "post", **values).status_code == 303
    assert "Next Chief" in as_admin.get(path).text
    nobody = send(as_admin, path, "post", **{**values, "holder": "nobody.known"})
    assert nobody.status_code == 422
    with land.database.begin() as connection:
        held = posts.holders(connection, datetime.now(UTC) + timedelta(seconds=1))
    assert held["th-national"].head == "next.chief"


def test_rules_that_all_follow_say_that_nothing_would_change(as_admin: Browser) -> None:
    page = as_admin.get("/world/rules/th-la")
    assert "0 due dates of 0 cases would move" in page.text
    answer = send(as_admin, "/world/rules/th-la", "rules", **WHY)
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "path",
    ["crossings/nowhere", "calendars/XX", "posts/nowhere", "rules/no-no"],
)
def test_what_is_not_there_is_not_found(as_admin: Browser, path: str) -> None:
    assert as_admin.get(f"/world/{path}").status_code == 404
