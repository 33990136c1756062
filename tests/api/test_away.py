"""What people are told while the engine or the database is away, and that nothing is lost."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import free_port
from local.temporal import RunningTemporal
from settings import Settings
from tests.api.conftest import (
    SECRET,
    Person,
    Running,
    Serving,
    new_key,
    running_on,
    settings_for,
)

PATIENCE = 1.0


@pytest.fixture
def without_engine(
    postgres_url: str, temporal: RunningTemporal, tmp_path: Path
) -> Iterator[Running]:
    """An API whose engine does not answer at its address."""
    settings = settings_for(postgres_url, temporal, tmp_path).model_copy(
        update={"temporal_address": f"127.0.0.1:{free_port()}"}
    )
    yield from running_on(settings, with_worker=False)


@pytest.fixture
def without_worker(
    postgres_url: str, temporal: RunningTemporal, tmp_path: Path
) -> Iterator[Running]:
    """An API whose engine takes everything, and nobody works."""
    for running in running_on(settings_for(postgres_url, temporal, tmp_path), with_worker=False):
        services = running.app.state.services
        services.engine = dataclasses.replace(services.engine, patience=PATIENCE)
        yield running


BODY = {"corridor": "th-la", "age": 24, "person": {"name": "Noi"}}


def test_it_says_that_the_engine_is_away_and_when_to_come_back(without_engine: Running) -> None:
    answer = without_engine.mali.do("/cases", BODY)
    assert (answer.status_code, answer.json()["type"]) == (503, "engine-away")
    assert int(answer.headers["Retry-After"]) > 0
    assert "same key" in answer.json()["detail"]


def test_it_goes_on_reading_without_the_engine(without_engine: Running) -> None:
    assert without_engine.mali.read("/cases").status_code == 200
    ready = without_engine.nobody.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {"status": "away", "database": "ok", "engine": "away"}
    assert without_engine.nobody.get("/health/live").status_code == 200


def test_it_knows_no_own_dates_outside_a_rehearsal(without_engine: Running) -> None:
    opens = {**BODY, "opens": "2026-01-05T09:00:00+07:00"}
    assert without_engine.mali.do("/cases", opens).json()["field"] == "opens"
    clock = without_engine.mali.do("/rehearsal/cases/K7QFM-2XDRT/clock", {"to": opens["opens"]})
    assert clock.json()["type"] == "not-found"


def test_it_says_that_an_act_may_still_happen(without_worker: Running) -> None:
    answer = without_worker.mali.do("/cases", BODY)
    assert (answer.status_code, answer.json()["type"]) == (503, "engine-away")
    assert "may still happen" in answer.json()["detail"]


def test_it_does_once_what_was_sent_again_with_the_same_key(without_worker: Running) -> None:
    key = new_key()
    assert without_worker.mali.do("/cases", BODY, key).status_code == 503
    with Serving(without_worker.settings) as working:
        token = without_worker.tokens["mali"]
        with Person(working.url, token) as mali:
            first = mali.do("/cases", BODY, key)
            assert first.status_code == 201, first.text
            assert mali.do("/cases", BODY, key).json() == first.json()
            assert len(mali.read("/cases").json()["items"]) == 1


def test_it_says_that_the_records_are_away(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing",
        temporal_address=f"127.0.0.1:{free_port()}",
        data_dir=tmp_path,
        secret_key=SECRET,
        payload_key=SECRET,
    )
    with Serving(settings, with_worker=False) as serving, Person(serving.url, "hw_a_b") as mali:
        answer = mali.read("/cases")
        assert (answer.status_code, answer.json()["type"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
        ready = mali.get("/health/ready").json()
        assert ready["database"] == "away"
