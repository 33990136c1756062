"""Rows that every kind of subject with tasks shows: its tasks, open questions and messages.

Data only; which rows a state or an event tells is the subject's own projection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One attempt of a step, or a watch, in the hands of one office."""

    subject_id: str
    step: str
    attempt: int
    title: str
    state: str
    is_open: bool
    watch: bool
    role: str
    holder: str
    made_for: str
    offered_at: datetime
    started_at: datetime
    due_at: datetime | None
    rung: str
    rung_to: tuple[str, ...]
    deciders: tuple[str, ...]
    escalation: str
    next_rung: str
    next_rung_at: datetime | None
    promised_on: date | None
    outcome: str
    happened_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    ended_for: str
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class EscalationRow:
    """An open question to offices, or how it ended. `number` is the seq that opened it."""

    subject_id: str
    number: int
    step: str
    attempt: int
    state: str
    rung: str
    deciders: tuple[str, ...]
    holder: str
    opened_at: datetime
    ended_at: datetime | None = None
    decision: str = ""
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message that waits, has left, or never will. Names fields, never their contents."""

    subject_id: str
    message: int
    kind: str
    step: str
    attempt: int
    to_office: str
    carries: tuple[str, ...]
    about: str
    version: int
    state: str  # waiting left dropped
    leaves_at: datetime
    left_at: datetime | None = None
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What only the events tell: escalations by number, messages by id."""

    escalations: Mapping[int, EscalationRow] = field(default_factory=dict)
    outbox: Mapping[int, OutboxRow] = field(default_factory=dict)
