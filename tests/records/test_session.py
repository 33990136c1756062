"""Who asks is known to PostgreSQL within the transaction, and costs no journey of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from records import session
from records.session import single_statements, system, transaction

WHO = text(
    "SELECT current_setting('app.user', true), current_setting('app.offices', true),"
    " current_setting('app.system', true)"
)
MALI = session.caller("มะลิ o'hara\\", ("th-datip", "th-case"))


def who(connection: Connection) -> tuple[str, ...]:
    return tuple(connection.execute(WHO).one())


def test_it_tells_postgresql_who_asks_and_forgets_it(engine: Engine) -> None:
    with transaction(engine, MALI) as connection:
        assert who(connection) == ("มะลิ o'hara\\", "th-datip,th-case", "")
    with transaction(engine, system("projector")) as connection:
        assert who(connection) == ("", "", "projector")
    with engine.connect() as connection:
        assert not any(who(connection))


def test_it_forgets_it_after_a_failure_as_well(engine: Engine) -> None:
    with pytest.raises(ProgrammingError), transaction(engine, MALI) as connection:
        connection.execute(text("SELECT nothing"))
    with engine.connect() as connection:
        assert not any(who(connection))


def test_it_writes_all_or_nothing(engine: Engine) -> None:
    add = text("INSERT INTO used_keys (key, content, at) VALUES (:key, '', now())")
    with transaction(engine, MALI) as connection:
        connection.execute(add, {"key": "first"})
    with pytest.raises(IntegrityError), transaction(engine, MALI) as connection:
        connection.execute(add, [{"key": "second"}, {"key": "first"}])
    with transaction(engine, MALI) as connection:
        assert connection.scalars(text("SELECT key FROM used_keys")).all() == ["first"]


def test_it_names_who_asks_where_many_rows_are_written_at_once(engine: Engine) -> None:
    add = text("INSERT INTO used_keys (key, content, at) VALUES (:key, :content, now())")
    rows = [{"key": str(number), "content": "x"} for number in range(3)]
    with transaction(engine, MALI) as connection:
        connection.execute(add, rows)
        assert who(connection)[0] == MALI.user


def test_it_sees_one_moment_where_that_is_asked_for(engine: Engine) -> None:
    with transaction(engine, MALI, isolation="REPEATABLE READ") as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert who(connection)[0] == MALI.user
    with transaction(engine, MALI) as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_it_begins_and_names_in_one_journey(engine: Engine, tmp_path: Path) -> None:
    def ask() -> None:
        with transaction(engine, MALI) as connection:
            connection.execute(WHO)

    ask()
    assert journeys(engine, tmp_path, ask) == 3  # BEGIN with the names, the question, COMMIT


def test_it_asks_a_single_statement_in_one_journey(engine: Engine, tmp_path: Path) -> None:
    def ask() -> None:
        with single_statements(engine, system("projector")) as connection:
            assert who(connection) == ("", "", "projector")

    ask()
    assert journeys(engine, tmp_path, ask) == 1
    with transaction(engine, MALI) as connection:
        assert who(connection)[0] == MALI.user
    with single_statements(engine, system("look")) as connection:
        assert who(connection) == ("", "", "look")


def journeys(engine: Engine, folder: Path, ask: Callable[[], None]) -> int:
    """How often the server was waited for, by what libpq says went over the line."""
    with engine.connect() as connection:
        line: Any = connection.connection.driver_connection
    with (folder / "line").open("w") as told:
        line.pgconn.trace(told.fileno())
        ask()
        line.pgconn.untrace()
    return (folder / "line").read_text().count("ReadyForQuery")
