"""Makes the engine that talks to PostgreSQL, with the limits every connection lives under.

One synchronous engine serves activities, commands and the API (which calls it from its threads):
the same statements everywhere, and a slow database is bounded by the same two timeouts.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
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
    """JSON as it is kept: order as given, messages as themselves, no blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
