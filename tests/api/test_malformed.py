"""Requests nobody should send: a clear problem in the user's words, and nothing half written."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from records import tables
from tests.api.conftest import Running, new_key

REASON = "as agreed on the telephone"
NOBODYS = "00000000-0000-4000-8000-000000000000"
JSON = {"Content-Type": "application/json"}
EVERYWHERE = (
    tables.subjects,
    tables.people,
    tables.private_texts,
    tables.procedures,
    tables.tokens,
)
OF_A_CASE = (
    tables.events,
    tables.states,
    tables.cases,
    tables.tasks,
    tables.escalations,
    tables.outbox,
    tables.alarms,
    tables.case_offices,
)


def counted(api: Running, case: str) -> dict[str, Any]:
    """How many rows there are, and the newest version of the case."""
    with api.database.begin() as connection:
        found: dict[str, Any] = {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in EVERYWHERE
        }
        for table in OF_A_CASE:
            mine = (
                select(func.count()).select_from(table).where(tables.subject_column(table) == case)
            )
            found[table.name] = connection.scalar(mine)
    return found


@contextlib.contextmanager
def nothing_written(api: Running, case: str) -> Iterator[None]:
    before = counted(api, case)
    yield
    assert counted(api, case) == before


def is_a_problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    """A refusal in one shape and in words; nothing of ours shows through, nothing is repeated."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["type"]) == (status, slug), answer.text
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10
    for ours in ("Traceback", 'File "', "pydantic", "psycopg", "sqlalchemy", "0x"):
        assert ours not in answer.text
    return problem


# -- bodies

ROUTES = {
    "open": ("POST", "/cases", "mali"),
    "act": ("POST", "/cases/{case}/acts", "mali"),
    "complete": ("POST", "/tasks/{case}/placement/complete", "thida"),
    "decide": ("POST", "/escalations/{case}/placement/decide", "anan"),
    "person": ("PUT", "/cases/{case}/person", "mali"),
    "token": ("POST", "/tokens", "root"),
    "clock": ("POST", "/rehearsal/cases/{case}/clock", "mali"),
}
BODIES = {
    "too large": (b'{"reason": "' + b"x" * 70_000 + b'"}', 413, "too-large"),
    "deep in lists": (b"[" * 30_000, 422, "invalid-field"),
    "deep in objects": (b'{"a":' * 5000 + b"1" + b"}" * 5000, 422, "invalid-field"),
    "a little too deep": (b'{"a":[[[[[[[[1]]]]]]]]}', 422, "invalid-field"),
    "a key twice": (b'{"reason": "a", "reason": "b"}', 422, "invalid-field"),
    "a key twice, within": (b'{"result": {"a": "1", "a": "2"}}', 422, "invalid-field"),
    "a key twice, written in two ways": (b'{"do": "a", "\\u0064o": "b"}', 422, "invalid-field"),
    "NUL in a value": (b'{"reason": "a\\u0000b"}', 422, "invalid-field"),
    "NUL in a key": (b'{"rea\\u0000son": "a"}', 422, "invalid-field"),
    "a raw control character": (b'{"reason": "a\x07b"}', 422, "invalid-field"),
    "half a character": (b'{"reason": "\\ud800"}', 422, "invalid-field"),
    "no UTF-8": (b'{"reason": "\xff"}', 422, "invalid-field"),
    "not a number": (b'{"version": NaN}', 422, "invalid-field"),
    "a number without end": (b'{"version": ' + b"9" * 5000 + b"}", 422, "invalid-field"),
    "a list": (b"[]", 422, "invalid-field"),
    "a word": (b'"hold"', 422, "invalid-field"),
    "null": (b"null", 422, ""),
    "half": (b'{"do": ', 422, "invalid-field"),
}


@pytest.fixture(scope="module")
def case(api: Running) -> str:
    """A case whose placement is offered; none of the requests below changes it."""
    found: str = api.at_placement()["case"]
    return found


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("route", ROUTES)
def test_it_refuses_bodies_that_cannot_be_meant(
    api: Running, case: str, route: str, body: str
) -> None:
    method, path, who = ROUTES[route]
    content, status, slug = BODIES[body]
    named = {**JSON, "Idempotency-Key": new_key(), "X-Purpose": "to see what happens"}
    with nothing_written(api, case):
        answer = api.person(who).request(
            method, "/api/v1" + path.format(case=case), content=content, headers=named
        )
    is_a_problem(answer, status, slug or answer.json()["type"])


@pytest.mark.parametrize("wrong", [None, 7, 1.5, True, [], ["a"], {}, {"a": "b"}])
@pytest.mark.parametrize("field", ["do", "step", "reason", "until", "to", "happened", "result"])
def test_it_refuses_values_of_another_kind(api: Running, case: str, field: str, wrong: Any) -> None:
    body = {"do": "hold", "reason": REASON, "until": "2199-01-04", field: wrong}
    if (wrong is None and field != "do") or (field == "result" and isinstance(wrong, dict)):
        return  # left out, or right
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", body)
    assert field in is_a_problem(answer, 422, "invalid-field")["field"]


@pytest.mark.parametrize("route", ROUTES)
def test_it_names_a_field_that_does_not_exist(api: Running, case: str, route: str) -> None:
    method, path, who = ROUTES[route]
    with nothing_written(api, case):
        answer = api.person(who).send_change(
            method, path.format(case=case), {"colour": "red"}, X_Purpose="to see"
        )
    problem = is_a_problem(answer, 422, answer.json()["type"])
    told = [*problem.get("errors", []), {"field": problem.get("field")}]
    assert "colour" in [line["field"] for line in told]
    assert "red" not in answer.text


# -- signs that hide or turn around

TRICKS = {
    "right to left": "Noi\u202eioN",
    "an isolate": "Noi\u2067ioN\u2069",
    "a byte order mark": "No\ufeffi",
    "a line of its own": "Noi\u2028S.",
    "a tower of marks": "N" + "\u0301" * 40,
    "a delete": "Noi\u007f",
    "an escape": "Noi\u001b[2J",
    "nothing to see": "\u200b\u200d\u00a0",
}
TEXTS: dict[str, tuple[str, str, Callable[[str], dict[str, Any]]]] = {
    "name": ("POST", "/cases", lambda t: {"corridor": "th-la", "person": {"name": t}}),
    "contact": (
        "POST",
        "/cases",
        lambda t: {"corridor": "th-la", "person": {"name": "A", "contact": t}},
    ),
    "province": (
        "POST",
        "/cases",
        lambda t: {"corridor": "th-la", "person": {"name": "A"}, "province": t},
    ),
    "reason": (
        "POST",
        "/cases/{case}/acts",
        lambda t: {"do": "hold", "reason": t, "until": "2199-01-04"},
    ),
    "note": ("POST", "/tasks/{case}/placement/note", lambda t: {"note": t}),
    "result": (
        "POST",
        "/tasks/{case}/placement/complete",
        lambda t: {"outcome": "placed", "result": {"said": t}},
    ),
    "value": ("POST", "/cases/{case}/acts", lambda t: {"do": "correct", "fact": "sex", "value": t}),
    "the record": ("PUT", "/cases/{case}/person", lambda t: {"name": t}),
    # ids
    "outcome": ("POST", "/tasks/{case}/placement/complete", lambda t: {"outcome": t}),
    "flag": ("POST", "/cases/{case}/acts", lambda t: {"do": "flag", "flag": t}),
    "to": (
        "POST",
        "/cases/{case}/acts",
        lambda t: {"do": "reassign", "step": "placement", "to": t, "reason": REASON},
    ),
    "for": ("POST", "/tasks/{case}/placement/accept", lambda t: {"for": t}),
    "by": ("POST", "/tasks/{case}/placement/accept", lambda t: {"by": t}),
    "step": ("POST", "/cases/{case}/acts", lambda t: {"do": "skip", "step": t, "reason": REASON}),
    "corridor": ("POST", "/cases", lambda t: {"corridor": t, "person": {"name": "A"}}),
}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"do": "resume", "do": "cancel"}', "The body holds the same key twice"),
        (b'{"reason": "a\\u0000b"}', "The body holds a NUL character"),
        (b'{"reason": "\\ud87a"}', "The body holds half a character"),
        (b'{"reason": "\xe9"}', "The body is not UTF-8"),
        (b'{"version": NaN}', "The body holds NaN, which is no JSON number"),
        (b"[" * 60 + b"]" * 60, "The body is nested too deep"),
        (b'{"do": "resume",}', "The body is not JSON that can be read, from character 17 on"),
    ],
)
def test_it_says_why_a_body_cannot_be_read(api: Running, case: str, body: bytes, said: str) -> None:
    with nothing_written(api, case):
        answer = api.mali.post(
            f"/api/v1/cases/{case}/acts",
            content=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": new_key()},
        )
    assert said in is_a_problem(answer, 422, "invalid-field")["detail"].replace(": ", " ")


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("text", TEXTS)
def test_it_refuses_signs_that_hide_what_a_text_says(
    api: Running, case: str, text: str, trick: str
) -> None:
    method, path, body_with = TEXTS[text]
    who = api.thida if "/tasks/" in path else api.mali
    with nothing_written(api, case):
        answer = who.send_change(
            method, path.format(case=case), body_with(TRICKS[trick]), X_Purpose="to see"
        )
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"].rpartition(".")[2] in {text, "name", "said"}
    assert TRICKS[trick] not in json.dumps(problem, ensure_ascii=False)


@pytest.mark.parametrize(
    "name",
    [
        "นางสาวน้อย ใจดี",
        "ນາງ ນ້ອຍ ໄຊຍະວົງ",
        "ស៊ុខ ចាន់ថា",
        "မောင်မောင်",
        "Nguyễn Thị Ánh",
        "क्‍ष",
        "زهرا‌خانم",
        "李小龙",
    ],
)
def test_it_takes_names_as_people_write_them(api: Running, name: str) -> None:
    opened = api.a_case(person={"name": name})["case"]
    found = api.mali.get(f"/api/v1/cases/{opened}/person", headers={"X-Purpose": "to see"})
    assert found.json()["name"] == name


@pytest.mark.parametrize("trick", ["%E2%80%AE", "%00", "a%0Ab", "%CC%81" * 9, "..%2F..", "%FF"])
@pytest.mark.parametrize(
    "path",
    [
        "/cases/{trick}",
        "/cases/{trick}/timeline",
        "/tasks/{trick}/placement",
        "/tasks/{case}/{trick}",
        "/corridors/{trick}",
        "/offices/{trick}",
        "/cases?cursor={trick}",
        "/cases?corridor={trick}",
        "/tasks?office={trick}",
    ],
)
def test_it_refuses_addresses_that_hide_something(
    api: Running, case: str, path: str, trick: str
) -> None:
    answer = api.mali.get("/api/v1" + path.format(case=case, trick=trick))
    assert answer.status_code in {403, 404, 422}, answer.text
    is_a_problem(answer, answer.status_code, answer.json()["type"])


@pytest.mark.parametrize("value", [b"a\xe2\x80\xaeb", b"a\x7fb", b"x" * 300, b"", b"a\tb"])
@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Purpose"])
def test_it_refuses_headers_that_hide_something(
    api: Running, case: str, name: str, value: bytes
) -> None:
    sent = {b"Idempotency-Key": new_key().encode(), b"X-Purpose": b"to see", name.encode(): value}
    with nothing_written(api, case):
        answer = api.mali.put(
            f"/api/v1/cases/{case}/person", json={"name": "A"}, headers=list(sent.items())
        )
    assert is_a_problem(answer, 422, answer.json()["type"])["field"] == name


# -- days

NO_DAYS = {
    "0000-01-01": "must be a year from 1900 to 2199",
    "0001-01-01": "must be a year from 1900 to 2199",
    "9999-12-31": "must be a year from 1900 to 2199",
    "12026-01-04": "must be a year from 1900 to 2199",
    "2569-03-05": "looks Buddhist; write 2026",
    "2026-02-30": "must be a date",
    "05/03/2026": "must be a date",
    "tomorrow": "must be a date",
}
NO_MOMENTS = {f"{day}T10:00:00+07:00": told for day, told in NO_DAYS.items() if day[:2] != "to"}
NO_MOMENTS |= {
    moment: "must be a" for moment in NO_MOMENTS if NO_MOMENTS[moment] == "must be a date"
}
NO_MOMENTS["2026-03-05T10:00:00"] = "offset"
NO_MOMENTS["2026-03-05T25:00:00+07:00"] = "must be a"
DAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "until": ("/cases/{case}/acts", {"do": "hold", "reason": REASON}),
    "review": ("/cases/{case}/acts", {"do": "bar", "kind": "court", "reason": REASON}),
    "due": ("/cases/{case}/acts", {"do": "extend", "step": "placement", "reason": REASON}),
    "date": ("/tasks/{case}/placement/promise", {}),
    "valid_until": ("/tasks/{case}/placement/complete", {"outcome": "placed"}),
    "born": ("/cases", {"corridor": "th-la", "person": {"name": "A"}}),
}
MOMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "happened": ("/tasks/{case}/placement/complete", {"outcome": "placed"}),
    "date": ("/cases/{case}/acts", {"do": "plan_handover", "crossing": "nong-khai"}),
    "opens": ("/cases", {"corridor": "th-la", "person": {"name": "A"}}),
    "to": ("/rehearsal/cases/{case}/clock", {}),
}


def dated() -> Iterator[tuple[str, str, dict[str, Any], str, str]]:
    for asked, wrong in ((DAYS, NO_DAYS), (MOMENTS, NO_MOMENTS)):
        for field, (path, body) in asked.items():
            for value, told in wrong.items():
                yield field, path, body, value, told


@pytest.mark.parametrize(("field", "path", "body", "value", "told"), list(dated()))
def test_it_says_what_is_wrong_with_a_day(
    api: Running, case: str, field: str, path: str, body: dict[str, Any], value: str, told: str
) -> None:
    who = api.thida if "/tasks/" in path else api.mali
    with nothing_written(api, case):
        answer = who.do(path.format(case=case), {**body, field: value})
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == field
    assert told in problem["detail"]


@pytest.mark.parametrize(
    ("happened", "slug"),
    [
        ("2198-01-01T00:00:00Z", "in-the-future"),
        ("2001-01-01T00:00:00Z", "invalid-field"),  # before the step began
    ],
)
@pytest.mark.parametrize("by_route", [True, False])
def test_it_believes_no_day_outside_the_life_of_its_step(
    api: Running, case: str, happened: str, slug: str, by_route: bool
) -> None:
    body = {"outcome": "placed", "happened": happened, "reason": "she said so herself"}
    acts = f"/cases/{case}/acts"
    with nothing_written(api, case):
        if by_route:
            answer = api.thida.do(f"/tasks/{case}/placement/complete", body)
        else:
            answer = api.thida.do(acts, {**body, "do": "complete", "step": "placement"})
    is_a_problem(answer, 422, slug)


# -- ids of others, of what has ended, and the wrong order


@pytest.mark.parametrize(
    ("who", "path", "body", "status", "slug"),
    [
        ("ngo", "/tasks/{case}/placement/accept", {}, 404, "not-found"),
        ("viktor", "/cases/{case}/acts", {"do": "cancel", "reason": REASON}, 404, "not-found"),
        ("viktor", "/tasks/{case}/placement/note", {"note": "I look around"}, 404, "not-found"),
        ("viktor", "/rehearsal/cases/{case}/clock", {"to": "2199-01-01T00:00:00Z"}, 404, ""),
        ("mali", "/tasks/{nobodys}/placement/accept", {}, 404, "not-found"),
        ("thida", "/tasks/{case}/placement/accept", {"by": "th-ubon-case"}, 403, "forbidden"),
        ("mali", "/tasks/{case}/placement/accept", {"by": "th-ubon-shelter"}, 403, "forbidden"),
        ("imm", "/tasks/{case}/placement/complete", {"outcome": "placed"}, 403, "not-yours"),
        ("desk", "/tasks/{case}/placement/decline", {"reason": REASON}, 403, "not-yours"),
        ("mali", "/tasks/{case}/teleport/accept", {}, 404, "unknown-step"),
    ],
)
def test_it_lets_nobody_use_the_ids_of_others(
    api: Running, case: str, who: str, path: str, body: dict[str, Any], status: int, slug: str
) -> None:
    with nothing_written(api, case):
        answer = api.person(who).do(path.format(case=case, nobodys=NOBODYS), body)
    is_a_problem(answer, status, slug or "not-found")


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("accept", {}),
        ("decline", {"reason": "too late"}),
        ("complete", {"outcome": "declined", "reason": "too late"}),
        ("promise", {"date": "2199-01-05"}),
    ],
)
def test_it_says_that_a_task_has_ended(api: Running, act: str, body: dict[str, Any]) -> None:
    ended = api.at_placement()["case"]
    path = f"/tasks/{ended}/placement"
    assert api.thida.do(f"{path}/complete", {"outcome": "placed"}).status_code == 200
    with nothing_written(api, ended):
        answer = api.thida.do(f"{path}/{act}", body)
    assert is_a_problem(answer, 409, answer.json()["type"])["type"] in {"conflict", "wrong-state"}


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"do": "resume"}, "wrong-state"),
        ({"do": "reopen", "reason": "not closed at all"}, "wrong-state"),
        ({"do": "unflag", "flag": "medical"}, "wrong-state"),
        ({"do": "lift_bar", "kind": "court", "by": "th-ubon-case"}, ""),
        ({"do": "withdraw_consent", "purpose": "tracing"}, ""),
        ({"do": "depart"}, ""),
        (
            {
                "do": "complete",
                "step": "tracing",
                "outcome": "found_safe",
                "for": "origin.tracing",
                "reason": "before anybody asked",
            },
            "wrong-state",
        ),
    ],
)
def test_it_refuses_what_comes_before_its_turn(
    api: Running, case: str, body: dict[str, Any], slug: str
) -> None:
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts", body)
    is_a_problem(answer, answer.status_code, slug or answer.json()["type"])
    assert answer.status_code in {403, 409}


def test_it_forgets_the_words_of_what_was_refused_and_keeps_those_of_others(api: Running) -> None:
    case = api.at_placement()["case"]
    early = {
        "do": "complete",
        "step": "return_plan",
        "outcome": "agreed",
        "reason": "the same words twice",
        "result": {
            "said": "other words",
            "evidence": "and a letter",
            "more": "the same words twice",
        },
    }
    with nothing_written(api, case):
        assert api.mali.do(f"/cases/{case}/acts", early).status_code == 409
    hold = {"do": "hold", "reason": "the same words twice", "until": "2199-01-04"}
    assert api.mali.do(f"/cases/{case}/acts", hold).status_code == 200
    with nothing_written(api, case):  # the same words, said once more and in vain
        assert api.mali.do(f"/cases/{case}/acts", hold).status_code == 409
    told = api.mali.get(f"/api/v1/cases/{case}/texts", headers={"X-Purpose": "to read up"})
    assert "the same words twice" in told.json().values()


def test_it_takes_requests_in_any_order_and_each_of_them_once(api: Running) -> None:
    """Accept, note and complete arrive backwards, then all of them once more."""
    case = api.at_placement()["case"]
    keys = {act: new_key() for act in ("complete", "note", "accept")}
    bodies: dict[str, dict[str, Any]] = {
        "complete": {"outcome": "placed"},
        "note": {"note": "she arrives tonight"},
        "accept": {},
    }
    first = [
        api.thida.do(f"/tasks/{case}/placement/{act}", bodies[act], key)
        for act, key in keys.items()
    ]
    assert first[0].status_code == 200
    assert first[2].status_code == 409
    with nothing_written(api, case):
        again = [
            api.thida.do(f"/tasks/{case}/placement/{act}", bodies[act], key)
            for act, key in keys.items()
        ]
    assert again[0].json() == first[0].json()
    assert [answer.status_code for answer in again] == [answer.status_code for answer in first]


# -- our own faults


def test_it_answers_a_fault_of_ours_as_a_problem_without_a_word_about_it(
    api: Running, case: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("Somchai at line 7 of secrets.py")

    monkeypatch.setattr("api.json.cases.case_shape", breaks)
    monkeypatch.setattr("api.admission._command", breaks)
    for answer in (
        api.mali.read(f"/cases/{case}"),
        api.mali.do(f"/cases/{case}/acts", {"do": "flag", "flag": "medical"}),
    ):
        problem = is_a_problem(answer, 500, "unexpected")
        assert problem["request"] == answer.headers["X-Request-Id"]
        assert problem["request"] in caplog.text
        assert "RuntimeError" not in answer.text
        assert "Somchai" not in answer.text + caplog.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
