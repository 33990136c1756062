"""The program after an upgrade: it knows one edition more, a made-up one.

In it a note is followed by another one. `python -m tests.ledger.upgraded` is then `homeward`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cli import app
from domain.act import AnyCommand
from domain.behaviour import EDITION, EDITIONS, Behaviour
from domain.case.acts.task import NOTE, note
from domain.case.core import ACTS
from domain.case.state import Case
from domain.work.transition import Transition

THE_NEXT = EDITION + 1


def _note_twice(transition: Transition[Case], command: AnyCommand, at: datetime) -> None:
    note(transition, command, at)
    if transition.subject.edition == THE_NEXT:
        body = replace(command.body, note="text:new")
        note(transition, replace(command, body=body), at)


def made_up() -> Behaviour:
    """The present edition, but for its notes."""
    ACTS["note"] = replace(
        NOTE, do=_note_twice
    )  # as any newer program: what it does depends on the case's edition
    return EDITIONS[EDITION]


if __name__ == "__main__":
    EDITIONS[THE_NEXT] = made_up()
    app()
