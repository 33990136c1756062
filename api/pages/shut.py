"""Which crossings of somebody's corridors are shut: a line above lists of cases."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from api.pages.context import PageContext
from domain.rules.crossings import crossings_of
from records import world


def shut_crossings(context: PageContext, connection: Connection, corridors: Collection[str]) -> str:
    """Their names in one line; empty where none is shut."""
    facts = world.newest_of(connection, world.CROSSING)
    shut = {fact.subject for fact in facts if fact.body["status"] == "closed"}
    book = context.services.rulebook
    used = {one.id: one.name for word in sorted(corridors) for one in crossings_of(book, word)}
    return ", ".join(name for crossing, name in used.items() if crossing in shut)
