"""Steering a case, and the promises around every change: keys, posts, what the engine sees."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, get_args

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from api.requests import USED, ActRequest, Do
from domain.case.core import ACTS
from domain.kinds import CASE
from engine.connection import connect
from engine.runs import Runs
from records import ledger
from tests.api.conftest import Person, Running, new_key
from tests.api.test_pages import Browser
from workflows.messages import workflow_id

REASON = "as agreed on the telephone"


def acted(api: Running, case: str, who: str = "mali", /, **body: Any) -> dict[str, Any]:
    done = api.person(who).do(f"/cases/{case}/acts", body)
    assert done.status_code == 200, done.text
    found: dict[str, Any] = done.json()
    return found


def refused(api: Running, case: str, who: str = "mali", /, **body: Any) -> tuple[int, str]:
    done = api.person(who).do(f"/cases/{case}/acts", body)
    return done.status_code, done.json()["type"]


@contextmanager
def a_database_that_writes_no(api: Running, table: str) -> Iterator[None]:
    """The connection breaks whenever that table is to be written."""
    database = api.app.state.services.database

    def breaks(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        del connection, cursor
        if statement.startswith((f"INSERT INTO {table} ", f"UPDATE {table} ")):
            raise OperationalError(statement, {}, RuntimeError("gone"))

    event.listen(database, "before_cursor_execute", breaks)
    try:
        yield
    finally:
        event.remove(database, "before_cursor_execute", breaks)


def test_it_knows_every_act_of_the_core() -> None:
    world = {name for name in ACTS if name.startswith("world_")}
    assert set(get_args(Do)) == set(ACTS) - world


def test_it_holds_and_resumes(api: Running) -> None:
    case = api.a_case()["case"]
    assert acted(api, case, do="hold", reason=REASON, until="2199-01-04")["status"] == "on_hold"
    assert acted(api, case, do="resume")["status"] == "open"


def test_it_extends_and_reassigns_and_skips(api: Running) -> None:
    case = api.at_placement()["case"]
    acted(api, case, do="extend", step="placement", due="2199-01-04", reason=REASON)
    assert api.step({"case": case}, "placement")["due_at"].startswith("2199-01-04")
    acted(api, case, do="reassign", step="placement", to="host.case", reason=REASON)
    assert api.step({"case": case}, "placement")["holder"] == "th-ubon-case"
    acted(api, case, do="skip", step="identification", reason=REASON)
    assert api.step({"case": case}, "identification")["state"] == "skipped"


def test_it_corrects_a_birth_date_for_the_rules_and_the_record(api: Running) -> None:
    case = api.a_case()["case"]
    acted(api, case, do="correct", fact="born", value="2015-02-03", reason=REASON)
    assert api.mali.read(f"/cases/{case}").json()["child"] is True
    record = api.mali.get(f"/api/v1/cases/{case}/person", headers={"X-Purpose": "to check"})
    assert record.json()["born"] == "2015-02-03"


def test_it_corrects_the_record_when_the_first_try_was_cut_off(api: Running) -> None:
    case, key = api.a_case(sex="male")["case"], new_key()
    correct = {"do": "correct", "fact": "sex", "value": "female", "reason": REASON}

    def sex() -> str:
        path = f"/api/v1/cases/{case}/person"
        return str(api.mali.get(path, headers={"X-Purpose": "to check"}).json()["sex"])

    with a_database_that_writes_no(api, "people"):
        assert api.mali.do(f"/cases/{case}/acts", correct, key).status_code == 503
    assert sex() == "male"
    assert api.mali.do(f"/cases/{case}/acts", correct, key).status_code == 200
    assert sex() == "female"
    acted(api, case, do="correct", fact="sex", value="other", reason=REASON)
    assert api.mali.do(f"/cases/{case}/acts", correct, key).status_code == 200
    assert sex() == "other"  # a late repeat never undoes a newer correction


def test_it_cancels_and_opens_again(api: Running) -> None:
    case = api.a_case()["case"]
    assert acted(api, case, do="cancel", reason=REASON)["status"] == "cancelled"
    assert refused(api, case, do="hold", reason=REASON, until="2199-01-04") == (409, "wrong-state")
    assert acted(api, case, do="reopen", reason=REASON)["status"] == "open"


def test_it_runs_a_case_again_whose_reopening_was_answered_and_then_lost(api: Running) -> None:
    case, key = api.a_case()["case"], new_key()
    acted(api, case, do="cancel", reason=REASON)
    reopen = {"do": "reopen", "reason": REASON}
    first = api.mali.do(f"/cases/{case}/acts", reopen, key)
    assert first.status_code == 200

    async def its_run_is_lost() -> None:
        client = await connect(api.settings)
        await client.get_workflow_handle(workflow_id("case", case)).terminate("lost")

    async def it_lives() -> bool:
        runs = Runs(await connect(api.settings), api.database, CASE, api.settings.task_queue)
        return await runs.lives(case)

    asyncio.run(its_run_is_lost())
    assert not asyncio.run(it_lives())
    assert api.mali.do(f"/cases/{case}/acts", reopen, key).json() == first.json()
    assert asyncio.run(it_lives())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"do": "hold", "until": "2199-01-04", "step": "report"}, "step"),
        ({"do": "cancel", "to": "th-ubon-desk"}, "to"),
        ({"do": "flag", "flag": "medical", "kind": "witness"}, "kind"),
        ({"do": "extend", "step": "report", "until": "2199-01-04"}, "until"),
        ({"do": "complete", "step": "report", "outcome": "accepted", "due": "2199-01-04"}, "due"),
    ],
)
def test_it_refuses_a_field_that_this_act_does_not_read(
    api: Running, body: dict[str, str], field: str
) -> None:
    """Whoever names a step with `hold` believes that only this step is held."""
    case = api.a_case()
    answer = api.mali.do(f"/cases/{case['case']}/acts", {**body, "reason": REASON})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["field"]) == (422, "invalid-field", field)
    assert body["do"] in problem["detail"]
    shown = api.mali.read(f"/cases/{case['case']}").json()
    assert (shown["version"], shown["status"]) == (case["version"], "open")


def test_it_says_which_fields_each_act_reads() -> None:
    assert set(USED) == set(get_args(Do))
    assert set().union(*USED.values()) == set(ActRequest.model_fields)


def test_it_blames_nobody_who_asks_for_damaged_records(api: Running) -> None:
    case = api.a_case()["case"]
    with api.database.begin() as connection:
        connection.execute(
            text("UPDATE states SET state = '{}' WHERE subject_id = :case"), {"case": case}
        )
    read, act = (
        api.mali.read(f"/cases/{case}"),
        api.mali.do(f"/cases/{case}/acts", {"do": "resume"}),
    )
    for answer in (read, act):
        assert (answer.status_code, answer.json()["type"]) == (503, "records-disagree")
        assert "state" not in answer.text
    assert api.mali.read("/cases").status_code == 200
    with Browser(api.url) as browser:
        assert browser.sign_in("thida").status_code == 303
        page = browser.get(f"/tasks/{case}/placement")
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (503, "text/html")
    assert "do not agree" in page.text


def test_it_closes_with_a_second_person(api: Running) -> None:
    case = api.at_placement()["case"]
    close = {"do": "close", "reason": REASON}
    assert refused(api, case, "psdhs", **close)[1] == "missing-field"
    assert refused(api, case, "psdhs", **close, approved_by="nobody-i-know")[1] == "invalid-field"
    assert refused(api, case, "psdhs", **close, approved_by="psdhs")[1] == "own-request"
    assert acted(api, case, "psdhs", **close, approved_by="mali")["status"] == "closed"


def test_it_records_what_another_office_said_with_its_day(api: Running) -> None:
    case = api.a_case(opens="2026-02-02T09:00:00+07:00")["case"]
    acted(api, case, do="consent", purpose="notify_state")
    acted(api, case, "nida", do="complete", step="verification_request", outcome="sent")
    answer = {
        "do": "complete",
        "step": "verification",
        "outcome": "confirmed",
        "for": "origin.identity",
        "result": {"channel": "letter", "number": 4711},
    }
    acted(api, case, **answer)
    step = api.step({"case": case}, "verification")
    assert (step["outcome"], step["state"]) == ("confirmed", "done")
    line = api.mali.read(f"/cases/{case}/timeline").json()["items"]
    done = next(item for item in line if item["step"] == "verification" and item["by"])
    assert (done["by"], done["recorded_for"]) == ("th-ubon-case", "la-atd")


def test_it_sets_and_lifts_a_bar(api: Running) -> None:
    case = api.a_case()["case"]
    acted(api, case, do="bar", kind="witness", owner="host.prosecutor", review="2199-01-04")
    assert api.mali.read(f"/cases/{case}").json()["bars"] == ["witness"]
    assert refused(api, case, do="lift_bar", kind="witness") == (403, "not-yours")


def test_it_refuses_a_plan_without_consent(api: Running) -> None:
    case = api.a_case()["case"]
    assert refused(api, case, do="plan_handover", date="2199-01-04") == (409, "no-consent")


def test_it_flags_and_unflags(api: Running) -> None:
    case = api.a_case()["case"]
    acted(api, case, do="flag", flag="medical")
    assert api.mali.read(f"/cases/{case}").json()["flags"] == ["medical"]
    acted(api, case, do="unflag", flag="medical")
    assert refused(api, case, do="unflag", flag="medical") == (409, "wrong-state")


def test_it_does_not_let_a_partner_steer(api: Running) -> None:
    case = api.at_placement()["case"]
    assert refused(api, case, "thida", do="hold", reason=REASON, until="2199-01-04") == (
        403,
        "forbidden",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"do": "hold", "reason": REASON, "until": "2199-01-04", "unti": "2199-01-04"},
        {"do": "hold", "reason": "a\u0000b", "until": "2199-01-04"},
        {"do": "hold", "reason": REASON, "until": "0000-00-00"},
        {"do": "hold", "reason": REASON, "until": "9999-12-31"},
        {"do": "hold", "reason": REASON, "until": "2569-01-04"},
        {"do": "hold", "reason": REASON, "until": 20260104},
        {"do": "hold", "reason": REASON, "until": ["2199-01-04"]},
        {"do": "hold", "reason": "x" * 5000, "until": "2199-01-04"},
        {"do": "hold", "reason": {"a": 1}, "until": "2199-01-04"},
        {"do": "reassign", "step": "report", "to": "nowhere at all", "reason": REASON},
        {"do": "reassign", "step": "report", "to": "nowhere", "reason": REASON},
        {"do": "dance"},
        {"do": None},
        {"do": "hold", "version": -1},
        {"do": "hold", "version": 2**40},
        [],
        "hold",
    ],
)
def test_it_refuses_odd_bodies_in_plain_words(api: Running, body: Any) -> None:
    case = api.a_case()
    answer = api.mali.do(f"/cases/{case['case']}/acts", body or [])
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in {"invalid-field", "missing-field"}
    assert "Traceback" not in answer.text
    assert api.mali.read(f"/cases/{case['case']}").json()["version"] == case["version"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "slug"),
    [
        (b'{"do": "resume", "do": "hold"}', "application/json", 422, "invalid-field"),
        (b'{"do": ', "application/json", 422, "invalid-field"),
        (b'{"version": NaN}', "application/json", 422, "invalid-field"),
        (b"[" * 5000, "application/json", 422, "invalid-field"),
        (b"\xff\xfe", "application/json", 422, "invalid-field"),
        (b'{"do": "resume"}', "text/plain", 415, "wrong-content-type"),
        (b"do=resume", "application/x-www-form-urlencoded", 415, "wrong-content-type"),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "application/json", 413, "too-large"),
    ],
)
def test_it_refuses_bodies_that_are_no_plain_json(
    api: Running, content: bytes, kind: str, status: int, slug: str
) -> None:
    case = api.a_case()["case"]
    answer = api.mali.post(
        f"/api/v1/cases/{case}/acts",
        content=content,
        headers={"Content-Type": kind, "Idempotency-Key": new_key()},
    )
    assert (answer.status_code, answer.json()["type"]) == (status, slug), answer.text


def test_it_stops_reading_a_body_without_end(api: Running) -> None:
    case = api.a_case()["case"]
    answer = api.mali.post(
        f"/api/v1/cases/{case}/acts",
        content=(b" " * 10_000 for _ in range(10)),
        headers={"Content-Type": "application/json", "Idempotency-Key": new_key()},
    )
    assert (answer.status_code, answer.json()["type"]) == (413, "too-large")


# -- keys


def test_it_needs_a_key_for_every_change(api: Running) -> None:
    case = api.a_case()["case"]
    answer = api.mali.post(f"/api/v1/cases/{case}/acts", json={"do": "resume"})
    assert (answer.status_code, answer.json()["type"]) == (422, "missing-field")
    assert answer.json()["field"] == "Idempotency-Key"


def test_it_answers_an_old_key_as_before_whatever_has_happened_since(api: Running) -> None:
    case, key = api.a_case()["case"], new_key()
    body = {"do": "hold", "reason": REASON, "until": "2199-01-04"}
    first = api.mali.do(f"/cases/{case}/acts", body, key)
    acted(api, case, do="resume")
    assert api.mali.do(f"/cases/{case}/acts", body, key).json() == first.json()
    acted(api, case, do="cancel", reason=REASON)
    assert api.mali.do(f"/cases/{case}/acts", body, key).json() == first.json()
    assert api.mali.read(f"/cases/{case}").json()["status"] == "cancelled"


def test_it_takes_a_key_with_other_content_for_a_mistake(api: Running) -> None:
    case, other, key = api.a_case()["case"], api.a_case()["case"], new_key()
    body = {"do": "flag", "flag": "medical"}
    assert api.mali.do(f"/cases/{case}/acts", body, key).status_code == 200
    for path, changed in (
        (f"/cases/{case}/acts", {"do": "flag", "flag": "witness"}),
        (f"/cases/{other}/acts", body),
    ):
        answer = api.mali.do(path, changed, key)
        assert (answer.status_code, answer.json()["type"]) == (409, "key-reused")


def test_it_keeps_the_keys_of_two_people_apart(api: Running) -> None:
    case, key = api.a_case()["case"], new_key()
    assert api.mali.do(f"/cases/{case}/acts", {"do": "flag", "flag": "medical"}, key).is_success
    other = api.psdhs.do(f"/cases/{case}/acts", {"do": "flag", "flag": "medical"}, key)
    assert other.json()["type"] == "wrong-state"


def test_it_leaves_the_key_of_a_refused_act_free(api: Running) -> None:
    case, key = api.a_case()["case"], new_key()
    resume = {"do": "resume"}
    assert api.mali.do(f"/cases/{case}/acts", resume, key).json()["type"] == "wrong-state"
    acted(api, case, do="hold", reason=REASON, until="2199-01-04")
    assert api.mali.do(f"/cases/{case}/acts", resume, key).status_code == 200


# -- posts


def test_it_lets_the_successor_act_in_cases_that_began_before(api: Running) -> None:
    case = api.a_case()["case"]
    successor = api.a_colleague(("th-ubon-prosecutor", "coordinator"))
    bar = {"do": "bar", "kind": "court", "review": "2199-01-04", "reason": REASON}
    done = successor.do(f"/cases/{case}/acts", bar)
    assert done.status_code == 200, done.text


def test_it_tells_a_case_once_that_a_post_changed_hands(api: Running) -> None:
    case = api.a_case()["case"]
    successor = api.a_colleague(("th-ubon-health", "coordinator"))
    token = successor.headers["Authorization"].removeprefix("Bearer ")

    def flag(_: int) -> int:
        with Person(api.url, token) as person:
            done = person.do(f"/cases/{case}/acts", {"do": "flag", "flag": "medical"})
            return done.status_code

    with ThreadPoolExecutor(5) as threads:
        assert sorted(threads.map(flag, range(5))) == [200, 409, 409, 409, 409]
    told = api.mali.read(f"/cases/{case}/timeline", limit=200).json()["items"]
    assert [line["what"] for line in told].count("PostChanged") == 1


def test_it_says_that_a_case_follows_the_newest_rules_already(api: Running) -> None:
    case = api.a_case()["case"]
    assert refused(api, case, do="adopt_rules", reason=REASON) == (409, "wrong-state")


# -- what the engine is given


def test_it_gives_the_engine_nothing_personal(api: Running) -> None:
    name, words = "Somchai Phommachanh", "his uncle Bounthong called from the market"
    case = api.a_case(person={"name": name, "contact": "+66812345678"}, flags=["medical"])["case"]
    acted(api, case, do="hold", reason=words, until="2199-01-04")
    done = api.desk.do(
        f"/tasks/{case}/report/complete",
        {"outcome": "accepted", "reason": words, "result": {"said": words, "amount": words}},
    )
    assert done.status_code == 200, done.text
    told = asyncio.run(what_the_engine_knows(api, case))
    with api.database.begin() as connection:
        told += str([row.body for row in ledger.read(connection, case)])
    assert "report" in told
    for secret in (name, "Somchai", "Bounthong", "+66812345678", words):
        assert secret not in told


async def what_the_engine_knows(api: Running, case: str) -> str:
    """Everything in the history of a case, unsealed."""
    client = await connect(api.settings)
    codec = client.data_converter.payload_codec
    assert codec is not None
    history = await client.get_workflow_handle(workflow_id("case", case)).fetch_history()
    sealed = [
        payload
        for event in history.events
        for attributes in (
            event.workflow_execution_started_event_attributes.input,
            event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args,
            event.workflow_execution_update_completed_event_attributes.outcome.success,
        )
        for payload in attributes.payloads
    ]
    return "".join(str(payload.data) for payload in await codec.decode(sealed)) + str(history)
