"""Corridors, offices, accounts, health: what is there, who may, what comes back."""

import pytest

from records import access_log
from tests.api.conftest import Person, Running


def test_it_lists_the_corridors(api: Running) -> None:
    rows = api.ngo.read("/corridors").json()["items"]
    assert {"th-la", "la-th", "th-vn"} <= {row["corridor"] for row in rows}
    assert all(row["source"] for row in rows)


def test_it_shows_every_card_of_a_corridor(api: Running) -> None:
    cards = {card["step"]: card for card in api.rita.read("/corridors/th-la").json()["cards"]}
    assert cards["tracing"]["within"] == "45 days"
    assert cards["tracing"]["owner"] == "origin.tracing"
    assert api.rita.read("/corridors/xx-yy").json()["type"] == "not-found"


def test_it_shows_the_register_of_offices(api: Running) -> None:
    rows = api.mali.read("/offices", country="LA", role="tracing").json()["items"]
    assert {row["country"] for row in rows} == {"LA"}
    assert all("tracing" in row["roles"] for row in rows)
    datip = api.mali.read("/offices/th-datip").json()
    assert (datip["country"], datip["hours"]) == ("TH", "08:30-16:30")
    assert api.mali.read("/offices/nowhere").status_code == 404
    assert api.ngo.read("/offices").status_code == 403


def test_it_says_who_i_am(api: Running) -> None:
    me = api.mali.read("/me").json()
    assert (me["user"], me["office"], me["roles"]) == ("mali", "th-ubon-case", ["coordinator"])
    assert "cases.open" in me["permissions"]
    assert me["rehearsal"] is True


def test_it_makes_a_scoped_token_once_shown_and_ends_it(api: Running) -> None:
    asked = {"user": "mali", "office": "th-ubon-case", "scopes": ["cases.list"], "days": 1}
    made = api.root.do("/tokens", asked)
    assert made.status_code == 201
    with Person(api.url, made.json()["token"]) as narrow:
        assert narrow.read("/cases").status_code == 200
        assert narrow.read("/tasks").json()["type"] == "forbidden"
        ended = api.root.send_change("DELETE", f"/tokens/{made.json()['prefix']}")
        assert ended.status_code == 204
        assert narrow.read("/cases").status_code == 401
    again = api.root.send_change("DELETE", f"/tokens/{made.json()['prefix']}")
    assert again.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "nobody"},
        {"office": "th-datip"},
        {"scopes": ["everything.everywhere"]},
        {"days": 0},
        {"days": 4000},
    ],
)
def test_it_makes_no_token_that_would_mean_nothing(api: Running, wrong: dict[str, object]) -> None:
    asked = {"user": "mali", "office": "th-ubon-case", **wrong}
    assert api.root.do("/tokens", asked).json()["type"] in {"invalid-field", "not-found"}


def test_it_makes_a_token_that_may_all_that_its_user_may(api: Running) -> None:
    made = api.root.do("/tokens", {"user": "mali", "office": "th-ubon-case", "scopes": ["*"]})
    with Person(api.url, made.json()["token"]) as whole:
        assert whole.read("/tasks").status_code == 200


def test_it_lets_only_an_administrator_make_tokens(api: Running) -> None:
    asked = {"user": "mali", "office": "th-ubon-case"}
    assert api.mali.do("/tokens", asked).status_code == 403
    assert api.nobody.do("/tokens", asked).status_code == 401


def test_it_is_alive_and_ready(api: Running) -> None:
    assert api.nobody.get("/health/live").json() == {"status": "ok"}
    ready = api.nobody.get("/health/ready")
    assert ready.json() == {"status": "ok", "database": "ok", "engine": "ok"}


def test_it_counts_requests_without_ids(api: Running) -> None:
    case = api.a_case()
    api.mali.read(f"/cases/{case['case']}")
    figures = api.nobody.get("/metrics").text
    assert 'route="/cases/{case_ref}"' in figures
    assert case["case"] not in figures
    assert case["reference"] not in figures


def test_it_guards_every_answer(api: Running) -> None:
    for path in ("/health/live", "/api/v1/cases", "/nowhere"):
        headers = api.nobody.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 401),
        ({}, 401),
    ],
)
def test_it_refuses_changes_that_another_site_sends(
    api: Running, headers: dict[str, str], status: int
) -> None:
    answer = api.nobody.post("/api/v1/tokens", json={}, headers=headers)
    assert answer.status_code == status


def test_it_answers_unknown_addresses_and_methods_as_problems(api: Running) -> None:
    assert api.mali.get("/api/v1/nothing").json()["type"] == "not-found"
    wrong = api.mali.delete("/api/v1/cases")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "method-not-allowed")
    assert wrong.headers["Allow"]


def test_it_writes_no_names_into_its_log(api: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    case = api.a_case(person={"name": "Somchai Phommachanh"})["case"]
    api.mali.get(f"/api/v1/cases/{case}/person", headers={"X-Purpose": "to call the shelter"})
    api.mali.do("/cases", {"corridor": "Somchai", "person": {"Somchai": 1}})
    assert "/person" in caplog.text
    assert "to call the shelter" not in caplog.text
    assert "Somchai" not in caplog.text


def test_it_keeps_one_row_for_each_reading_and_none_for_a_refused_one(api: Running) -> None:
    case = api.a_case(person={"name": "Somchai Phommachanh"})["case"]
    path, why = f"/api/v1/cases/{case}/person", {"X-Purpose": "to call the shelter"}
    assert api.mali.get(path, headers=why).status_code == 200
    assert api.ngo.get(path, headers=why).status_code in {403, 404}
    assert api.mali.get(path).status_code == 422
    with api.database.begin() as connection:
        (row,) = access_log.of_case(connection, case)
    assert (row.what, row.purpose) == (("names", "contact"), "to call the shelter")
    assert row.user_id
    assert row.office
    assert "Somchai" not in repr(row)
