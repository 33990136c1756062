"""Clocks are wrong or jump: of a worker, of the API, of the engine. No moment in a ledger suffers."""

import math
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from domain.act import AnyCommand
from domain.case.commands import OpenCase
from domain.errors import Refused
from domain.event import Event
from domain.kinds import CASE
from domain.work.deadlines import Clock
from domain.work.events import RungFired
from domain.work.procedure import Need
from engine.virtual_time import at_rest, clock_of
from local.ports import free_port
from local.postgres import RunningPostgres, clone_database, drop_database
from local.processes import Child, start_child
from local.temporal import RunningTemporal
from records import ledger, sessions, subjects, tokens
from records.recovery import from_ledger
from records.tables import memberships
from settings import Settings
from tests.api.conftest import PASSWORD, SECRET, Person, Running, new_key, quiet, running_on
from tests.api.conftest import settings_for as api_settings
from tests.builders import MONDAY, STALLED, a_card, a_life, a_procedure, an_act, an_opening
from tests.conftest import TEMPLATE
from tests.ledger.rooms import renewed
from tests.workflows.conftest import PAYLOAD_KEY, Lab, lab, lab_on, settings_for
from workflows.messages import Start, workflow_id
from workflows.state import RunState

__all__ = ["lab", "quiet"]

pytestmark = pytest.mark.timeout(120)

SHIFTED = Path(__file__).with_name("shifted.py")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASK = an_act("complete", "host.case", step="ask", outcome="sent")
ANSWER = an_act("complete", "origin.tracing", step="answer", outcome="found")
NOTE = an_act("note", "host.case", step="ask", note="text:1")


def with_a_wrong_clock(
    module: str, wrong_by: timedelta, settings: Settings, key: str, log: Path, **more: str
) -> Child:
    """Start one of our programs whose clock is wrong."""
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "TEMPORAL_ADDRESS": str(settings.temporal_address),
        "HOMEWARD_TASK_QUEUE": settings.task_queue,
        "HOMEWARD_DATA_DIR": str(settings.data_dir),
        "HOMEWARD_SECRET_KEY": key,
        "HOMEWARD_PAYLOAD_KEY": key,
        "HOMEWARD_REHEARSAL": str(settings.rehearsal),
        **more,
    }
    command = [sys.executable, str(SHIFTED), str(int(wrong_by.total_seconds())), module]
    return start_child(command, log, environment=environment)


# -- a worker


@contextmanager
def a_worker(lab: Lab, wrong_by: timedelta) -> Iterator[None]:
    """A worker whose clock is wrong, and without the sandbox, which would forbid it to look."""
    log = lab.settings.data_dir / f"worker{wrong_by.days}.log"
    worker = with_a_wrong_clock(
        "worker", wrong_by, lab.settings, PAYLOAD_KEY, log, HOMEWARD_SANDBOX="false"
    )
    try:
        yield
    finally:
        worker.end()
    days = {
        date.fromisoformat(day)
        for day in re.findall(r"^\d{4}-\d\d-\d\d", log.read_text(), re.MULTILINE)
    }
    today = datetime.now(UTC).date()
    assert days, "it wrote no line"
    assert all(abs(day - wrong_by - today) <= DAY for day in days), "its clock was right"
    assert today not in days


async def test_it_never_asks_the_clock_of_a_worker(
    postgres_url: str, temporal: RunningTemporal, tmp_path: Path
) -> None:
    lab = await lab_on(settings_for(postgres_url, temporal, tmp_path))
    try:
        with a_worker(lab, 2 * DAY):
            opening = await lab.open()
            await lab.days_pass(opening, 1)
            await lab.act(opening, ASK)
            await lab.days_pass(opening, 25)
        # The next one replays what the first one did, with a clock that is four days earlier.
        with a_worker(lab, -2 * DAY):
            await lab.days_pass(opening, 60)
        assert lab.events(opening) == list(a_life(*STALLED, opening=opening).events)
    finally:
        await lab.end()


# -- the API


@pytest.fixture(scope="module")
def right(
    postgres_server: RunningPostgres,
    temporal: RunningTemporal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """No rehearsal, a worker, an API whose clock is right, and people who came a week ago."""
    name = f"clocks_{new_key()[:16]}"
    url = clone_database(postgres_server.url, TEMPLATE, name)
    folder = tmp_path_factory.mktemp("clocks")
    for running in running_on(api_settings(url, temporal, folder)):
        with running.database.begin() as connection:
            connection.execute(update(memberships).values(since=memberships.c.since - 7 * DAY))
        yield running
    drop_database(postgres_server.url, name)


@contextmanager
def an_api(right: Running, wrong_by: timedelta) -> Iterator[str]:
    """Another API over the same records, whose clock is wrong; its address."""
    port = free_port()
    log = right.settings.data_dir / f"api{port}.log"
    child = with_a_wrong_clock(
        "api", wrong_by, right.settings, SECRET, log, HOMEWARD_API_PORT=str(port)
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not answers(url):
            assert time.monotonic() < until, log.read_text()
            assert child.is_running(), log.read_text()
            time.sleep(0.05)
        yield url
    finally:
        child.end()


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def opened(mali: Person) -> dict[str, Any]:
    body = {"corridor": "th-la", "age": 24, "person": {"name": f"Noi {new_key()}"}}
    answer = mali.do("/cases", body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("wrong_by", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_it_writes_no_moment_of_an_api_whose_clock_is_wrong(
    right: Running, wrong_by: timedelta
) -> None:
    begun = datetime.now(UTC).replace(microsecond=0)
    with an_api(right, wrong_by) as url, Person(url, right.tokens["mali"]) as mali:
        case = opened(mali)
        step, acts = right.step(case, case["step"]), f"/cases/{case['case']}/acts"
        done = {"do": "complete", "step": step["step"], "outcome": step["outcomes"][0]}
        # It has not come yet, whatever this API believes; and it is over, likewise.
        soon = (datetime.now(UTC) + HOUR / 2).isoformat()
        with Person(url, right.tokens["desk"]) as desk:
            refused = desk.do(acts, {**done, "happened": soon})
            assert (refused.status_code, refused.json()["type"]) == (422, "in-the-future")
            taken = desk.do(acts, {**done, "happened": case["recorded_at"]})
            assert taken.status_code == 200, taken.text
        assert mali.do(acts, {"do": "flag", "flag": "in_danger"}).status_code == 200
        told = mali.get("/metrics").text
        figure = re.search(r"^homeward_clock_ahead_seconds (\S+)", told, re.MULTILINE)
        assert figure is not None
        assert abs(float(figure[1]) - wrong_by.total_seconds()) < 60
    ended = datetime.now(UTC)
    with right.database.begin() as connection:
        rows = ledger.read(connection, case["case"])
        known = subjects.find(connection, case["case"])
    assert known is not None
    assert known.clock_offset == 0
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert all(begun <= row.at <= ended for row in rows)
    happened = [row.body["happened_at"] for row in rows if row.body.get("happened_at")]
    assert {datetime.fromisoformat(moment) for moment in happened} == {
        datetime.fromisoformat(case["recorded_at"])
    }


def test_it_ends_sessions_and_tokens_by_the_clock_that_is_asked(right: Running) -> None:
    now = datetime.now(UTC)
    ending = {}
    with right.database.begin() as connection:
        for ends in (-30, 30, 90):  # minutes from now
            at = now + timedelta(minutes=ends)
            token = tokens.issue(
                connection,
                user_id="mali",
                office_id="th-ubon-case",
                scopes=("*",),
                created_at=now - DAY,
                expires_at=at,
            )
            ending[ends] = (token.token, sessions.start(connection, "thida", now - DAY, at))

    def let_in(url: str) -> dict[int, tuple[int, int]]:
        found = {}
        for ends, (token, secret) in ending.items():
            with Person(url, token) as mali, Person(url, None) as thida:
                thida.cookies.set("homeward", secret)
                asked, page = mali.read("/cases"), thida.get("/tasks")
                found[ends] = (asked.status_code, page.status_code)
                if asked.status_code == 401:
                    assert "ended" in asked.json()["detail"]
                    assert page.headers["Location"].startswith("/sign-in")
        return found

    yes, no = (200, 200), (401, 303)
    assert let_in(right.url) == {-30: no, 30: yes, 90: yes}
    with an_api(right, HOUR) as url:  # too early, and people are told
        assert let_in(url) == {-30: no, 30: no, 90: yes}
    with an_api(right, -HOUR) as url:  # too late, by no more than its clock is wrong
        assert let_in(url) == {-30: yes, 30: yes, 90: yes}
        new = right.a_colleague(("th-ubon-case", "coordinator"))
        with Person(url, right.tokens[list(right.tokens)[-1]]) as colleague:
            assert colleague.read("/cases").status_code == 401  # not there yet, says this clock
        assert new.read("/cases").status_code == 200
        # Whoever signs in there is signed in everywhere.
        with Person(url, None) as thida:
            signed = thida.post("/sign-in", data={"user": "thida", "password": PASSWORD})
            assert signed.status_code == 303
            with Person(right.url, None) as again:
                again.cookies.update(thida.cookies)
                assert again.get("/tasks").status_code == 200


# -- the engine


async def clock_jumps(lab: Lab, opening: OpenCase, by: timedelta) -> datetime:
    """At once the engine's clock shows so much more, or less, to this case; return what it shows.

    A run's clock is the server's and the offset it was started with: it goes on with another one.
    """
    name = workflow_id("case", opening.case_id)
    shown = await clock_of(lab.client, name)
    assert shown is not None
    await lab.client.get_workflow_handle(name).terminate("its clock jumps")
    with lab.database.begin() as connection:
        kept = from_ledger(connection, opening.case_id)
    assert kept is not None
    offset = math.ceil((shown + by - datetime.now(UTC)).total_seconds())
    await lab.client.start_workflow(
        "case",
        Start(opening.case_id, offset, snapshot=kept.snapshot),
        id=name,
        task_queue=lab.settings.task_queue,
    )
    return shown + by


def several_ladders() -> OpenCase:
    """Four offices late at once, beside the one that waits for an answer."""
    owners = ("host.case", "host.focal", "origin.focal", "origin.embassy")
    after = (Need(("opening",)),)
    cards = [
        a_card(f"also_{n}", owner, "done", after=after, within=Clock(3 + n, "days"))
        for n, owner in enumerate(owners)
    ]
    return an_opening(a_procedure(*cards))


async def test_it_fires_each_rung_once_when_the_engine_leaps_over_months(lab: Lab) -> None:
    opening = await lab.open(several_ladders())
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    shows = await clock_jumps(lab, opening, 59 * DAY)
    await at_rest(lab.client, workflow_id("case", opening.case_id), shows)
    events = lab.events(opening)
    assert events == list(a_life(*STALLED, opening=opening).events)
    fired = [(event.step, event.rung) for event in events if isinstance(event, RungFired)]
    assert len({step for step, _ in fired}) == 5
    assert len(set(fired)) == len(fired) > 10
    assert moments(events) == sorted(moments(events))


async def test_it_never_goes_back_when_the_clock_of_the_engine_does(lab: Lab) -> None:
    opening = await lab.open(several_ladders())
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    await lab.days_pass(opening, 30)
    newest = lab.events(opening)[-1].at
    await clock_jumps(lab, opening, -20 * DAY)
    noted = await lab.act(opening, NOTE)
    assert noted.at == newest
    await renewed(lab, opening)
    assert (await lab.act(opening, NOTE)).at == newest
    await lab.days_pass(opening, 20)  # the clock has not caught up yet
    assert (await lab.act(opening, NOTE)).at == newest
    await lab.days_pass(opening, 60)
    back = (newest - MONDAY) / DAY
    notes = ((back, NOTE),) * 3
    expected = a_life(STALLED[0], (30, None), *notes, (60, None), opening=opening)
    events = lab.events(opening)
    assert events == list(expected.events)
    assert moments(events) == sorted(moments(events))


def moments(events: list[Event]) -> list[datetime]:
    return [event.at for event in events]


COMMANDS = (
    None,
    ASK,
    ANSWER,
    NOTE,
    an_act("flag", "host.case", flag="in_danger"),
    an_act("unflag", "host.case", flag="in_danger"),
    an_act("hold", "host.case", until=date(2026, 4, 1), reason="text:1"),
    an_act("resume", "host.case", reason="text:2"),
    an_act("complete", "host.case", step="closure", outcome="closed"),
    an_act("reopen", "host.case", reason="text:3"),
)
OPENING = several_ladders()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.integers(-90 * 86_400, 90 * 86_400)), max_size=12
    )
)
def test_it_records_nothing_earlier_than_what_it_knows(
    moves: list[tuple[AnyCommand | None, int]],
) -> None:
    run = RunState.opened(CASE, OPENING, MONDAY, "key", "content")
    clock = MONDAY
    for command, seconds in moves:
        clock += timedelta(seconds=seconds)
        case: Any = run.subject
        now = case.now
        assert now is not None
        try:
            events = CASE.advance(case, command, clock)
            step = run.wake(clock) if command is None else run.decide(command, clock)
        except Refused:
            with pytest.raises(Refused):
                CASE.advance(case, command, max(clock, now))
            continue
        assert step.events == events == CASE.advance(case, command, max(clock, now))
        told = [now, *moments(list(events))]
        assert told == sorted(told)
        run.take(step)
        assert run.subject.now == told[-1]
