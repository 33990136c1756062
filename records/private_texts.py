"""Reasons, notes and other free text. The engine and the ledger only ever see a text's name.

A text is written before the command that names it; what no event names is swept away later.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Text, cast, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from records.tables import events, private_texts

PREFIX = "text:"
AN_INSTANT = timedelta(microseconds=1)


def name_of(key: bytes, case_id: str, body: str) -> str:
    """The name of a text: the same words in the same case have one, and nobody can guess it."""
    told = hmac.new(key, f"{case_id}\n{body}".encode(), hashlib.sha256)
    return PREFIX + told.hexdigest()


def keep(connection: Connection, key: bytes, case_id: str, body: str, written_at: datetime) -> str:
    """Write a text and return its name; written twice it stays once."""
    name = name_of(key, case_id, body)
    row = insert(private_texts).values(name=name, case_id=case_id, body=body, written_at=written_at)
    # Written again, it is wanted again: the sweep must not take it from under a new command.
    # The next instant, so that whoever wrote it first sees that it is somebody else's, too.
    newest = func.greatest(private_texts.c.written_at, row.excluded.written_at)
    again = {"written_at": newest + AN_INSTANT}
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=again))
    return name


def read(connection: Connection, case_id: str, names: Iterable[str]) -> dict[str, str]:
    """Return the texts of a case by name; what is not there, or is another case's, is left out."""
    found = connection.execute(
        select(private_texts.c.name, private_texts.c.body).where(
            private_texts.c.case_id == case_id, private_texts.c.name.in_(list(names))
        )
    )
    return {row.name: row.body for row in found}


def take_back(
    connection: Connection, case_id: str, names: Iterable[str], written_at: datetime
) -> int:
    """Delete texts of a command that was refused; return how many.

    Only those that this command wrote first, at exactly that moment, and nobody wrote again since.
    """
    gone = connection.execute(
        delete(private_texts).where(
            private_texts.c.case_id == case_id,
            private_texts.c.name.in_(list(names)),
            private_texts.c.written_at == written_at,
        )
    )
    return gone.rowcount


def sweep(connection: Connection, before: datetime) -> int:
    """Delete texts written before that moment which no event names; return how many.

    Leave hours between: a command that timed out at the caller may still happen.
    """
    named = exists().where(
        events.c.case_id == private_texts.c.case_id,
        func.strpos(cast(events.c.body, Text), private_texts.c.name) > 0,
    )
    gone = connection.execute(
        delete(private_texts).where(private_texts.c.written_at < before, ~named)
    )
    return gone.rowcount
