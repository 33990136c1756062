"""Reasons, notes and other free text. The engine and the ledger only ever see a text's name.

A text is written before the command that names it; what no event names is swept away later.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Text,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from records.tables import alarms, events, private_texts

PREFIX = "text:"
AN_INSTANT = timedelta(microseconds=1)
AT_A_TIME = 200  # texts looked at in one statement: each is looked for in the events of its subject
Place: TypeAlias = tuple[datetime, str]  # a text by when it was written, and its name


def name_of(key: bytes, subject_id: str, body: str) -> str:
    """The name of a text: the same words in the same subject have one, and nobody can guess it."""
    told = hmac.new(key, f"{subject_id}\n{body}".encode(), hashlib.sha256)
    return PREFIX + told.hexdigest()


def keep(
    connection: Connection, key: bytes, subject_id: str, body: str, written_at: datetime
) -> str:
    """Write a text and return its name; written twice it stays once."""
    name = name_of(key, subject_id, body)
    row = insert(private_texts).values(
        name=name, subject_id=subject_id, body=body, written_at=written_at
    )
    # Written again, it is wanted again: the sweep must not take it from under a new command.
    # The next instant, so that whoever wrote it first sees that it is somebody else's, too.
    newest = func.greatest(private_texts.c.written_at, row.excluded.written_at)
    again = {"written_at": newest + AN_INSTANT}
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=again))
    return name


def read(connection: Connection, subject_id: str, names: Iterable[str]) -> dict[str, str]:
    """Return the texts of a subject by name; what is not there, or is another's, is left out."""
    found = connection.execute(
        select(private_texts.c.name, private_texts.c.body).where(
            private_texts.c.subject_id == subject_id, private_texts.c.name.in_(list(names))
        )
    )
    return {row.name: row.body for row in found}


def take_back(
    connection: Connection, subject_id: str, names: Iterable[str], written_at: datetime
) -> int:
    """Delete texts of a command that was refused; return how many.

    Only those that this command wrote first, at exactly that moment, and nobody wrote again since.
    """
    gone = connection.execute(
        delete(private_texts).where(
            private_texts.c.subject_id == subject_id,
            private_texts.c.name.in_(list(names)),
            private_texts.c.written_at == written_at,
        )
    )
    return gone.rowcount


@dataclass(frozen=True, slots=True)
class Nameless:
    """Texts that nothing names, by subject; `next` is where to look on, None at the end."""

    of_subject: Mapping[str, tuple[str, ...]]
    next: Place | None


def nameless(
    connection: Connection, before: datetime, after: Place | None = None, limit: int = AT_A_TIME
) -> Nameless:
    """Look through some texts written before that moment, oldest first, from `after` on."""
    shown = (private_texts.c.subject_id, private_texts.c.written_at, private_texts.c.name)
    query = select(*shown, _is_named().label("named")).where(private_texts.c.written_at < before)
    if after is not None:
        place = tuple_(private_texts.c.written_at, private_texts.c.name)
        query = query.where(place > tuple_(*after))
    order = (private_texts.c.written_at, private_texts.c.name)
    rows = connection.execute(query.order_by(*order).limit(limit)).all()
    found: dict[str, list[str]] = {}
    for row in rows:
        if not row.named:
            found.setdefault(row.subject_id, []).append(row.name)
    last = rows[-1] if len(rows) == limit else None
    return Nameless(
        {subject_id: tuple(names) for subject_id, names in found.items()},
        None if last is None else (last.written_at, last.name),
    )


def sweep(connection: Connection, before: datetime, names: Iterable[str] | None = None) -> int:
    """Delete texts written before that moment which nothing names; return how many.

    `names` are the only ones looked at. Leave hours between: a command that timed out at the
    caller may still happen, and events may be on their way (`engine/sweeping.py` asks).
    """
    gone = delete(private_texts).where(private_texts.c.written_at < before, ~_is_named())
    if names is not None:
        gone = gone.where(private_texts.c.name.in_(list(names)))
    return connection.execute(gone).rowcount


def _is_named() -> ColumnElement[bool]:
    """An event names the text, or one that the ledger refused and a person has yet to look at."""
    return or_(*(_names_it(table) for table in (events, alarms)))


def _names_it(table: Table) -> ColumnElement[bool]:
    return exists().where(
        table.c.subject_id == private_texts.c.subject_id,
        func.strpos(cast(table.c.body, Text), private_texts.c.name) > 0,
    )
