"""A stall that climbs to the provincial committee, is seen on the stalled list, and is decided."""

from typing import Any

import pytest

from tests.api.conftest import Running

OPENS = "2026-02-03T09:00:00+07:00"
REASON = "the village is cut off until the road is mended"


@pytest.fixture
def stalled(api: Running) -> str:
    """A case whose report nobody sorted for eight days, on its own clock."""
    case: str = api.a_case(opens=OPENS)["case"]
    moved = api.mali.do(f"/rehearsal/cases/{case}/clock", {"to": "2026-02-11T10:00:00+07:00"})
    assert moved.status_code == 200, moved.text
    return case


def of_case(rows: list[dict[str, Any]], case: str) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in rows if row["case"] == case}


def test_it_shows_what_stands_still_and_whose_turn_it_is(api: Running, stalled: str) -> None:
    row = of_case(api.anan.every("/stalled"), stalled)["report"]
    assert row["holder"] == "th-ubon-desk"
    assert row["turn"] == "host"
    assert row["age_days"] == 8
    assert row["late_days"] == 7
    assert row["corridor"] == "th-la"
    assert row["next_rung"] == "E3"
    assert row["next_rung_at"].startswith("2026-02-17")
    assert "escalated to E2" in row["waits_for"]


def test_it_counts_late_days_on_the_cases_own_clock_in_every_list(
    api: Running, stalled: str
) -> None:
    mine = of_case(api.desk.every("/tasks"), stalled)["report"]
    task = api.desk.read(f"/tasks/{stalled}/report").json()
    assert mine["late_days"] > 0
    assert abs(mine["late_days"] - task["late_days"]) <= 1  # a list counts whole days


def test_it_filters_the_stalled_list(api: Running, stalled: str) -> None:
    assert of_case(api.nida.every("/stalled", corridor="th-la"), stalled)
    assert not of_case(api.nida.every("/stalled", corridor="th-vn"), stalled)
    assert not of_case(api.nida.every("/stalled", turn="origin"), stalled)
    assert not of_case(api.viktor.every("/stalled"), stalled)
    assert api.thida.read("/stalled").status_code == 403


def test_it_pages_the_stalled_list_longest_first(api: Running, stalled: str) -> None:
    seen = [row["case"] for row in api.anan.every("/stalled", limit=1)]
    assert stalled in seen
    assert len(seen) == len(set(seen))


def test_it_lists_what_an_office_may_decide(api: Running, stalled: str) -> None:
    mine = of_case(api.anan.every("/escalations"), stalled)
    assert mine["report"]["rung"] == "E2"
    assert "th-ubon-committee" in mine["report"]["deciders"]
    assert not of_case(api.nida.every("/escalations"), stalled)
    assert api.thida.read("/escalations").status_code == 403


@pytest.mark.parametrize(
    ("body", "then"),
    [
        ({"decision": "extend", "due": "2026-03-02"}, {"state": "offered", "rung": "none"}),
        ({"decision": "reassign", "to": "host.case"}, {"holder": "th-ubon-case"}),
        ({"decision": "cancel"}, {"state": "skipped"}),
        ({"decision": "refer_up"}, {"rung": "E3", "escalation": "open"}),
    ],
)
def test_it_ends_an_escalation_by_a_recorded_decision(
    api: Running, stalled: str, body: dict[str, Any], then: dict[str, Any]
) -> None:
    done = api.anan.do(f"/escalations/{stalled}/report/decide", {**body, "reason": REASON})
    assert done.status_code == 200, done.text
    step = api.step({"case": stalled}, "report")
    assert {name: step[name] for name in then} == then
    told = api.mali.read(f"/cases/{stalled}/timeline").json()["items"]
    decided = next(line for line in told if line["what"] == "EscalationDecided")
    assert (decided["by"], decided["user"]) == ("th-ubon-committee", "anan")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"decision": "extend", "reason": REASON}, 422, "missing-field"),
        ({"decision": "extend", "due": "2026-02-01", "reason": REASON}, 422, "invalid-field"),
        ({"decision": "extend", "due": "2026-03-02"}, 422, "missing-field"),
        ({"decision": "shrug", "reason": REASON}, 422, "invalid-field"),
        ({"decision": "reassign", "reason": REASON}, 422, "missing-field"),
        ({"decision": "waive", "reason": REASON}, 409, "not-waivable"),
    ],
)
def test_it_says_what_a_decision_lacks(
    api: Running, stalled: str, body: dict[str, Any], status: int, kind: str
) -> None:
    answer = api.anan.do(f"/escalations/{stalled}/report/decide", body)
    assert (answer.status_code, answer.json()["type"]) == (status, kind)


def test_it_lets_only_those_decide_whom_it_reached(api: Running, stalled: str) -> None:
    body = {"decision": "cancel", "reason": REASON}
    path = f"/escalations/{stalled}/report/decide"
    assert api.nida.do(path, body).json()["type"] == "not-yours"
    assert api.mali.do(path, body).json()["type"] == "forbidden"
    assert api.bounmy.do(path, body).json()["type"] == "not-found"


def test_it_lets_nobody_decide_on_what_their_own_other_office_holds(
    api: Running, stalled: str
) -> None:
    both = api.a_colleague(("th-ubon-committee", "secretary"), ("th-ubon-desk", "partner"))
    answer = both.do(
        f"/escalations/{stalled}/report/decide", {"decision": "cancel", "reason": REASON}
    )
    assert (answer.status_code, answer.json()["type"]) == (403, "own-request")


def test_it_moves_a_clock_only_forward(api: Running, stalled: str) -> None:
    before = api.mali.read(f"/cases/{stalled}").json()
    back = api.mali.do(f"/rehearsal/cases/{stalled}/clock", {"to": "2026-02-05T10:00:00+07:00"})
    assert back.status_code == 200
    assert back.json()["version"] == before["version"]
    assert (
        api.viktor.do(
            f"/rehearsal/cases/{stalled}/clock", {"to": "2026-02-12T10:00:00+07:00"}
        ).status_code
        == 404
    )


def test_it_shows_the_moved_clock(api: Running, stalled: str) -> None:
    seen = api.mali.read(f"/cases/{stalled}").json()
    assert seen["now"] >= "2026-02-11T03:00:00Z"
    assert seen["now"] < "2026-02-11T04:00:00Z"
