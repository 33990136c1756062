"""Changes that leave no event: sent twice, ten at once, with other content, by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from records import tables
from tests.api.conftest import Person, Running, new_key
from tests.api.test_malformed import is_a_problem

ASKED = {"user": "mali", "office": "th-ubon-case", "days": 1, "scopes": ["cases.list"]}


def how_many_tokens(api: Running) -> int:
    with api.database.begin() as connection:
        return connection.scalar(select(func.count()).select_from(tables.tokens)) or 0


def test_it_makes_one_token_for_a_request_that_is_sent_twice(api: Running) -> None:
    key = new_key()
    made = api.root.do("/tokens", ASKED, key)
    assert made.status_code == 201
    before = how_many_tokens(api)
    again = api.root.do("/tokens", ASKED, key)
    problem = is_a_problem(again, 409, "already-made")
    assert problem["made"] == made.json()["prefix"]
    assert problem["made"] in problem["detail"]
    assert made.json()["token"] not in again.text
    assert made.json()["token"].rpartition("_")[2] not in again.text
    assert how_many_tokens(api) == before
    with Person(api.url, made.json()["token"]) as narrow:  # the first one counts as before
        assert narrow.read("/cases").status_code == 200


def test_it_makes_one_token_of_ten_requests_at_once(api: Running) -> None:
    key, before = new_key(), how_many_tokens(api)
    crowd = [Person(api.url, api.tokens["root"]) for _ in range(10)]
    with ThreadPoolExecutor(10) as at_once:
        answers = list(at_once.map(lambda one: one.do("/tokens", ASKED, key), crowd))
    for person in crowd:
        person.close()
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    prefix = next(answer for answer in answers if answer.status_code == 201).json()["prefix"]
    assert {a.json()["made"] for a in answers if a.status_code == 409} == {prefix}
    assert how_many_tokens(api) == before + 1


@pytest.mark.parametrize("change", [{"days": 2}, {"scopes": ["*"]}, {"label": "for the night"}])
def test_it_makes_no_other_token_with_a_key_that_was_used(
    api: Running, change: dict[str, Any]
) -> None:
    key = new_key()
    first = api.root.do("/tokens", ASKED, key)
    assert first.status_code == 201, first.text
    before = how_many_tokens(api)
    is_a_problem(api.root.do("/tokens", {**ASKED, **change}, key), 409, "key-reused")
    assert how_many_tokens(api) == before


def test_it_takes_the_same_key_of_another_administrator_for_another_act(api: Running) -> None:
    key, other = new_key(), api.a_colleague(("system", "admin"))
    first, second = api.root.do("/tokens", ASKED, key), other.do("/tokens", ASKED, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["prefix"] != second.json()["prefix"]


def test_it_remembers_a_token_that_was_ended_and_makes_no_new_one(api: Running) -> None:
    key, ending = new_key(), new_key()
    prefix = api.root.do("/tokens", ASKED, key).json()["prefix"]
    for _ in range(2):  # ended once, and told so twice
        ended = api.root.send_change("DELETE", f"/tokens/{prefix}", key=ending)
        assert ended.status_code == 204
    assert api.root.do("/tokens", ASKED, key).json()["made"] == prefix
    is_a_problem(api.root.send_change("DELETE", f"/tokens/{prefix}"), 404, "not-found")
    other = api.root.do("/tokens", ASKED).json()["prefix"]
    is_a_problem(api.root.send_change("DELETE", f"/tokens/{other}", key=ending), 409, "key-reused")


def test_it_leaves_the_key_of_a_refused_request_free(api: Running) -> None:
    key = new_key()
    assert api.root.do("/tokens", {**ASKED, "user": "nobody"}, key).status_code == 404
    assert api.root.do("/tokens", ASKED, key).status_code == 201


# -- a person's record


def test_it_never_writes_an_old_record_over_a_newer_one(api: Running) -> None:
    """The first request was delayed on its way and arrives once more after the second."""
    case, key = api.a_case()["case"], new_key()

    def write(contact: str, key: str) -> Any:
        record = {"name": "Noi", "contact": contact}
        return api.mali.send_change(
            "PUT", f"/cases/{case}/person", record, key, X_Purpose="she has moved"
        )

    assert write("the first address", key).status_code == 200
    assert write("the second address", new_key()).status_code == 200
    late = write("the first address", key)
    assert (late.status_code, late.json()["contact"]) == (200, "the second address")
    kept = api.mali.get(f"/api/v1/cases/{case}/person", headers={"X-Purpose": "to visit her"})
    assert kept.json()["contact"] == "the second address"
    is_a_problem(write("a third address", key), 409, "key-reused")


# -- nothing is answered that was not written


@contextmanager
def a_database_that_keeps_nothing(api: Running) -> Iterator[None]:
    """The connection breaks at the very end of whatever writes, after every statement went well."""
    database = api.app.state.services.database

    def notes(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        del cursor
        if statement.startswith(("INSERT", "UPDATE")):
            connection.info["wrote"] = True

    def breaks(connection: Any) -> None:
        if connection.info.pop("wrote", False):
            raise OperationalError("COMMIT", {}, RuntimeError("gone"))

    event.listen(database, "before_cursor_execute", notes)
    event.listen(database, "commit", breaks)
    try:
        yield
    finally:
        event.remove(database, "commit", breaks)
        event.remove(database, "before_cursor_execute", notes)


def test_it_answers_no_change_that_was_not_written(api: Running) -> None:
    case = api.a_case()["case"]
    before, key = how_many_tokens(api), new_key()
    asked = {"name": "Noi", "contact": "nowhere"}
    with a_database_that_keeps_nothing(api):
        made = api.root.do("/tokens", ASKED, key)
        person = api.mali.send_change("PUT", f"/cases/{case}/person", asked, X_Purpose="moved")
    assert made.status_code == person.status_code == 503
    assert how_many_tokens(api) == before
    assert api.root.do("/tokens", ASKED, key).status_code == 201
