"""What can go wrong between the ledger and those who write to it. No text here names a person.

RecordsError
├── LedgerConflict   the same seq with other contents: an alarm, never passed over
├── LedgerGap        a seq was left out: nothing is written
├── UnknownProcedure events name a plan that nobody kept
└── Unreadable       what is kept of a subject is no state that this program knows
"""

from __future__ import annotations


class RecordsError(Exception):
    """A write that was refused; the transaction is rolled back."""


class LedgerConflict(RecordsError):  # noqa: N818 - the word of the design
    """The ledger holds something else under this seq; a person must look at it."""

    def __init__(self, subject_id: str, seq: int) -> None:
        """Name the row; its contents stay in the database."""
        super().__init__(f"the ledger of {subject_id} holds another event as number {seq}")
        self.subject_id = subject_id
        self.seq = seq


class LedgerGap(RecordsError):  # noqa: N818
    """The events given do not follow what is kept."""

    def __init__(self, subject_id: str, expected: int, given: int) -> None:
        """Name the number that should have come."""
        super().__init__(f"{subject_id} needs event {expected} next, not {given}")
        self.subject_id = subject_id
        self.expected = expected
        self.given = given


class UnknownProcedure(RecordsError):  # noqa: N818
    """A plan is written before the event that names it."""

    def __init__(self, procedure_digest: str) -> None:
        """Name the plan by its digest."""
        super().__init__(f"the plan {procedure_digest} was never kept")
        self.procedure_digest = procedure_digest


class Unreadable(RecordsError):  # noqa: N818
    """The kept state of a subject cannot be read: damaged, or of a program that is newer."""

    def __init__(self, subject_id: str) -> None:
        """Name the subject; its contents stay in the database."""
        super().__init__(f"what is kept of {subject_id} cannot be read")
        self.subject_id = subject_id
