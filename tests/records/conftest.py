"""A connection to a fresh migrated database, on the embedded PostgreSQL and on Debian's."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from records.session import make_engine


@pytest.fixture
def engine(each_postgres_url: str) -> Iterator[Engine]:
    made = make_engine(each_postgres_url)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened
