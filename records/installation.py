"""What this installation is: real, or a rehearsal whose fictional cases live at their own date."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from records.tables import installation


def is_rehearsal(connection: Connection) -> bool:
    """True where cases may live at their own date."""
    return bool(connection.scalar(select(installation.c.rehearsal)))


def make_rehearsal(connection: Connection) -> None:
    """Turn an installation without cases into a rehearsal.

    Raises sqlalchemy.exc.IntegrityError once a case exists: real people and fictional ones are
    never kept together.
    """
    connection.execute(update(installation).values(rehearsal=True))
