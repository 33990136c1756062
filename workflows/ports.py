"""Every side effect a workflow may have, by name and type. `activities/` implements them.

Nothing is done here: this page is the list of all that reaches out of a running subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from workflows.encoding import Json
from workflows.messages import NewEvent, Snapshot

PROJECT = "project_events"
FOLLOW = "follow_ledger"

LEDGER_TROUBLE = "ledger-trouble"  # error type: the ledger holds something else; never retried
UNKNOWN_PROCEDURE = "unknown-plan"  # error type: nobody kept a plan that an event names


@dataclass(frozen=True, slots=True)
class EventBatch:
    """New events of one subject, in order, and the plans they name that may not be kept yet.

    The first attempt comes without plans: they are long, and were kept before the subject began.
    """

    kind: str
    subject_id: str
    events: tuple[NewEvent, ...]
    clock_offset: int = 0  # seconds; used only where nobody admitted the subject before
    procedures: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """An event that is not in the ledger: what it is called, and the key of the act behind it."""

    kind: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerRejection:
    """A batch the ledger refused: where the run stood before, and what happened since."""

    subject_id: str
    version: int
    held: tuple[Held, ...] = ()  # in order


@dataclass(frozen=True, slots=True)
class Followed:
    """The subject as the ledger has it; nothing where people must look.

    `known`: so many of the held events are in the ledger, at another moment; those after them were
    answered and are kept. None: all that is held is known, or follows again by itself.
    """

    snapshot: Snapshot | None = None
    known: int | None = None


class SubjectPorts(Protocol):
    """What a subject needs from the world."""

    def project_events(self, batch: EventBatch) -> int:
        """Write the events and every row that follows; return the version then in the database.

        Repeatable: what is there already is passed over. Fails with LEDGER_TROUBLE, for good,
        when the ledger holds something else under one of these numbers; with UNKNOWN_PROCEDURE when a
        plan that an event names must be sent along.
        """
        ...

    def follow_ledger(self, rejection: LedgerRejection) -> Followed:
        """Return the subject as its ledger has it, where a run may simply go on with that.

        A task that wrote to the ledger and was then lost with its worker or server is run again,
        at a later moment: the ledger has that step, and the run has it anew. Nothing where following
        could lose an act, or more than one act was lost to the run: then people must look.
        """
        ...
