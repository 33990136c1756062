"""What the work asks of the noun it is about: a case, and later a group, a journey, a committee.

The work never looks behind this page: persons, consents and borders are the noun's own business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from domain.behaviour import Behaviour
from domain.work.procedure import Card, Procedure
from domain.work.state import Task, Work


class Appointment(Protocol):
    """The day that dated steps belong to: in a case, the plan to cross."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def receiving(self) -> str: ...


class Subject(Protocol):
    """The state of whatever has work: frozen, folded from its events."""

    @property
    def id(self) -> str: ...
    @property
    def behaviour(self) -> Behaviour: ...
    @property
    def work(self) -> Work: ...
    @property
    def procedure(self) -> Procedure: ...
    @property
    def procedures(self) -> Mapping[str, Procedure]: ...
    @property
    def version(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def ended(self) -> bool: ...
    @property
    def opened_at(self) -> datetime | None: ...
    @property
    def reopened_at(self) -> datetime | None: ...
    @property
    def now(self) -> datetime | None: ...
    @property
    def place(self) -> str:
        """The country where it is: offices without a side count its calendar."""
        ...

    @property
    def appointment(self) -> Appointment | None:
        """The appointment that stands, if any."""
        ...

    @property
    def newest_appointment(self) -> Appointment | None:
        """The newest, whether it stands or has ended."""
        ...

    @property
    def appointment_over(self) -> bool:
        """True once it took place: nothing more is made for it."""
        ...


S = TypeVar("S", bound=Subject)


def with_work(subject: S, **changes: Any) -> S:
    """The subject with its work changed."""
    changed: Any = subject
    return replace(changed, work=replace(subject.work, **changes))  # type: ignore[no-any-return]


def card_of(subject: Subject, step: str) -> Card | None:
    """The card of a step, or None where the procedure lacks it."""
    return subject.procedure.cards.get(step)


def open_tasks(subject: Subject) -> Iterator[Task]:
    """Every task somebody can still complete; watches are not tasks."""
    for task in subject.work.running():
        card = card_of(subject, task.step)
        if card is None or not card.watch:
            yield task
