"""The program after an upgrade: it knows one edition more, a made-up one.

In it a note is followed by another one. `python -m tests.ledger.upgraded` is then `homeward`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cli import app
from domain.case.commands import Command
from domain.case.core import EDITIONS
from domain.case.events import Event, TaskNoted
from domain.case.state import EDITION, Case
from domain.editions import Edition

THE_NEXT = EDITION + 1


def _advance(case: Case, command: Command | None, at: datetime) -> tuple[Event, ...]:
    events = EDITIONS[EDITION].advance(case, command, at)
    return tuple(
        told
        for event in events
        for told in (
            (event, replace(event, note="text:new")) if isinstance(event, TaskNoted) else (event,)
        )
    )


def made_up() -> Edition:
    """The present edition, but for its notes."""
    present = EDITIONS[EDITION]
    return Edition(present.open_case, _advance, present.next_wake)


if __name__ == "__main__":
    EDITIONS[THE_NEXT] = made_up()
    app()
