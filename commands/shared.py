"""What every command needs: a sentence on the way out, the database, the settings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from settings import Settings


def fail(sentence: str, code: int = 1) -> typer.Exit:
    """Say what is wrong; what is returned ends the command."""
    print(sentence, file=sys.stderr)
    return typer.Exit(code)


@contextmanager
def database_here() -> Iterator[Engine]:
    """The database of the settings, or of the system that runs from this data folder."""
    from local.errors import NoServer
    from local.postgres import postgres_for
    from local.stack import running
    from records.session import make_engine
    from settings import settings_here

    settings = settings_here()
    found = running(settings)
    try:
        if settings.database_url or found is None:
            with postgres_for(settings) as server:
                yield make_engine(server.url, statement_timeout_ms=600_000)
        else:
            yield make_engine(found.database_url, statement_timeout_ms=600_000)
    except NoServer as reason:
        raise fail(str(reason)) from None


def running_settings() -> Settings:
    """The settings, with the addresses of the system that runs from this data folder."""
    from local.stack import running
    from settings import settings_here

    settings = settings_here()
    found = running(settings)
    if found is None or settings.temporal_address:
        return settings
    return settings.model_copy(update={"temporal_address": found.temporal_address})
