import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.projection import Projector
from records import ledger
from records.session import make_engine
from tests.builders import Life, a_life, an_act
from workflows.encoding import event_to_json, procedure_to_json
from workflows.messages import NewEvent
from workflows.ports import LEDGER_TROUBLE, EventBatch

LIFE = a_life((1, an_act("complete", "host.case", step="ask", outcome="sent")))


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


def batch_of(life: Life, first: int = 1) -> EventBatch:
    events = tuple(
        NewEvent(seq, event_to_json(event), "key", "content")
        for seq, event in enumerate(life.events, start=1)
        if seq >= first
    )
    procedures = {life.opening.procedure_digest: procedure_to_json(life.opening.procedure)}
    return EventBatch("case", life.case.id, events, procedures=procedures)


def project(database: Engine, batch: EventBatch) -> int:
    return asyncio.run(ActivityEnvironment().run(Projector(database).project_events, batch))


def test_it_writes_a_batch_once_however_often_it_comes(database: Engine) -> None:
    for _ in range(3):
        assert project(database, batch_of(LIFE)) == LIFE.case.version
    with database.begin() as connection:
        assert ledger.events_of(connection, LIFE.case.id) == list(LIFE.events)


def test_it_fails_for_good_and_loudly_when_the_ledger_says_otherwise(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    project(database, batch_of(LIFE))
    whole = batch_of(LIFE)
    other = replace(whole, events=(replace(whole.events[0], content="other"), *whole.events[1:]))
    with pytest.raises(ApplicationError) as failed:
        project(database, other)
    assert failed.value.type == LEDGER_TROUBLE
    assert failed.value.non_retryable
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_it_fails_for_good_when_something_is_missing_in_between(database: Engine) -> None:
    with pytest.raises(ApplicationError) as failed:
        project(database, batch_of(LIFE, first=2))
    assert failed.value.type == LEDGER_TROUBLE


def test_it_quotes_nothing_of_what_could_not_be_written(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    whole = batch_of(LIFE)
    body = {**whole.events[0].body, "user": "a.member\0of staff"}
    torn = replace(whole, events=(replace(whole.events[0], body=body), *whole.events[1:]))
    with pytest.raises(ApplicationError) as failed:
        project(database, torn)
    assert str(failed.value).startswith("not-written: not written: ")
    assert "a.member" not in str(failed.value) + caplog.text
    assert project(database, whole) == LIFE.case.version
