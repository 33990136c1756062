"""Plans by their digest: written once, never changed, shared by every case that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.work.procedure import Procedure
from records.errors import UnknownProcedure
from records.tables import procedures
from workflows.encoding import Json, procedure_from_json, procedure_to_json

# A digest names its content for ever, so what was read once stays true. Bounded all the same.
_MOST_IN_MEMORY = 256
_read: dict[str, Procedure] = {}


def keep(connection: Connection, procedure: Procedure, digest: str) -> None:
    """Write a plan under its digest; one that is there already stays as it is."""
    if not _kept_already(connection, [digest]):
        keep_json(connection, {digest: procedure_to_json(procedure)})


def keep_json(connection: Connection, bodies: Mapping[str, Json]) -> None:
    """Write those of these plans that are not kept yet, as they were sent."""
    new = set(bodies) - _kept_already(connection, bodies) if bodies else set()
    if new:
        rows = [
            {
                "digest": digest,
                "corridor": body["corridor"],
                "version": body["version"],
                "body": body,
            }
            for digest, body in bodies.items()
            if digest in new
        ]
        connection.execute(insert(procedures).on_conflict_do_nothing(), rows)


def check_kept(connection: Connection, digests: Iterable[str]) -> None:
    """Raise UnknownProcedure for the first of these that this database does not hold."""
    wanted = list(digests)
    kept = _kept_already(connection, wanted) if wanted else set()
    for digest in wanted:
        if digest not in kept:
            raise UnknownProcedure(digest)


def _kept_already(connection: Connection, digests: Iterable[str]) -> set[str]:
    """A plan is long, and nearly every case begins with one that others began with."""
    asked = select(procedures.c.digest).where(procedures.c.digest.in_(list(digests)))
    return set(connection.scalars(asked))


def of(connection: Connection, digests: Iterable[str]) -> dict[str, Procedure]:
    """Return the plans of these digests, in that order; raises UnknownProcedure for one not kept."""
    wanted = list(digests)
    # Taken out at once: another thread may empty the memory at any moment.
    known = {digest: procedure for digest in wanted if (procedure := _read.get(digest)) is not None}
    missing = [digest for digest in wanted if digest not in known]
    if missing:
        found = connection.execute(
            select(procedures.c.digest, procedures.c.body).where(procedures.c.digest.in_(missing))
        )
        read = {row.digest: procedure_from_json(row.body) for row in found}
        _remember(read)
        known |= read
    for digest in wanted:
        if digest not in known:
            raise UnknownProcedure(digest)
    return {digest: known[digest] for digest in wanted}


def body_of(connection: Connection, digest: str) -> Json | None:
    """Return a plan as JSON, or None."""
    body: Any = connection.scalar(select(procedures.c.body).where(procedures.c.digest == digest))
    return None if body is None else dict(body)


def _remember(found: Mapping[str, Procedure]) -> None:
    if len(_read) + len(found) > _MOST_IN_MEMORY:
        _read.clear()
    _read.update(found)
