"""The contract of a subject's workflow: its names, what it is asked and what it answers.

Changing a name or a field here breaks subjects that have been running for months: only add.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workflows.encoding import Json

TASK_QUEUE = "homeward"

OPEN = "open"  # update, sent together with the start: tells that the subject was opened
ACT = "act"  # update: somebody does something
PROGRESS = "progress"  # query: how far this run is
RENEW = "renew"  # signal: continue as new as soon as nothing is pending

KEY_REUSED = "key-reused"  # refusal: the same key came with something else
BUSY = "busy"  # refusal: too much is not yet in the database
INTERNAL = "internal"  # refusal: something we did not foresee; the subject lives on
BEHIND = "behind-ledger"  # refusal: this run is an older copy; it goes on from the ledger


def workflow_id(kind: str, subject_id: str) -> str:
    """The engine's name for a subject: opaque, and the same for every run of it."""
    return f"{kind}/{subject_id}"


def subject_of(workflow_id: str) -> tuple[str, str]:
    """The kind and the id of the subject that the engine names so; both empty for another's."""
    kind, _, subject_id = workflow_id.partition("/")
    return (kind, subject_id) if subject_id else ("", "")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event on its way to the ledger: its number, its JSON, the update that caused it."""

    seq: int
    body: Json
    key: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Op:
    """An update that was accepted: its key, what it asked (a digest) and what was answered."""

    key: str
    content: str
    version: int
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A subject between two runs. Ledger and plans hold the past; this is only the present."""

    state: Json
    procedures: dict[str, Json]
    pending: tuple[NewEvent, ...] = ()  # happened, and not yet in the database
    unsent_procedures: tuple[str, ...] = ()  # digests of plans that pending events name
    ops: tuple[Op, ...] = ()  # the newest keys, oldest first


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with: an `opening`, or a subject that lived before. The workflow is its kind.

    `clock_offset`: seconds that the subject's clock is ahead of the engine's; not zero only in a
    rehearsal. `at`: there, the moment on the subject's clock at which the opening was received.
    """

    subject_id: str
    clock_offset: int = 0
    opening: Json | None = None
    at: datetime | None = None
    key: str = ""
    content: str = ""
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something somebody does: the command as JSON and a digest of what was asked.

    The update's id is its key: a keyed hash that tells nothing of who asked. `at`: in a rehearsal,
    the moment on the subject's clock at which it was received. `ledger`: the version that was in the
    ledger when it was sent; a run that is not yet there is a copy from before, put back.
    """

    command: Json
    content: str
    at: datetime | None = None
    ledger: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An act was accepted: the subject's version and state after it, and the moment it was recorded.

    `content` is the digest kept with that key: another one than was sent means a reused key.
    """

    version: int
    at: datetime
    state: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act was refused: the HTTP status and the title that go with its slug."""

    status: int
    title: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Everything is in the database once `projected` equals `version`."""

    version: int
    projected: int
    state: str
    next_wake: datetime | None
    clock_offset: int = 0  # seconds that the subject's clock is ahead of the engine's, in this run
    trouble: str = ""  # something a person must look at; empty when all is well
    events: int = 0  # of the engine's history of this run
    run: str = ""  # the engine's name of this run
