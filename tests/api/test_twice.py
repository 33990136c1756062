"""Whatever is said twice: in a form, in an address, in a header. Nothing of it is taken for meant."""

from __future__ import annotations

import html
from typing import Any

import pytest

from tests.api.conftest import PASSWORD, Running, new_key
from tests.api.test_malformed import is_a_problem, nothing_written
from tests.api.test_pages import Browser, People
from tests.api.test_pages_malformed import CASE, FORMS, PLACEMENT, alert_of, the_form
from tests.api.test_pages_malformed import case as case  # noqa: PLC0414 - the same fixture
from tests.api.test_pages_malformed import everybody as everybody  # noqa: PLC0414 - as above

TWICE = "answered twice; keep one answer"


# -- forms

FIELDS = [
    # form, field, both answers, what is shown of them
    ("note", "note", ("she is well", "she is ill"), ("she is well", "she is ill")),
    ("promise", "date", ("2199-01-04", "2199-01-05"), ("2199-01-04",)),
    ("complete", "outcome", ("placed", "declined"), ()),
    ("complete", "happened", ("2026-02-10T09:00", "2026-02-11T09:00"), ("2026-02-10T09:00",)),
    ("decline", "reason", ("no bed is free", "it is too far"), ("no bed is free", "it is too far")),
    ("hold", "until", ("2199-01-04", "2199-02-04"), ("2199-01-04", "she is ill")),
    ("hold", "reason", ("she is ill", "she is ill"), ("she is ill", "2199-01-04")),
    ("consent", "purpose", ("tracing", "travel"), ("2026-12-31",)),
    ("decide", "decision", ("extend", "waive"), ("the road is cut",)),
    ("open", "person.name", ("Noi", "Noy"), ("Noi / Noy", "24")),
    ("open", "corridor", ("th-la", "th-mm"), ("Noi",)),
    ("open", "sex", ("female", "male"), ("Noi",)),
    ("open", "age", ("24", "42"), ("24 / 42",)),
]


@pytest.mark.parametrize(("name", "field", "answers", "shown"), FIELDS)
def test_it_takes_no_answer_of_two(
    api: Running,
    everybody: People,
    case: str,
    name: str,
    field: str,
    answers: tuple[str, str],
    shown: tuple[str, ...],
) -> None:
    page, who, do, right = FORMS[name]
    path = page.format(case)
    form: dict[str, Any] = {**everybody[who].form(path, do), **right}
    form[field] = list(answers)
    with nothing_written(api, case):
        answer = everybody[who].submit(path, form)
    assert answer.status_code == 422, answer.text
    again = html.unescape(the_form(answer.text, do))
    assert TWICE in again
    assert f'id="{do}-{field.replace(".", "-")}-problem"' in again
    for typed in shown:
        assert typed in again


def test_it_takes_one_of_the_two_once_it_stands_alone(
    api: Running, everybody: People, case: str
) -> None:
    path, thida = PLACEMENT.format(case), everybody["thida"]
    form: dict[str, Any] = thida.form(path, "note")
    assert thida.submit(path, {**form, "note": ["one", "two"]}).status_code == 422
    assert thida.submit(path, {**form, "note": "one"}).status_code == 303


@pytest.mark.parametrize("field", ["key", "version", "by", "do"])
def test_it_takes_no_form_that_says_twice_what_the_page_itself_says(
    api: Running, everybody: People, case: str, field: str
) -> None:
    path, mali = CASE.format(case), everybody["mali"]
    form: dict[str, Any] = {**mali.form(path, "hold"), **FORMS["hold"][3]}
    form[field] = [form.get(field, "th-ubon-case"), form.get(field, "th-ubon-case")]
    with nothing_written(api, case):
        answer = mali.submit(path, form)
    assert answer.status_code == 422
    assert "Traceback" not in answer.text
    if field != "do":  # nobody knows which form it was
        again = the_form(answer.text, "hold")
        assert "she is ill" in again
        assert "did not arrive whole" in alert_of(again)
        assert form["key"][0] not in again or field != "key"


def test_it_takes_several_ticks_of_one_question(everybody: People) -> None:
    form: dict[str, Any] = everybody["mali"].form("/cases/new", "open")
    form |= {**FORMS["open"][3], "flags": ["undocumented", "medical"]}
    opened = everybody["mali"].submit("/cases/new", form)
    assert opened.status_code == 303
    page = everybody["mali"].get(opened.headers["location"]).text
    assert "medical" in page.lower()


@pytest.mark.parametrize("field", ["user", "password", "next"])
def test_it_signs_nobody_in_who_says_twice_who_they_are(
    api: Running, everybody: People, field: str
) -> None:
    del everybody
    form: dict[str, Any] = {"user": "thida", "password": PASSWORD, "next": "/tasks"}
    form[field] = [form[field], "viktor" if field == "user" else form[field]]
    with Browser(api.url) as stranger:
        answer = stranger.submit("/sign-in", form)
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
        assert "This was not done" not in answer.text
        assert PASSWORD not in answer.text
        assert stranger.submit("/sign-in", {**form, field: form[field][0]}).status_code == 303


def test_it_opens_no_words_for_two_purposes(everybody: People, case: str) -> None:
    mali, path = everybody["mali"], CASE.format(case)
    form: dict[str, Any] = mali.form(path, "words")
    answer = mali.submit(f"{path}/words", {**form, "purpose": ["to call her", "curiosity"]})
    assert answer.status_code == 422
    again = html.unescape(the_form(answer.text, "words"))
    assert TWICE in again
    assert "to call her / curiosity" in again


@pytest.mark.parametrize(
    "path",
    [
        "/cases?status=open&status=closed",
        "/stalled?turn=host&turn=origin",
        "/tasks?office=th-ubon-case&office=th-ubon-desk",
        "/cases?cursor=a&cursor=b",
        "/sign-in?next=/tasks&next=/cases",
    ],
)
def test_it_shows_no_page_whose_address_says_two_things(everybody: People, path: str) -> None:
    answer = everybody["mali"].get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "says the same thing twice" in answer.text


# -- JSON

LISTS = {
    "/cases": ("limit", "cursor", "corridor", "status", "turn", "office"),
    "/stalled": ("limit", "cursor", "corridor", "turn", "office"),
    "/tasks": ("limit", "cursor", "state", "office"),
    "/escalations": ("limit", "cursor", "office"),
    "/offices": ("country", "role"),
    "/cases/{case}": ("at_least",),
    "/cases/{case}/timeline": ("after", "limit", "at_least"),
    "/cases/{case}/forecast": ("days", "at_least"),
}
RIGHT = {
    "limit": "5",
    "corridor": "th-la",
    "status": "open",
    "turn": "host",
    "office": "th-ubon-committee",
    "state": "offered",
    "country": "LA",
    "role": "tracing",
    "at_least": "1",
    "after": "1",
    "days": "30",
    "cursor": "W10",
}


@pytest.mark.parametrize(("path", "name"), [(p, n) for p, names in LISTS.items() for n in names])
def test_it_takes_no_parameter_of_two(api: Running, case: str, path: str, name: str) -> None:
    url = f"/api/v1{path.format(case=case)}?{name}={RIGHT[name]}&{name}={RIGHT[name]}"
    problem = is_a_problem(api.anan.get(url), 422, "invalid-field")
    assert problem["field"] == name
    assert "given twice" in problem["detail"]


@pytest.mark.parametrize("path", [*LISTS, "/corridors", "/me", "/cases/{case}/newer-rules"])
def test_it_names_a_parameter_that_does_not_exist(api: Running, case: str, path: str) -> None:
    """`statsu=closed` would show every case, and look like an answer."""
    answer = api.anan.get(f"/api/v1{path.format(case=case)}?statsu=closed")
    problem = is_a_problem(answer, 422, "invalid-field")
    assert problem["field"] == "statsu"
    assert "closed" not in answer.text


def test_it_takes_no_parameters_with_a_change(api: Running, case: str) -> None:
    with nothing_written(api, case):
        answer = api.mali.do(f"/cases/{case}/acts?do=cancel", {"do": "flag", "flag": "medical"})
    assert is_a_problem(answer, 422, "invalid-field")["field"] == "do"


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Idempotency-Key", "one-key", "another-key"),
        ("Authorization", "", "Bearer hw_aa_bb"),
        ("X-Purpose", "to call her", "to look around"),
        ("Content-Type", "application/json", "text/plain"),
    ],
)
def test_it_takes_no_header_of_two(
    api: Running, case: str, name: str, first: str, second: str
) -> None:
    sent = {
        "Idempotency-Key": new_key(),
        "X-Purpose": "to call her",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {api.tokens['mali']}",
    }
    headers = [*(sent | ({name: first} if first else {})).items(), (name, second)]
    with nothing_written(api, case):
        answer = api.nobody.put(
            f"/api/v1/cases/{case}/person", content=b'{"name": "A"}', headers=headers
        )
    assert is_a_problem(answer, 422, "invalid-field")["field"] == name
