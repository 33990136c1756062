"""Odd things that people and programs send every day: an answer in words, and never one by luck."""

from __future__ import annotations

import html
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.pages.throttle import Throttle
from records import users
from tests.api.conftest import PASSWORD, Running, new_key
from tests.api.test_malformed import JSON, is_a_problem, nothing_written
from tests.api.test_pages import Browser
from tests.api.test_pages_malformed import alert_of, the_form


@pytest.fixture(scope="module")
def case(api: Running) -> str:
    """A case whose placement is offered; nothing below changes it."""
    found: str = api.at_placement()["case"]
    return found


@pytest.fixture(scope="module")
def mali(api: Running) -> Iterator[Browser]:
    """A coordinator's browser, signed in."""
    with api.database.begin() as connection:
        users.set_password(connection, "mali", PASSWORD)
    api.app.state.throttle = Throttle()
    with Browser(api.url) as browser:
        assert browser.sign_in("mali").status_code == 303
        yield browser


def bare(api: Running, *lines: str) -> str:
    """Send a request as bytes, past every client that would mend it; return the answer."""
    host = urlsplit(api.url)
    asked = "\r\n".join([*lines, "Host: here", "Connection: close", "", ""]).encode("latin-1")
    with socket.create_connection((host.hostname, host.port), timeout=10) as line:
        line.sendall(asked)
        told = b""
        while part := line.recv(65536):
            told += part
    return told.decode("utf-8", "replace")


# -- what led to a fault of ours


@pytest.mark.parametrize("origin", ["http://[::1", "http://]", "//[", "http://[v.x]", "::::"])
def test_it_refuses_an_origin_that_is_no_address(api: Running, origin: str) -> None:
    told = bare(api, "POST /sign-in HTTP/1.1", f"Origin: {origin}", "Content-Length: 0")
    assert told.startswith("HTTP/1.1 403 ")
    assert "Traceback" not in told


@pytest.mark.parametrize("back", ["//[", "http://[::1", "/\\[", "/[", "[", "//]@[", "/tasks#[//["])
def test_it_leads_home_from_a_way_back_that_is_no_address(api: Running, back: str) -> None:
    with Browser(api.url) as stranger:
        assert stranger.get("/sign-in", params={"next": back}).status_code == 200
        api.app.state.throttle = Throttle()
        answer = stranger.sign_in("mali", next=back)
    assert answer.status_code in {303, 401}


@pytest.mark.parametrize("version", ["²", "๑", "၁", "໑", "①", "-1", "1e3", "9" * 5000, " 7 "])
def test_it_asks_no_version_of_a_form_that_is_no_number(
    mali: Browser, case: str, version: str
) -> None:
    form = {**mali.form(f"/cases/{case}", "hold"), "reason": "she is ill", "until": "1999-01-04"}
    answer = mali.submit(f"/cases/{case}", {**form, "version": version})
    assert answer.status_code == 422
    assert "lies in the past" in alert_of(the_form(answer.text, "hold"))


# -- days and moments that are taken for others

NO_DAYS = (
    "1772668800",  # seconds since 1970
    "20260305",
    "2199-01-04T00:00:00",
    "2199-01-04T00:00:00Z",
    "2199-W01-5",
    "2199-005",
    "2199-1-4",
    " 2199-01-04",
    "+2199-01-04",
    "๒๑๙๙-๐๑-๐๔",
    "၂၁၉၉-၀၁-၀၄",
    "໒໑໙໙-໐໑-໐໔",
    "２１９９-０１-０４",
    "2199–01–04",
)
NO_MOMENTS = (
    "1772668800",
    "20260305T100000Z",
    "99990305T100000Z",  # a year that no rule looked at
    "25690305T100000+0700",
    "2199-W10-4T10:00:00Z",
    "2199-03-05x10:00:00Z",
    "2199-03-05T10:00:00,5Z",
    "2199-03-05T10Z",
    "2199-03-05T10:00:00",
    "๒๑๙๙-๐๓-๐๕T๑๐:๐๐:๐๐Z",
    "2199-03-05T10:00:00+07",
    "2199-03-05T10:00:00+99:00",
)
MOMENTS = (
    "2199-03-05T10:00:00+07:00",
    "2199-03-05T10:00+07:00",
    "2199-03-05 10:00:00.123456Z",
    "2199-03-05t10:00:00z",
)


@pytest.mark.parametrize("day", NO_DAYS)
def test_it_takes_for_a_day_only_what_reads_as_one(api: Running, case: str, day: str) -> None:
    asked = {"do": "hold", "reason": "she is ill", "until": day}
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", asked)
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == "until"
    assert "must be a date, as 2026-03-05" in problem["detail"]


@pytest.mark.parametrize("moment", NO_MOMENTS)
@pytest.mark.parametrize(
    ("path", "field"),
    [("/tasks/{}/placement/promise", "date"), ("/tasks/{}/placement/complete", "happened")],
)
def test_it_takes_for_a_moment_only_what_reads_as_one(
    api: Running, case: str, path: str, field: str, moment: str
) -> None:
    with nothing_written(api, case):
        answer = api.thida.do(path.format(case), {field: moment, **OUTCOME[field]})
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == field
    assert "offset" in problem["detail"]


OUTCOME: dict[str, dict[str, str]] = {"date": {}, "happened": {"outcome": "placed"}}


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_takes_moments_as_programs_write_them(api: Running, case: str, moment: str) -> None:
    asked = {"outcome": "placed", "happened": moment}
    with nothing_written(api, case):
        answer = api.thida.do(f"/tasks/{case}/placement/complete", asked)
    is_a_problem(answer, 422, "in-the-future")


# -- numbers


@pytest.mark.parametrize("number", ["๑๐", "၁၀", "໑໐", "１０", "5_0", "5.0", "+5", " 5", "", "1e1"])
@pytest.mark.parametrize("name", ["limit", "at_least", "days"])
def test_it_takes_only_plain_digits_for_a_number(
    api: Running, case: str, name: str, number: str
) -> None:
    path = {"limit": "", "at_least": f"/{case}", "days": f"/{case}/forecast"}[name]
    answer = api.mali.get(f"/api/v1/cases{path}", params={name: number})
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == name
    assert "whole number" in problem["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "must be at least 1"),
        ("limit=-1", "must be at least 1"),
        ("limit=101", "must be at most 100"),
        ("limit=1000000000", "must be at most 100"),
        ("limit=" + "9" * 5000, "must be"),
        ("corridor=TH-LA", "small letters"),
        ("office=", "small letters"),
        ("cursor=" + "a" * 501, "may have at most 500 characters"),
    ],
)
def test_it_says_in_words_what_a_list_can_take(api: Running, query: str, said: str) -> None:
    problem = is_a_problem(api.mali.get(f"/api/v1/cases?{query}"), 422, "invalid-field")
    assert said in problem["detail"]


@pytest.mark.parametrize("version", ["1", True, 1.5, "๑", "", [1]])
def test_it_takes_only_a_number_for_a_version(api: Running, case: str, version: Any) -> None:
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", {"do": "resume", "version": version})
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == "version"
    assert "whole number" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"result": {f"k{n}": "v" for n in range(21)}}, "may have at most 20 entries"),
        ({"result": {"A": "v"}}, "small letters"),
        ({"result": {"ก": "v"}}, "small letters"),
        ({"reason": ""}, "must have at least 1 character"),
        ({"reason": "x" * 4001}, "may have at most 4000 characters"),
        ({"step": "a b"}, "letters, digits"),
        ({"version": -1}, "must be at least 0"),
    ],
)
def test_it_names_what_is_wrong_without_the_words_of_programmers(
    api: Running, case: str, body: dict[str, Any], said: str
) -> None:
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", {"do": "resume", **body})
    problem = is_a_problem(answer, 422, "invalid-field")
    assert said in problem["detail"]
    for ours in ("[key]", "Dictionary", "String", "Input", "validation", "parse"):
        assert ours not in answer.text


@pytest.mark.parametrize("key", ["a b", "ก".encode(), b"\xff", "x" * 201])
def test_it_says_what_a_key_may_be(api: Running, case: str, key: str | bytes) -> None:
    named = key if isinstance(key, bytes) else key.encode()
    headers = [
        (b"idempotency-key", named),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {api.tokens['mali']}".encode()),
    ]
    answer = api.nobody.post(
        f"/api/v1/cases/{case}/acts", content=b'{"do": "resume"}', headers=headers
    )
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == "Idempotency-Key"
    assert "200" in problem["detail"] or "letters, digits" in problem["detail"]


# -- words that nobody can see

UNSEEN = [0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x200E, 0x2060, 0x2800, 0x3164, 0xFE0F, 0xFFA0]
HIDING = [0xFFF9, 0xFFFD, 0xFFFF, 0x206A, 0xE0041, 0xE007F, 0x1D173]


@pytest.mark.parametrize("sign", UNSEEN, ids=hex)
def test_it_takes_no_reason_that_nobody_can_see(api: Running, case: str, sign: int) -> None:
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", {"do": "resume", "reason": chr(sign) * 3})
    assert "nothing but blanks" in is_a_problem(answer, 422, "invalid-field")["detail"]


@pytest.mark.parametrize("sign", HIDING, ids=hex)
def test_it_takes_no_signs_that_carry_hidden_words(api: Running, case: str, sign: int) -> None:
    reason = f"she is ill{chr(sign)}"
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", {"do": "resume", "reason": reason})
    assert is_a_problem(answer, 422, "invalid-field")["field"] == "reason"


@pytest.mark.parametrize("sign", UNSEEN, ids=hex)
def test_it_takes_them_among_words_that_were_copied_from_elsewhere(
    api: Running, case: str, sign: int
) -> None:
    answer = api.mali.do(f"/cases/{case}/acts", {"do": "resume", "reason": f"a{chr(sign)}b"})
    is_a_problem(answer, 409, "wrong-state")


def test_it_takes_no_form_whose_words_arrived_broken(
    api: Running, mali: Browser, case: str
) -> None:
    headers = {
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
    }
    body = b"do=hold&reason=ill%FF&until=2199-01-04"
    with nothing_written(api, case):
        answer = mali.post(f"/cases/{case}", content=body, headers=headers)
    assert answer.status_code == 422
    assert "could not be read" in alert_of(the_form(answer.text, "hold"))


# -- headers that would be believed


@pytest.mark.parametrize("name", ["If-Match", "If-Unmodified-Since", "If-None-Match"])
def test_it_makes_no_change_under_a_condition_it_does_not_keep(
    api: Running, case: str, name: str
) -> None:
    """Whoever sends one believes that a change of somebody else is not written over."""
    headers = {"Idempotency-Key": new_key(), "X-Purpose": "she moved", name: '"1"'}
    with nothing_written(api, case):
        answer = api.mali.put(f"/api/v1/cases/{case}/person", json={"name": "A"}, headers=headers)
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == name
    assert "version" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ('{"do": "resume"}'.encode("utf-16"), "application/json", 422),
        ('{"do": "resume"}'.encode("utf-32-le"), "application/json", 422),
        (b'{"do": "resume"}', "application/json; charset=utf-16", 415),
        (b'{"do": "resume"}', 'application/json; charset="latin1"', 415),
        (b'{"do": "resume"}', 'application/json; charset="UTF-8"', 409),
        (b'\xef\xbb\xbf{"do": "resume"}', "application/json; charset=utf8", 409),
    ],
)
def test_it_reads_json_in_one_way_of_writing_alone(
    api: Running, case: str, content: bytes, kind: str, status: int
) -> None:
    headers = {"Idempotency-Key": new_key(), "Content-Type": kind}
    answer = api.mali.post(f"/api/v1/cases/{case}/acts", content=content, headers=headers)
    assert is_a_problem(answer, status, answer.json()["type"])


# -- methods and addresses


@pytest.mark.parametrize(
    "path",
    ["/health/live", "/health/ready", "/metrics", "/sign-in", "/api/v1/me", "/api/v1/cases"],
)
def test_it_answers_head_as_it_answers_get(api: Running, path: str) -> None:
    """Load balancers and link checkers ask so."""
    got, head = api.mali.get(path), api.mali.head(path)
    assert head.status_code == got.status_code == 200
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["x-request-id"]
    assert head.content == b""


def test_it_changes_nothing_for_a_head(api: Running, case: str) -> None:
    with nothing_written(api, case):
        answer = api.mali.head(f"/api/v1/cases/{case}/acts")
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/nothing", 404, "nothing here that you may see"),
        ("GET", "/cases/", 404, "nothing here that you may see"),
        ("GET", "/sign-in/", 404, "nothing here that you may see"),
        ("GET", "/sign-out", 405, "does not take that"),
        ("GET", "/cases/AAAAA-AAAAA/words", 405, "does not take that"),
        ("POST", "/tasks", 405, "does not take that"),
        ("DELETE", "/cases/AAAAA-AAAAA", 405, "does not take that"),
    ],
)
def test_it_answers_browsers_with_a_page(
    mali: Browser, method: str, path: str, status: int, said: str
) -> None:
    headers = {"accept": "text/html,application/xhtml+xml", "sec-fetch-site": "same-origin"}
    answer = mali.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert said in html.unescape(answer.text)


def test_it_answers_a_form_that_is_too_long_with_a_page(
    api: Running, mali: Browser, case: str
) -> None:
    form = {**mali.form(f"/cases/{case}", "hold"), "reason": "x" * 70_000, "until": "2199-01-04"}
    with nothing_written(api, case):
        answer = mali.submit(f"/cases/{case}", form, accept="text/html")
    assert answer.status_code == 413
    assert "Shorten it" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/cases/", "/api/nothing", "/health"])
def test_it_answers_programs_with_a_problem(api: Running, path: str) -> None:
    answer = api.mali.get(path, headers={"accept": "text/html, */*"})
    is_a_problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    "path",
    ["/cases?status=opne", "/cases?corridor=th-xx", "/stalled?turn=me", "/stalled?corridor=x"],
)
def test_it_shows_no_list_for_a_filter_it_does_not_know(mali: Browser, path: str) -> None:
    """All of them would look like an answer."""
    assert mali.get(path).status_code == 404
    assert mali.get(path.rpartition("=")[0] + "=").status_code == 200


# -- forms, in the words of those who fill them in


@pytest.mark.parametrize(
    ("do", "field", "typed", "said"),
    [
        ("plan_handover", "date", "5/3/2199", "as 2026-03-05T10:00"),
        ("plan_handover", "date", "๒๑๙๙-๐๓-๐๕T๑๐:๐๐", "as 2026-03-05T10:00"),
        ("depart", "happened", "yesterday", "as 2026-03-05T10:00"),
        ("extend", "due", "next week", "must be a date, as 2026-03-05"),
    ],
)
def test_it_asks_for_days_and_hours_as_the_form_does(
    mali: Browser, case: str, do: str, field: str, typed: str, said: str
) -> None:
    path = f"/cases/{case}"
    step = {"step": "placement", "reason": "the road is cut", "crossing": "nong-khai"}
    form = {**mali.form(path, "hold"), **step, "do": do, field: typed}
    answer = mali.submit(path, form)
    assert answer.status_code == 422
    again = html.unescape(the_form(answer.text, do))
    assert said in again
    assert typed in again
    assert "offset" not in again


def test_it_asks_again_when_an_age_is_told_and_said_to_be_unknown(
    api: Running, mali: Browser, case: str
) -> None:
    form = {**mali.form("/cases/new", "open"), "corridor": "th-la", "person.name": "Noi"}
    with nothing_written(api, case):
        answer = mali.submit("/cases/new", {**form, "age": "24", "_age_unknown": "yes"})
    assert answer.status_code == 422
    again = html.unescape(the_form(answer.text, "open"))
    assert "or say that it is not known" in again
    assert 'value="24"' in again


@pytest.mark.parametrize("age", ["๒๔", "၂၄", "໒໔", "24"])
def test_it_takes_an_age_in_the_digits_of_each_script(mali: Browser, age: str) -> None:
    form = {**mali.form("/cases/new", "open"), "corridor": "th-la", "person.name": "Noi"}
    assert mali.submit("/cases/new", {**form, "age": age}).status_code == 303


def test_it_refuses_json_for_a_form_and_a_form_for_json(
    api: Running, mali: Browser, case: str
) -> None:
    with nothing_written(api, case):
        page = mali.post(
            f"/cases/{case}", json={"do": "hold"}, headers={"sec-fetch-site": "same-origin"}
        )
        form = api.mali.post(f"/api/v1/cases/{case}/acts", data={"do": "hold"})
        plain = api.mali.post(
            f"/api/v1/cases/{case}/acts",
            content=b"{}",
            headers={**JSON, "Content-Type": "text/plain"},
        )
    assert page.status_code == 415
    assert page.headers["content-type"].startswith("text/html")
    is_a_problem(form, 415, "wrong-content-type")
    is_a_problem(plain, 415, "wrong-content-type")
