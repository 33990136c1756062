"""What partners do with the tasks their office holds, and what others may not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.acts import as_told
from domain import errors as core
from tests.api.conftest import Person, Running, new_key


def test_it_lists_the_tasks_of_the_callers_office_first_due_first(api: Running) -> None:
    case = api.at_placement()["case"]
    rows = api.thida.every("/tasks")
    assert (case, "placement") in [(row["case"], row["step"]) for row in rows]
    assert {row["holder"] for row in rows} == {"th-ubon-shelter"}
    due = [row["due_at"] or "9999" for row in rows]  # without a clock, as on hold: last
    assert due == sorted(due)
    assert case not in [row["case"] for row in api.ngo.every("/tasks")]


def test_it_lists_by_state(api: Running) -> None:
    case = api.at_placement()["case"]
    api.thida.do(f"/tasks/{case}/placement/accept")
    accepted = api.thida.every("/tasks", state="accepted")
    assert case in [row["case"] for row in accepted]
    assert {row["state"] for row in accepted} == {"accepted"}
    assert case not in [row["case"] for row in api.thida.every("/tasks", state="offered")]


def test_it_shows_a_task_to_its_holder_with_the_ways_it_can_end(api: Running) -> None:
    case = api.at_placement()["case"]
    task = api.thida.read(f"/tasks/{case}/placement").json()
    assert task["state"] == "offered"
    assert [way["outcome"] for way in task["outcomes"]] == ["placed", "declined"]
    assert task["about"] == {}


def test_it_shows_a_task_to_nobody_else_outside_the_case(api: Running) -> None:
    case = api.at_placement()["case"]
    assert api.ngo.read(f"/tasks/{case}/placement").status_code == 404
    assert api.desk.read(f"/tasks/{case}/placement").status_code == 404
    assert api.viktor.read(f"/tasks/{case}/placement").status_code == 404
    assert api.mali.read(f"/tasks/{case}/placement").status_code == 200
    assert api.nobody.read(f"/tasks/{case}/placement").status_code == 401


def test_it_ends_a_partners_sight_with_the_task(api: Running) -> None:
    case = api.at_placement()["case"]
    assert api.imm.read(f"/tasks/{case}/screening").status_code == 404


def test_it_accepts_once(api: Running) -> None:
    case = api.at_placement()["case"]
    assert api.thida.do(f"/tasks/{case}/placement/accept").status_code == 200
    again = api.thida.do(f"/tasks/{case}/placement/accept")
    assert (again.status_code, again.json()["type"]) == (409, "conflict")
    assert api.step({"case": case}, "placement")["state"] == "accepted"


def test_it_declines_with_a_reason_and_the_task_goes_back(api: Running) -> None:
    case = api.at_placement()["case"]
    without = api.thida.do(f"/tasks/{case}/placement/decline")
    assert (without.status_code, without.json()["type"]) == (422, "missing-field")
    done = api.thida.do(f"/tasks/{case}/placement/decline", {"reason": "no bed"})
    assert done.status_code == 200
    assert api.step({"case": case}, "placement")["holder"] == "th-ubon-case"
    assert api.thida.read(f"/tasks/{case}/placement").status_code == 404


def test_it_hands_back_after_accepting(api: Running) -> None:
    case = api.at_placement()["case"]
    api.thida.do(f"/tasks/{case}/placement/accept")
    done = api.thida.do(f"/tasks/{case}/placement/hand_back", {"reason": "the roof came down"})
    assert done.json()["version"] > 0
    assert api.step({"case": case}, "placement")["holder"] == "th-ubon-case"


def test_it_notes_promises_and_alarms(api: Running) -> None:
    case = api.at_placement()["case"]
    for act, body in (
        ("note", {"note": "She arrives tonight"}),
        ("promise", {"date": "2199-01-05"}),
        ("alarm", {"kind": "in_danger", "reason": "a man asks for her at the gate"}),
    ):
        done = api.thida.do(f"/tasks/{case}/placement/{act}", body)
        assert done.status_code == 200, done.text
    step = api.step({"case": case}, "placement")
    assert step["promised_on"] == "2199-01-05"
    assert step["rung"] == "E5"


def test_it_completes_with_an_outcome(api: Running) -> None:
    case = api.at_placement()["case"]
    done = api.thida.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"})
    assert done.status_code == 200
    assert api.step({"case": case}, "placement")["outcome"] == "placed"
    assert api.step({"case": case}, "rights")["state"] == "offered"


def test_it_returns_for_correction(api: Running) -> None:
    case = api.at_placement()["case"]
    done = api.mali.do(f"/tasks/{case}/screening/return", {"reason": "the wrong form"})
    assert done.status_code == 200, done.text
    step = api.step({"case": case}, "screening")
    assert (step["state"], step["attempt"]) == ("offered", 2)
    assert api.imm.do(f"/tasks/{case}/placement/return").status_code == 403


@pytest.mark.parametrize(
    ("step", "body", "status", "kind"),
    [
        ("placement", {"outcome": "flown"}, 422, "unknown-outcome"),
        ("teleport", {"outcome": "placed"}, 404, "unknown-step"),
        (
            "placement",
            {"outcome": "placed", "happened": "2198-01-01T00:00:00Z"},
            422,
            "in-the-future",
        ),
        (
            "placement",
            {"outcome": "placed", "happened": "2001-01-01T00:00:00Z"},
            422,
            "invalid-field",
        ),
        (
            "placement",
            {"outcome": "placed", "happened": "2026-01-01T00:00:00"},
            422,
            "invalid-field",
        ),
        ("placement", {}, 422, "missing-field"),
        ("report", {"outcome": "accepted"}, 403, "not-yours"),
        ("placement", {"outcome": "placed", "result": {"a": {"b": 1}}}, 422, "invalid-field"),
        ("placement", {"outcome": "placed", "by": "th-ubon-case"}, 403, "forbidden"),
    ],
)
def test_it_says_why_it_was_not_done(
    api: Running, step: str, body: dict[str, object], status: int, kind: str
) -> None:
    case = api.at_placement()["case"]
    answer = api.thida.do(f"/tasks/{case}/{step}/complete", body)
    assert (answer.status_code, answer.json()["type"]) == (status, kind), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json())


def test_it_hides_the_case_from_an_office_that_never_held_a_task(api: Running) -> None:
    case = api.at_placement()["case"]
    answer = api.ngo.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"})
    assert (answer.status_code, answer.json()["type"]) == (404, "not-found")


def test_it_lets_one_of_ten_simultaneous_completions_win(api: Running) -> None:
    case = api.at_placement()["case"]
    crowd = [Person(api.url, api.tokens["thida"]) for _ in range(10)]

    def complete(person: Person) -> tuple[int, str]:
        with person:
            done = person.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"})
        return done.status_code, done.json().get("type", "")

    with ThreadPoolExecutor(10) as threads:
        seen = sorted(threads.map(complete, crowd))
    assert seen == [(200, ""), *[(409, "conflict")] * 9]


def test_it_gives_one_answer_to_ten_sendings_of_one_request(api: Running) -> None:
    case, key = api.at_placement()["case"], new_key()
    crowd = [Person(api.url, api.tokens["thida"]) for _ in range(10)]

    def complete(person: Person) -> str:
        with person:
            return person.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"}, key).text

    with ThreadPoolExecutor(10) as threads:
        answers = set(threads.map(complete, crowd))
    assert len(answers) == 1
    timeline = api.mali.read(f"/cases/{case}/timeline").json()["items"]
    done = [line for line in timeline if line["step"] == "placement" and line["what"] == "TaskDone"]
    assert len(done) == 1


def test_it_tells_nothing_of_steps_that_were_never_theirs(api: Running) -> None:
    """Not even that there is a reason not to tell: that a person hides from her state, say."""
    case = api.at_placement()["case"]
    api.mali.do(f"/cases/{case}/acts", {"do": "flag", "flag": "do_not_notify_state"})
    said = set()
    for step in ("verification_request", "notice", "guardian", "screening", "report"):
        for act, body in (
            ("note", {"note": "x"}),
            ("accept", {}),
            ("complete", {"outcome": "sent"}),
            ("promise", {"date": "2199-01-04"}),
            ("alarm", {"kind": "gone"}),
        ):
            answer = api.thida.do(f"/tasks/{case}/{step}/{act}", body)
            assert answer.json()["type"] == "not-yours", (step, act, answer.text)
            said.add(answer.json()["detail"])
    assert len(said) == 1
    assert api.thida.do(f"/tasks/{case}/placement/note", {"note": "x"}).status_code == 200


def test_it_tells_a_partner_that_it_is_done_and_nothing_of_the_case(api: Running) -> None:
    case, key = api.at_placement()["case"], new_key()
    done = api.thida.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"}, key)
    told = done.json()
    assert (told["case"], told["version"] > 0) == (case, True)
    assert {
        told[name] for name in ("status", "turn", "waits_for", "step", "holder", "next_rung")
    } == {""}
    assert told["due_at"] is told["next_rung_at"] is None
    again = api.thida.do(f"/tasks/{case}/placement/complete", {"outcome": "placed"}, key)
    assert again.json() == told
    late = api.thida.do(f"/tasks/{case}/placement/note", {"note": "she sleeps better"})
    assert late.json().get("waits_for", "") == ""
    assert api.mali.do(f"/cases/{case}/acts", {"do": "flag", "flag": "medical"}).json()["waits_for"]


@pytest.mark.parametrize(
    "refused",
    [
        core.ClosedGate("gate legal: warrant"),
        core.ClosedGate("gate fitness: not_fit"),
        core.LegalOpen("Still open: bar witness"),
        core.NoConsent("There is no consent medical"),
    ],
)
def test_it_tells_what_shut_a_gate_only_to_those_who_see_the_case(refused: core.Refused) -> None:
    told = as_told(refused, whole=False)
    assert isinstance(told, type(refused))
    assert told.detail == refused.title
    assert as_told(refused, whole=True) is refused
    other = core.WrongState("handover is not open")
    assert as_told(other, whole=False) is other


def test_it_takes_no_version_that_the_case_never_had(api: Running) -> None:
    case = api.at_placement()
    for ahead in (1, 2**31 - 2 - case["version"]):
        answer = api.thida.do(
            f"/tasks/{case['case']}/placement/complete",
            {"outcome": "placed", "version": case["version"] + ahead},
        )
        assert (answer.status_code, answer.json()["type"]) == (422, "invalid-field")
        assert answer.json()["field"] == "version"
        assert str(case["version"]) in answer.json()["detail"]
    assert api.step(case, "placement")["state"] == "offered"


def test_it_calls_an_act_after_the_named_version_a_conflict(api: Running) -> None:
    case = api.at_placement()
    api.thida.do(f"/tasks/{case['case']}/placement/complete", {"outcome": "placed"})
    late = api.thida.do(
        f"/tasks/{case['case']}/placement/complete",
        {"outcome": "placed", "version": case["version"]},
    )
    assert late.json()["type"] == "conflict"


def test_it_shows_the_holder_what_the_request_may_carry_and_no_more(api: Running) -> None:
    case = api.a_case(
        opens="2026-02-02T09:00:00+07:00", person={"name": "Noi S.", "contact": "shelter"}
    )["case"]
    for who, step, outcome in (
        ("imm", "screening", "presumed_victim"),
        ("thida", "placement", "placed"),
    ):
        done = api.person(who).do(f"/tasks/{case}/{step}/complete", {"outcome": outcome})
        assert done.status_code == 200, done.text
    steered = (
        {"do": "consent", "purpose": "tracing"},
        {"do": "complete", "step": "tracing_request", "outcome": "sent"},
        {"do": "complete", "step": "tracing", "outcome": "not_found", "for": "origin.tracing"},
    )
    for body in steered:
        done = api.mali.do(f"/cases/{case}/acts", body)
        assert done.status_code == 200, done.text
    task = api.ngo.read(f"/tasks/{case}/second_tracing").json()
    assert task["about"]["names"] == "Noi S."
    assert task["about"]["sex"] == "female"
    assert "birth_date" not in task["about"]
    assert "shelter" not in str(task["about"])
    assert api.mali.read(f"/tasks/{case}/second_tracing").json()["about"] == {}
    assert "Noi S." not in str(api.ngo.every("/tasks"))
