"""Crossings, calendars, posts and rules, said once by an administrator and told to every case."""

import asyncio
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.case.events import CrossingChanged
from domain.work.events import CalendarChanged, PostChanged, RulesAdopted
from local.postgres import RunningPostgres, clone_database, drop_database
from local.temporal import RunningTemporal
from records import ledger, users
from rulefiles import SHIPPED
from tests.api.conftest import Person, Running, Serving, new_key, running_on, settings_for
from tests.conftest import TEMPLATE

WHY = {"reason": "The bridge is damaged by the flood.", "source": "Notice 12/2026"}
CASE_OFFICE = "th-ubon-case"


@pytest.fixture(scope="module")
def land(
    postgres_server: RunningPostgres,
    temporal: RunningTemporal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """An installation of its own: what is said here reaches every case."""
    name = f"world_{uuid.uuid4().hex[:16]}"
    url = clone_database(postgres_server.url, TEMPLATE, name)
    folder = tmp_path_factory.mktemp("land")
    yield from running_on(settings_for(url, temporal, folder, rehearsal=True))
    drop_database(postgres_server.url, name)


def said(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(land: Running, fact: dict[str, Any]) -> dict[str, Any]:
    """How far a fact is, once it is told."""
    until = time.monotonic() + 20
    while True:
        now = said(land.root.read(f"/world/facts/{fact['fact']}"))
        if now["state"] == "done":
            return now
        assert time.monotonic() < until, now
        time.sleep(0.05)


def events(land: Running, case: dict[str, Any], kind: type) -> list[Any]:
    with land.database.begin() as connection:
        return [e for e in ledger.events_of(connection, case["case"]) if isinstance(e, kind)]


def shut(who: Person, crossing: str, status: str = "closed", key: str | None = None) -> Any:
    return who.do(f"/crossings/{crossing}", {"status": status, **WHY}, key)


# -- crossings


def test_a_shut_crossing_reaches_open_cases_and_those_that_open_later(land: Running) -> None:
    before = land.a_case()
    fact = said(shut(land.root, "chong-mek"))
    assert told(land, fact)["done"] >= 1
    after = land.a_case()
    assert [e.status for e in events(land, before, CrossingChanged)] == ["closed"]
    assert events(land, after, CrossingChanged) == []
    with land.database.begin() as connection:
        opened = ledger.events_of(connection, after["case"])[0]
    assert opened.crossings["chong-mek"] == "closed"
    listed = said(land.mali.read("/crossings"))["items"]
    chong_mek = next(one for one in listed if one["crossing"] == "chong-mek")
    assert (chong_mek["status"], chong_mek["reason"]) == ("closed", WHY["reason"])
    assert "th-la" in chong_mek["corridors"]
    told(land, said(shut(land.root, "chong-mek", "open")))


def test_the_same_request_twice_is_one_fact_and_one_answer(land: Running) -> None:
    key = new_key()
    first = said(shut(land.root, "huay-xai", key=key))
    assert said(shut(land.root, "huay-xai", key=key)) == first
    again = shut(land.root, "huay-xai", "open", key=key)
    assert (again.status_code, again.json()["type"]) == (409, "key-reused")
    again = shut(land.root, "huay-xai")
    assert (again.status_code, again.json()["type"]) == (409, "wrong-state")


def test_a_focal_shuts_the_crossings_of_its_country_and_no_others(land: Running) -> None:
    assert said(shut(land.fon, "golden-triangle"))["by"] == "th-mfa"
    focal = land.a_colleague(("vn-mfa", "focal"))
    refused = shut(focal, "golden-triangle", "open")
    assert (refused.status_code, refused.json()["type"]) == (403, "forbidden")


def test_an_unknown_crossing_is_named_with_its_nearest(land: Running) -> None:
    refused = shut(land.root, "nong-kai")
    assert refused.status_code == 404
    assert "did you mean nong-khai?" in refused.json()["detail"]


def test_a_plan_is_made_over_a_crossing_of_the_corridor(land: Running) -> None:
    case = land.a_case()
    for crossing, near in (("nong-kai", "did you mean nong-khai?"), ("mae-sai", "there are")):
        asked = {"do": "plan_handover", "date": "2199-01-04", "crossing": crossing}
        refused = land.mali.do(f"/cases/{case['case']}/acts", asked)
        assert (refused.status_code, refused.json()["type"]) == (422, "invalid-field")
        assert refused.json()["field"] == "crossing", refused.text
        assert near in refused.json()["detail"]


@pytest.mark.parametrize("missing", ["reason", "source", "status"])
def test_it_asks_why_and_whence(land: Running, missing: str) -> None:
    body = {"status": "closed", **WHY}
    del body[missing]
    refused = land.root.do("/crossings/nong-khai", body)
    assert (refused.status_code, refused.json()["type"]) == (422, "missing-field")


def test_reasons_in_any_script_come_back_as_they_were(land: Running) -> None:
    reason = "สะพานปิด · ຂົວປິດ · တံတားပိတ်သည်"
    fact = said(
        land.root.do(
            "/crossings/mukdahan", {"status": "closed", "reason": reason, "source": "ໂທລະສັບ"}
        )
    )
    assert (fact["reason"], fact["source"]) == (reason, "ໂທລະສັບ")
    told(land, said(shut(land.root, "mukdahan", "open")))


# -- calendars


def test_a_day_off_is_previewed_and_then_moves_open_clocks(land: Running) -> None:
    case = land.a_case(age=9)
    said(land.psdhs.do(f"/tasks/{case['case']}/guardian/complete", {"outcome": "appointed"}))
    day = land.step(case, "best_interests")["due_at"][:10]
    seen = said(land.root.do("/calendars/TH/preview", {"off": [day]}))
    mine = [line for line in seen["lines"] if line["reference"] == case["reference"]]
    assert "best_interests" in {line["step"] for line in mine}, seen
    assert all(line["old"] < line["new"] for line in mine)
    assert events(land, case, CalendarChanged) == []

    told(land, said(land.root.do("/calendars/TH", {"off": [day], **WHY})))
    assert len(events(land, case, CalendarChanged)) == 1
    procedure = said(land.mali.read(f"/cases/{case['case']}"))["procedure"]
    moved = {step["step"]: step["due_at"] for step in procedure}
    assert {line["step"]: line["new"] for line in mine}.items() <= moved.items()
    again = land.root.do("/calendars/TH", {"off": [day], **WHY})
    assert (again.status_code, again.json()["type"]) == (409, "wrong-state")
    later = land.a_case()
    with land.database.begin() as connection:
        opened = ledger.events_of(connection, later["case"])[0]
    assert "TH" in {c.country for c in opened.calendars}


def test_a_day_off_may_be_today(land: Running) -> None:
    today = datetime.now(UTC).date().isoformat()
    told(land, said(land.root.do("/calendars/LA", {"off": [today], **WHY})))
    listed = said(land.mali.read("/calendars"))["items"]
    assert today in next(one for one in listed if one["country"] == "LA")["off"]


@pytest.mark.parametrize(
    ("country", "body", "status", "slug"),
    [
        ("XX", {"off": ["2026-12-02"]}, 404, "not-found"),
        ("LA", {}, 422, "missing-field"),
        ("LA", {"off": ["2026-12-02"], "on": ["2026-12-02"]}, 422, "invalid-field"),
        ("LA", {"closes": "07:00"}, 422, "invalid-field"),
        ("LA", {"closes": "25:00"}, 422, "invalid-field"),
        ("LA", {"off": ["02/12/2026"]}, 422, "invalid-field"),
        ("la", {"off": ["2026-12-02"]}, 422, "invalid-field"),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    land: Running, country: str, body: dict[str, Any], status: int, slug: str
) -> None:
    refused = land.root.do(f"/calendars/{country}", {**body, **WHY})
    assert (refused.status_code, refused.json()["type"]) == (status, slug), refused.text


# -- posts


def a_user(land: Running) -> str:
    user = f"u-{uuid.uuid4().hex[:10]}"
    with land.database.begin() as connection:
        users.create(connection, user, "Somebody", datetime.now(UTC), None)
    return user


def test_an_ended_term_ends_access_at_its_moment_and_reaches_every_case(land: Running) -> None:
    office = "th-ubon-committee"
    case, chief = land.a_case(), land.anan
    assert chief.read("/tasks").status_code == 200
    successor = a_user(land)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    body = {"post": "head", "holder": successor, "since": ends.isoformat(), **WHY}
    fact = said(land.root.do(f"/offices/{office}/posts", body))
    assert fact["effective_at"].startswith(ends.isoformat()[:19])
    last_allowed = datetime.now(UTC)
    while (answer := chief.read("/tasks")).status_code == 200:
        last_allowed = datetime.now(UTC)
        assert last_allowed < ends + timedelta(seconds=1)
        time.sleep(0.02)
    assert answer.status_code == 401
    assert datetime.now(UTC) >= ends
    assert chief.do(f"/cases/{case['case']}/acts", {"do": "flag"}).status_code == 401
    assert told(land, fact)["done"] >= 1
    assert [e.office.head for e in events(land, case, PostChanged)] == [successor]
    terms = said(land.root.read(f"/offices/{office}/posts"))["items"]
    assert [term["holder"] for term in terms if term["post"] == "head"] == [successor, "anan"]


def test_a_vacant_post_is_told_and_the_office_keeps_its_duties(land: Running) -> None:
    office = "th-ubon-shelter"
    case = land.at_placement()
    fact = said(land.root.do(f"/offices/{office}/posts", {"post": "head", **WHY}))
    assert told(land, fact)["done"] >= 1
    (changed,) = events(land, case, PostChanged)
    assert (changed.office.vacant, changed.office.role) == (True, "host.shelter")
    placement = land.step(case, "placement")
    assert placement["holder"] == office
    again = land.root.do(f"/offices/{office}/posts", {"post": "head", **WHY})
    assert (again.status_code, again.json()["type"]) == (409, "wrong-state")


@pytest.mark.parametrize(
    ("office", "body", "status", "slug"),
    [
        ("th-nowhere", {"post": "head"}, 404, "not-found"),
        ("th-datip", {"post": "king"}, 422, "invalid-field"),
        ("th-datip", {"post": "head", "holder": "nobody-here"}, 422, "invalid-field"),
        ("th-datip", {"post": "head", "holder": "nida", "role": "king"}, 422, "invalid-field"),
        ("th-datip", {"post": "head", "since": "2020-01-01T00:00:00Z"}, 422, "invalid-field"),
        (
            "th-datip",
            {"post": "head", "holder": "mali", "until": "2020-01-01T00:00:00Z"},
            422,
            "invalid-field",
        ),
        ("th-ubon-health", {"post": "head", "holder": "mali"}, 422, "missing-field"),
    ],
)
def test_a_term_that_cannot_be_is_refused(
    land: Running, office: str, body: dict[str, Any], status: int, slug: str
) -> None:
    refused = land.root.do(f"/offices/{office}/posts", {**body, **WHY})
    assert (refused.status_code, refused.json()["type"]) == (status, slug), refused.text


# -- rules


def test_rules_that_every_case_follows_are_not_adopted(land: Running) -> None:
    land.a_case()
    seen = said(land.root.read("/corridors/th-la/rules/preview"))
    assert (seen["concerned"], seen["dates_moved"], seen["lines"]) == (0, 0, [])
    refused = land.root.do("/corridors/th-la/rules/adopt", WHY)
    assert (refused.status_code, refused.json()["type"]) == (409, "wrong-state")
    assert land.root.do("/corridors/no-no/rules/adopt", WHY).status_code == 404


def test_newer_rules_are_summed_up_and_adopted_by_every_open_case(
    land: Running, tmp_path: Path
) -> None:
    case = land.at_placement()
    folder = tmp_path / "rules"
    shutil.copytree(SHIPPED, folder)
    arrival = folder / "cards" / "arrival.toml"
    text = arrival.read_text(encoding="utf-8")
    assert 'within = "15 days"' in text
    arrival.write_text(text.replace('within = "15 days"', 'within = "20 days"'), encoding="utf-8")
    newer = land.settings.model_copy(update={"rules_dir": folder})
    with (
        Serving(newer, with_worker=False) as serving,
        Person(serving.url, land.tokens["root"]) as root,
    ):
        seen = said(root.read("/corridors/th-la/rules/preview"))
        assert seen["concerned"] == seen["looked_into"] >= 1
        assert seen["moved"]["identification"] >= 1
        mine = [one for one in seen["lines"] if one["reference"] == case["reference"]]
        assert "identification" in {one["step"] for one in mine}
        now = told(land, said(root.do("/corridors/th-la/rules/adopt", WHY)))
        assert now["left"] == 0
        assert said(root.read("/corridors/th-la/rules/preview"))["concerned"] == 0
    assert len(events(land, case, RulesAdopted)) == 1
    due = land.step(case, "identification")["due_at"]
    assert due == next(one["new"] for one in mine if one["step"] == "identification")
    # The older program is still served here: back to its rules, for the other tests.
    told(land, said(land.root.do("/corridors/th-la/rules/adopt", WHY)))


# -- what was said


def test_facts_are_listed_page_by_page(land: Running) -> None:
    for status in ("closed", "open"):
        said(shut(land.root, "sadao", status))
    first = said(land.root.read("/world/facts", limit=1))
    assert first["items"][0]["subject"] == "sadao"
    second = said(land.root.read("/world/facts", limit=1, cursor=first["next"]))
    assert second["items"][0]["fact"] != first["items"][0]["fact"]


def test_two_who_shut_it_at_once_make_one_fact(land: Running) -> None:
    async def both() -> list[Any]:
        one, two = land.root, land.a_colleague(("system", "admin"))
        return list(
            await asyncio.gather(
                asyncio.to_thread(shut, one, "poipet"), asyncio.to_thread(shut, two, "poipet")
            )
        )

    answers = asyncio.run(both())
    assert sorted(answer.status_code for answer in answers) == [200, 409]
