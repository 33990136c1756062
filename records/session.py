"""Makes the engine that talks to PostgreSQL, with the limits every connection lives under.

One synchronous engine serves activities, commands and the API (which calls it from its threads):
the same statements everywhere, and a slow database is bounded by the same two timeouts.

`transaction` and `single_statements` are the only ways to a connection. Both tell PostgreSQL who
asks, so that a rule of the database may ask `current_setting('app.user', true)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError

from records.timeouts import TimeLimitedConnection, hung_up, opened

CONNECT_SECONDS = 2
STATEMENT_MS = 1_800  # below the 2 s that a local activity has (baselines.md part 2)
POOL_WAIT_SECONDS = 2
SILENCE_SECONDS = 1.0  # beyond a statement's own limit: then the server itself does not answer


def make_engine(
    url: str | URL, *, pool_size: int = 5, statement_timeout_ms: int = STATEMENT_MS
) -> Engine:
    """Return an engine for `url`; nothing connects before the first use.

    Raises sqlalchemy.exc.OperationalError at use: no connection within 2 s, a statement longer
    than its limit (and no answer a second later: `bounded.py`), or a server that went away. Such a
    connection leaves the pool by itself.
    """
    limits = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={statement_timeout_ms}"
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_WAIT_SECONDS,
        json_serializer=to_text,
        hide_parameters=True,  # they may be somebody's words; errors end up in logs
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "homeward",
            "options": f"{limits} -c timezone=UTC -c idle_in_transaction_session_timeout=60000",
        },
    )
    patience = statement_timeout_ms / 1000 + SILENCE_SECONDS

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> TimeLimitedConnection:
        del dialect, record
        return opened(patience, *arguments, **options)

    @event.listens_for(engine, "checkout")
    def still_there(connection: Any, record: Any, proxy: Any) -> None:
        """Look whether the server has hung up; unlike a ping that is no journey."""
        del record, proxy
        if hung_up(connection):
            raise InvalidatePoolError

    return engine


def to_text(value: Any) -> str:
    """JSON as it is kept: order as given, letters as themselves, no blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


# -- who asks


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf the records are asked: a user in offices, or a part of the program."""

    user: str = ""
    offices: tuple[str, ...] = ()
    system: str = ""

    def settings(self) -> dict[str, str]:
        """What PostgreSQL is told; offices stand between commas."""
        return {
            'app."user"': self.user,  # a word of SQL, so in quotes
            "app.offices": ",".join(self.offices),
            "app.system": self.system,
        }


def caller(user: str, offices: Sequence[str]) -> Actor:
    """A person who asks, with the offices they may act in now."""
    return Actor(user, tuple(offices))


def system(name: str) -> Actor:
    """A part of the program that asks for nobody in particular, by its name."""
    return Actor(system=name)


@contextmanager
def transaction(
    engine: Engine, who: Actor, *, isolation: str | None = None
) -> Iterator[Connection]:
    """One transaction on behalf of `who`, committed at its end and rolled back by an exception.

    Who asks is sent together with BEGIN and forgotten with the transaction: no further journey.
    """
    with engine.connect() as connection:
        if isolation is not None:
            connection = connection.execution_options(isolation_level=isolation)  # noqa: PLW2901
        line = _line(connection)
        line.first = _statements("SET LOCAL", who)
        try:
            with connection.begin():
                yield connection
        finally:
            line.first = ()


@contextmanager
def single_statements(engine: Engine, who: Actor) -> Iterator[Connection]:
    """A connection on which each statement is a transaction by itself, one journey long.

    Who asks is set for the whole connection, and only where it was last another: one journey when
    a connection is first used so, none afterwards. A transaction on it names its own.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        line, wanted = _line(connection), b"; ".join(_statements("SET", who))
        if line.position != wanted:
            connection.exec_driver_sql(wanted.decode())
            line.position = wanted
        yield connection


def _statements(how: str, who: Actor) -> tuple[bytes, ...]:
    return tuple(
        f"{how} {name} TO ".encode() + sql.Literal(value).as_bytes(None)
        for name, value in who.settings().items()
    )


def _line(connection: Connection) -> TimeLimitedConnection:
    line = connection.connection.driver_connection
    if not isinstance(line, TimeLimitedConnection):
        raise TypeError("this engine was not made by make_engine")
    return line
