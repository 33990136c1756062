"""Opening, listing, reading: by nobody, a stranger, the right people, and wrongly."""

from datetime import date
from typing import Any

import pytest

from tests.api.conftest import Person, Running, new_key


def test_it_opens_a_case_with_one_post(api: Running) -> None:
    case = api.a_case()
    assert case["version"] > 0
    assert case["status"] == "open"
    assert "Waits for" in case["waits_for"]
    seen = api.mali.read(f"/cases/{case['reference']}").json()
    assert seen["case"] == case["case"]
    assert {"report", "tracing", "handover"} <= {step["step"] for step in seen["procedure"]}
    assert {gate["gate"] for gate in seen["gates"] if not gate["open"]} >= {"identity", "consent"}


def test_it_says_where_the_new_case_is(api: Running) -> None:
    answer = api.mali.do("/cases", {"corridor": "la-th", "person": {"name": "A"}, "age": 30})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/cases/{answer.json()['case']}"


def test_it_binds_the_offices_of_the_callers_province(api: Running) -> None:
    case = api.a_case()
    assert api.step(case, "report")["holder"] == "th-ubon-desk"


def test_it_takes_other_offices_where_they_are_named(api: Running) -> None:
    case = api.a_case(offices={"host.shelter": "th-chiang-rai-shelter"})
    done = api.imm.do(f"/tasks/{case['case']}/screening/complete", {"outcome": "presumed_victim"})
    assert done.status_code == 200
    assert api.step(case, "placement")["holder"] == "th-chiang-rai-shelter"


def test_it_counts_an_unknown_age_as_a_child(api: Running) -> None:
    case = api.a_case(age="unknown")
    assert api.mali.read(f"/cases/{case['case']}").json()["child"] is True
    assert api.step(case, "guardian")["state"] == "offered"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"corridor": "xx-yy"}, "corridor"),
        ({"age": None, "born": "2999-01-01"}, "born"),
        ({"age": None, "born": "2544-01-01"}, "born"),
        ({"age": None, "born": "0000-01-01"}, "born"),
        ({"age": None, "born": "9999-12-31"}, "born"),
        ({"age": 130}, "age"),
        ({"flags": ["sad"]}, "flags"),
        ({"flags": ["conflict:nobody"]}, "flags"),
        ({"offices": {"host.shelter": "nowhere"}}, "offices"),
        ({"offices": {"host.magician": "th-ubon-shelter"}}, "offices"),
        ({"person": {"name": "A\u0000B"}}, ""),
        ({"person": {"name": "A\u202eB"}}, "person.name"),
        ({"person": {"name": " "}}, "person.name"),
        ({"person": {"name": "A" + "\u0301" * 20}}, "person.name"),
        ({"person": {"name": "A", "age": 3}}, "person.age"),
        ({"colour": "red"}, "colour"),
        ({"sex": "unclear"}, "sex"),
    ],
)
def test_it_names_the_field_that_is_wrong(
    api: Running, changes: dict[str, Any], field: str
) -> None:
    body = {"corridor": "th-la", "age": 24, "person": {"name": "A"}, **changes}
    answer = api.mali.do("/cases", {k: v for k, v in body.items() if v is not None})
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["type"] == "invalid-field"
    assert field in problem.get("field", "")


@pytest.mark.parametrize(
    ("province", "status", "slug"),
    [
        ("ubon ratchathani", 422, "invalid-field"),
        ("Ubon Ratchatani", 422, "invalid-field"),
        ("Atlantis", 422, "invalid-field"),
        ("Ha Tinh", 409, "nobody-there"),
    ],
)
def test_it_names_the_provinces_of_the_corridor_for_one_that_it_lacks(
    api: Running, province: str, status: int, slug: str
) -> None:
    body = {"corridor": "th-la", "age": 24, "person": {"name": "A"}, "province": province}
    answer = api.mali.do("/cases", body)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, slug)
    assert "Bokeo, Chiang Rai, Ubon Ratchathani, Vientiane" in problem["detail"]
    assert province not in problem["detail"].split(", ")


def test_it_takes_a_province_of_either_side(api: Running) -> None:
    assert api.a_case(province="Ubon Ratchathani")["status"] == "open"
    assert api.a_case(province="Bokeo", offices={"host.case": "th-ubon-case"})["status"] == "open"


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/cases", "GET, HEAD, POST"),
        ("/api/v1/cases/AAAAA-AAAAA/acts", "POST"),
        ("/api/v1/me", "GET, HEAD"),
        ("/cases/new", "GET, HEAD, POST"),
        ("/health/live", "GET, HEAD"),
    ],
)
def test_it_names_every_method_of_an_address(
    api: Running, method: str, path: str, allowed: str
) -> None:
    answer = api.mali.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


def test_it_tells_the_western_year_of_a_buddhist_one(api: Running) -> None:
    body = {"corridor": "th-la", "born": "2544-05-01", "person": {"name": "A"}}
    assert "write 2001" in api.mali.do("/cases", body).json()["detail"]


def test_it_names_what_is_missing(api: Running) -> None:
    problem = api.mali.do("/cases", {"corridor": "th-la"}).json()
    assert (problem["type"], problem["field"]) == ("missing-field", "person")


def test_it_lists_the_cases_of_the_office_newest_first_page_by_page(api: Running) -> None:
    days = ("2031-01-01", "2031-01-02", "2031-01-03")
    mine = [api.a_case("viktor", opens=f"{day}T09:00:00+07:00")["case"] for day in days]
    first = api.viktor.read("/cases", limit=2).json()
    assert [row["case"] for row in first["items"]] == [mine[2], mine[1]]
    second = api.viktor.read("/cases", limit=2, cursor=first["next"]).json()
    assert second["items"][0]["case"] == mine[0]


def test_it_lists_by_corridor_status_and_turn(api: Running) -> None:
    case = api.a_case()
    found = api.mali.every("/cases", corridor="th-la", status="open", turn="host")
    assert case["case"] in [row["case"] for row in found]
    for other in ({"corridor": "th-vn"}, {"status": "closed"}, {"turn": "origin"}):
        rows = api.mali.every("/cases", **other)
        assert case["case"] not in [row["case"] for row in rows]


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 1000}, {"cursor": "x" * 900}, {"status": "asleep"}]
)
def test_it_refuses_a_page_that_cannot_be(api: Running, wrong: dict[str, Any]) -> None:
    assert api.mali.read("/cases", **wrong).json()["type"] == "invalid-field"


@pytest.mark.parametrize("path", ["/cases", "/stalled"])
def test_it_shows_no_empty_list_for_a_corridor_that_is_misspelt(api: Running, path: str) -> None:
    answer = api.nida.read(path, corridor="th-l")
    assert (answer.status_code, answer.json()["field"]) == (422, "corridor")
    assert "th-la" in answer.json()["detail"]


def test_it_knows_no_page_behind_a_cursor_it_never_gave(api: Running) -> None:
    for path in ("/cases", "/tasks", "/stalled", "/escalations"):
        assert api.nida.read(path, cursor="nonsense").json()["type"] == "not-found"


def test_it_refuses_a_stranger_before_waiting_for_a_version(api: Running) -> None:
    case = api.a_case()["case"]
    assert api.viktor.read(f"/cases/{case}", at_least=99_999).status_code == 404


def test_it_hides_a_case_from_those_who_have_no_part_in_it(api: Running) -> None:
    case = api.a_case()["case"]
    for path in ("", "/timeline", "/forecast", "/person", "/texts"):
        answer = api.viktor.get(f"/api/v1/cases/{case}{path}", headers={"X-Purpose": "to see"})
        assert answer.status_code == 404
    assert case not in [row["case"] for row in api.viktor.every("/cases")]
    missing = api.mali.read("/cases/00000000-0000-4000-8000-000000000000")
    hidden = api.viktor.read(f"/cases/{case}")
    drop = {"request"}
    assert {k: v for k, v in missing.json().items() if k not in drop} == {
        k: v for k, v in hidden.json().items() if k not in drop
    }


def test_it_hides_a_case_from_the_other_sides_offices(api: Running) -> None:
    case = api.a_case()["case"]
    assert api.bounmy.read(f"/cases/{case}").status_code == 404
    assert case not in [row["case"] for row in api.bounmy.every("/cases")]


def test_it_shows_the_case_to_manager_and_secretary(api: Running) -> None:
    case = api.a_case()["case"]
    assert api.nida.read(f"/cases/{case}").status_code == 200
    assert api.anan.read(f"/cases/{case}").status_code == 200


def test_it_hides_a_case_from_an_office_in_conflict(api: Running) -> None:
    case = api.a_case(flags=["conflict:th-ubon-psdhs"])["case"]
    assert api.psdhs.read(f"/cases/{case}").status_code == 404
    assert case not in [row["case"] for row in api.psdhs.every("/cases")]


def test_it_tells_what_happened_in_order(api: Running) -> None:
    case = api.at_placement()
    told = api.mali.read(f"/cases/{case['case']}/timeline").json()
    assert [line["version"] for line in told["items"]] == list(range(1, case["version"] + 1))
    done = [line for line in told["items"] if line["what"] == "TaskDone"]
    assert done[0]["by"] == "th-ubon-immigration"
    assert done[0]["user"] == "imm"
    assert "ended: presumed_victim" in done[0]["sentence"]


def test_it_reads_the_timeline_page_by_page(api: Running) -> None:
    case = api.at_placement()["case"]
    first = api.mali.read(f"/cases/{case}/timeline", limit=3).json()
    second = api.mali.read(f"/cases/{case}/timeline", limit=3, after=first["next"]).json()
    assert second["items"][0]["version"] == 4


def test_it_tells_what_comes_if_nobody_acts(api: Running) -> None:
    case = api.a_case()["case"]
    told = api.mali.read(f"/cases/{case}/forecast").json()["if_nobody_acts"]
    rungs = [(line["step"], line["rung"]) for line in told]
    assert ("report", "E1") in rungs
    assert ("report", "E2") in rungs
    assert [line["at"] for line in told] == sorted(line["at"] for line in told)


def test_it_waits_for_the_version_that_was_asked_for(api: Running) -> None:
    case = api.a_case()
    here = api.mali.read(f"/cases/{case['case']}", at_least=case["version"])
    assert here.json()["version"] >= case["version"]
    never = api.mali.read(f"/cases/{case['case']}", at_least=case["version"] + 100)
    assert (never.status_code, never.json()["type"]) == (503, "not-visible-yet")
    assert int(never.headers["Retry-After"]) >= 1


def test_it_never_shows_the_person_but_in_the_record(api: Running) -> None:
    name, contact, reason = "Somchai Phommachanh", "+66 81 234 5678", "his uncle Bounthong called"
    born = "1999-03-17"
    case = api.a_case(person={"name": name, "contact": contact}, age=None, born=born)["case"]
    api.desk.do(f"/tasks/{case}/report/complete", {"outcome": "accepted", "reason": reason})
    api.mali.do(f"/tasks/{case}/screening/note", {"note": reason})
    told = "".join(
        reader.read(path).text
        for reader in (api.mali, api.nida, api.anan)
        for path in (
            "/cases",
            f"/cases/{case}",
            f"/cases/{case}/timeline",
            f"/cases/{case}/forecast",
            "/tasks",
            "/escalations",
            "/stalled",
        )
    )
    told += api.nobody.get("/metrics").text
    for secret in (name, "Somchai", contact, reason, "Bounthong", born, "2017-03-17"):
        assert secret not in told


def test_it_opens_the_persons_record_for_a_purpose(api: Running) -> None:
    case = api.a_case(person={"name": "Keo", "contact": "aunt's shop"})["case"]
    path = f"/api/v1/cases/{case}/person"
    assert api.mali.get(path).json()["type"] == "missing-field"
    found = api.mali.get(path, headers={"X-Purpose": "preparing the tracing request"})
    assert found.json()["name"] == "Keo"
    assert api.anan.get(path, headers={"X-Purpose": "curious"}).status_code == 403


def test_it_writes_the_persons_record_anew(api: Running) -> None:
    case = api.a_case()["case"]
    changed = api.mali.send_change(
        "PUT", f"/cases/{case}/person", {"name": "Keo M."}, X_Purpose="spelling put right"
    )
    assert changed.status_code == 200
    found = api.mali.get(f"/api/v1/cases/{case}/person", headers={"X-Purpose": "looking again"})
    assert found.json()["name"] == "Keo M."
    assert found.json()["sex"] == "female"


def test_it_leaves_birth_date_and_sex_to_the_act_that_the_rules_hear(api: Running) -> None:
    case = api.a_case(born="2001-07-01", age=None)["case"]

    def write(**record: str) -> Any:
        sent = {"name": "Keo", **record}
        return api.mali.send_change("PUT", f"/cases/{case}/person", sent, X_Purpose="spelling")

    assert write(born="2001-07-01", sex="female").status_code == 200
    for field, value in (("born", "2015-01-01"), ("born", "2030-01-01"), ("sex", "male")):
        problem = write(**{field: value})
        assert (problem.status_code, problem.json()["type"]) == (422, "invalid-field")
        assert problem.json()["field"] == field
        assert "2001" not in problem.text
    found = api.mali.get(f"/api/v1/cases/{case}/person", headers={"X-Purpose": "looking again"})
    assert (found.json()["born"], found.json()["sex"]) == ("2001-07-01", "female")


def test_it_keeps_the_words_of_a_reason_apart(api: Running) -> None:
    case = api.a_case()["case"]
    held = {"do": "hold", "reason": "She is ill", "until": f"{date.today().year + 1}-03-03"}  # noqa: DTZ011
    assert api.mali.do(f"/cases/{case}/acts", held).status_code == 200
    line = api.mali.read(f"/cases/{case}/timeline").json()["items"]
    name = next(item["reason"] for item in line if item["what"] == "WorkHeld")
    texts = api.mali.get(f"/api/v1/cases/{case}/texts", headers={"X-Purpose": "reading up"})
    assert texts.json()[name] == "She is ill"


def test_it_takes_an_own_date_only_in_a_rehearsal(api: Running) -> None:
    case = api.a_case(opens="2026-02-03T09:00:00+07:00")
    seen = api.mali.read(f"/cases/{case['case']}").json()
    assert seen["opened_at"] == "2026-02-03T02:00:00Z"
    assert seen["now"].startswith("2026-02-03T02:0")


def test_it_gives_the_same_case_for_the_same_report_sent_again(api: Running) -> None:
    key = new_key()
    body = {"corridor": "th-la", "age": 20, "person": {"name": "Noi"}}
    first = api.mali.do("/cases", body, key)
    assert api.mali.do("/cases", body, key).json() == first.json()
    api.desk.do(f"/tasks/{first.json()['case']}/report/accept")
    assert api.mali.do("/cases", body, key).json() == first.json()
    other = api.mali.do("/cases", {**body, "age": 21}, key)
    assert (other.status_code, other.json()["type"]) == (409, "key-reused")
    assert api.psdhs.do("/cases", body, key).json()["case"] != first.json()["case"]


def test_it_refuses_a_token_that_does_not_count(api: Running) -> None:
    for token in ("hw_aa_bb", "nonsense", api.tokens["mali"] + "x", "hw__", "é"):
        with Person(api.url, None) as stranger:
            sent = [(b"Authorization", f"Bearer {token}".encode())]
            answer = stranger.get("/api/v1/cases", headers=sent)
        assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
