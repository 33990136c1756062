"""Forms filled in wrongly: the page shows what was typed and what is wrong, and nothing happened.

And every page x every role: what is not stated here may not exist.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.app import create_app
from api.pages.throttle import Throttle
from records import users
from settings import Settings
from tests.api.conftest import CAST, PASSWORD, Running
from tests.api.test_access import WHO, flat
from tests.api.test_malformed import counted, nothing_written
from tests.api.test_pages import Browser, People

OPENS = "2026-02-02T09:00:00+07:00"


@pytest.fixture(scope="module")
def everybody(api: Running) -> Iterator[People]:
    """Everybody, signed in."""
    with api.database.begin() as connection:
        for user, _, _ in CAST:
            users.set_password(connection, user, PASSWORD)
    api.app.state.throttle = Throttle()
    found = People(api.url)
    yield found
    for browser in found.values():
        browser.close()


@pytest.fixture(scope="module")
def case(api: Running) -> str:
    """A case whose placement is offered to the shelter and whose report waits for a decision."""
    found: str = api.at_placement(opens=OPENS)["case"]
    moved = api.mali.do(f"/rehearsal/cases/{found}/clock", {"to": "2026-02-16T09:00:00+07:00"})
    assert moved.status_code == 200, moved.text
    return found


# Page, who fills in which form, what is right, and the field that is wrong.
PLACEMENT, CASE, DECIDE, NEW = (
    "/tasks/{}/placement",
    "/cases/{}",
    "/stalled/{}/report",
    "/cases/new",
)
FORMS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "note": (PLACEMENT, "thida", "note", {}),
    "promise": (PLACEMENT, "thida", "promise", {}),
    "complete": (PLACEMENT, "thida", "complete", {"outcome": "placed"}),
    "decline": (PLACEMENT, "thida", "decline", {}),
    "hold": (CASE, "mali", "hold", {"reason": "she is ill", "until": "2199-01-04"}),
    "consent": (CASE, "mali", "consent", {"purpose": "tracing", "until": "2026-12-31"}),
    "decide": (DECIDE, "anan", "decide", {"decision": "extend", "reason": "the road is cut"}),
    "open": (NEW, "mali", "open", {"corridor": "th-la", "person.name": "Noi", "age": "24"}),
}
WRONG: list[tuple[str, str, str, str]] = [
    # form, field, what was typed, what is said
    *(
        (form, field, typed, said)
        for form, field in (
            ("note", "note"),
            ("decline", "reason"),
            ("hold", "reason"),
            ("decide", "reason"),
            ("open", "person.name"),
            ("open", "person.contact"),
        )
        for typed, said in (
            ("before\u202eretfa", "hides or turns around"),
            ("a\u0007b", "control character"),
            ("a\u0000b", "control character"),
            ("n" + "\u0301" * 40, "too many marks"),
            ("\u200b\u200b", "nothing but blanks"),
            ("x" * 4001, "at most"),
        )
    ),
    *(
        (form, field, typed, said)
        for form, field in (
            ("promise", "date"),
            ("hold", "until"),
            ("consent", "until"),
            ("decide", "due"),
            ("open", "born"),
        )
        for typed, said in (
            ("0000-01-01", "must be a year from 1900 to 2199"),
            ("9999-12-31", "must be a year from 1900 to 2199"),
            ("2569-03-05", "looks Buddhist; write 2026"),
            ("2026-02-30", "must be a date"),
            ("5/3/2026", "must be a date"),
        )
    ),
    ("complete", "happened", "2569-02-10T09:00", "looks Buddhist; write 2026"),
    ("complete", "happened", "2026-02-40T09:00", "must be a moment"),
    ("complete", "happened", "2026-02-10", "must be a moment"),
    ("complete", "happened", "2190-02-10T09:00", ""),
    ("complete", "happened", "2001-02-10T09:00", ""),
    ("complete", "outcome", "flown", ""),
    ("hold", "until", "1999-01-01", ""),
    ("decide", "decision", "shrug", ""),
    ("open", "corridor", "xx-yy", "is one of"),
    ("open", "age", "130", "from 0 to 120, or unknown"),
    ("open", "age", "very old", "from 0 to 120, or unknown"),
    ("open", "opens", "0000-01-01T09:00", "must be a year from 1900"),
]


@pytest.mark.parametrize(("name", "field", "typed", "said"), WRONG)
def test_it_shows_what_was_typed_and_what_is_wrong(
    api: Running, everybody: People, case: str, name: str, field: str, typed: str, said: str
) -> None:
    page, who, do, right = FORMS[name]
    path = page.format(case)
    form = {**everybody[who].form(path, do), **right, field: typed}
    with nothing_written(api, case):
        answer = everybody[who].submit(path, form)
    assert answer.status_code == 422, answer.text
    assert 'role="alert"' in answer.text
    assert "Traceback" not in answer.text
    shown = the_form(answer.text, do)
    assert html.unescape(shown).count(typed) >= (field not in {"outcome", "decision", "corridor"})
    for other, value in right.items():
        if other not in {field, "outcome", "decision", "corridor", "purpose"}:
            assert value in shown, f"{other} was forgotten"
    assert said in html.unescape(shown)
    assert len(alert_of(shown)) > 20
    # beside its question too, not only above the form
    assert f'id="{do}-{field.replace(".", "-")}-problem"' in shown


@pytest.mark.parametrize(
    ("name", "field", "typed", "said"),
    [
        ("complete", "outcome", "flown", "A safe place to stay ends as Placed, "),
        ("complete", "happened", "2001-02-10T09:00", "lies before A safe place to stay began"),
        ("decide", "decision", "shrug", "is one of Extend: give more time, Reassign"),
        ("open", "corridor", "xx-yy", "is one of Lao PDR to Thailand: "),
        ("open", "province", "ubon ratchathani", "Ubon Ratchathani"),
        ("open", "sex", "unclear", "is one of Female, Male"),
    ],
)
def test_it_says_what_is_wrong_in_the_words_of_the_page(
    everybody: People, case: str, name: str, field: str, typed: str, said: str
) -> None:
    page, who, do, right = FORMS[name]
    form = {**everybody[who].form(page.format(case), do), **right, field: typed}
    answer = everybody[who].submit(page.format(case), form)
    assert answer.status_code == 422
    assert said in html.unescape(alert_of(the_form(answer.text, do)))


def the_form(page: str, do: str) -> str:
    """The form as the page shows it again."""
    found = re.search(rf'<form[^>]*id="form-{do}".*?</form>', page, re.DOTALL)
    assert found is not None
    return found[0]


def alert_of(form: str) -> str:
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', form, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>|\s+", " ", found[1])


def test_it_takes_no_form_of_somebody_elses_task_or_of_one_that_has_ended(
    api: Running, everybody: People
) -> None:
    case = api.at_placement()["case"]
    path = f"/tasks/{case}/placement"
    form = {**everybody["thida"].form(path, "complete"), "outcome": "placed"}
    with nothing_written(api, case):
        assert everybody["viktor"].submit(path, form).status_code in {403, 404}
        assert everybody["ngo"].submit(path, form).status_code in {403, 404}
    assert everybody["thida"].submit(path, form).status_code == 303
    with nothing_written(api, case):
        assert everybody["thida"].submit(path, form).status_code == 303  # the same once more
        late = everybody["thida"].submit(path, {**form, "key": "", "version": ""})
    assert late.status_code == 409


def test_it_shows_a_page_for_a_fault_of_ours_and_says_nothing_about_it(
    everybody: People, case: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("Somchai at line 7 of secrets.py")

    monkeypatch.setattr("api.pages.cases.case_shape", breaks, raising=False)
    monkeypatch.setattr("api.pages.cases._stand", breaks)
    answer = everybody["mali"].get(f"/cases/{case}")
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] in answer.text
    assert "Somchai" not in answer.text + caplog.text
    assert "Error" not in answer.text


# -- every page x every role

EVERYBODY = "coordinator partner manager focal secretary admin rules_writer"
CARE = "coordinator manager focal secretary"
HOLDING = "coordinator partner manager focal secretary"
STATED = {
    "GET /sign-in": "anybody",
    "POST /sign-in": "anybody",
    "POST /sign-out": "anybody",
    "GET /": EVERYBODY,
    "GET /welcome": EVERYBODY,
    "GET /cases": CARE,
    "GET /cases/new": "coordinator",
    "POST /cases/new": "coordinator",
    "GET /cases/{case_ref}": CARE,
    "POST /cases/{case_ref}": CARE,
    "POST /cases/{case_ref}/words": CARE,
    "GET /tasks": HOLDING,
    "GET /tasks/{case_ref}/{step:path}": HOLDING,
    "POST /tasks/{case_ref}/{step:path}": HOLDING,
    "GET /world": "focal admin",
    "GET /world/crossings/{crossing}": "focal admin",
    "POST /world/crossings/{crossing}": "focal admin",
    "GET /world/calendars/{country}": "admin",
    "POST /world/calendars/{country}": "admin",
    "GET /world/posts": "admin",
    "GET /world/posts/{office}": "admin",
    "POST /world/posts/{office}": "admin",
    "GET /world/rules/{corridor}": "admin",
    "POST /world/rules/{corridor}": "admin",
    "GET /integrity": "admin",
    "GET /stalled": CARE,
    "GET /stalled/{case_ref}/{step:path}": "manager focal secretary",
    "POST /stalled/{case_ref}/{step:path}": "manager focal secretary",
}


def page_routes() -> dict[str, APIRoute]:
    app: FastAPI = create_app(Settings(database_url="postgresql://nowhere/nothing"))
    pages = [r for r in flat(r for r in app.router.routes if not is_static(r)) if is_page(r)]
    return {f"{method} {r.path}": r for r in pages for method in sorted(r.methods or ())}


def is_static(route: Any) -> bool:
    return str(getattr(route, "path", "")).startswith("/static")


def is_page(route: APIRoute) -> bool:
    return route.endpoint.__module__.startswith("api.pages") and not is_static(route)


def test_it_states_an_answer_for_every_page() -> None:
    assert set(page_routes()) == set(STATED)


@pytest.mark.parametrize("role", [*WHO, ""])
@pytest.mark.parametrize("name", sorted(n for n in STATED if STATED[n] != "anybody"))
def test_it_shows_each_page_to_those_who_are_stated_and_nobody_else(
    api: Running, everybody: People, case: str, name: str, role: str
) -> None:
    method, _, path = name.partition(" ")
    for parameter, value in (
        ("{case_ref}", "AAAAA-AAAAA"),
        ("{step:path}", "report"),
        ("{crossing}", "nong-khai"),
        ("{country}", "LA"),
        ("{office}", "th-datip"),
        ("{corridor}", "th-la"),
    ):
        path = path.replace(parameter, value)
    before = counted(api, case)
    with Browser(api.url) as stranger:
        browser = everybody[WHO[role]] if role else stranger
        answer = browser.get(path) if method == "GET" else browser.submit(path, {"by": ""})
    if not role and method == "GET":
        assert answer.headers["location"].startswith("/sign-in")
    elif not role:
        assert answer.status_code == 401
        assert "nothing was sent" in answer.text
    elif role in STATED[name].split():
        assert answer.status_code in {200, 303, 404, 422}, answer.text
    else:
        assert answer.status_code == 403
    assert answer.headers.get("content-type", "text/html").startswith("text/html")
    assert counted(api, case) == before
