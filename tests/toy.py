"""A toy kind of subject: a counter that rings every few hours. It shows nothing and knows no rules.

That it lives at all is the proof that nothing below the cases' own folder knows only cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from domain.errors import InvalidField, WrongState
from domain.subject import RowChanges, SubjectKind, register


@dataclass(frozen=True, slots=True)
class OpenCounter:
    id: str
    hours: int


@dataclass(frozen=True, slots=True)
class Count:
    by: int = 1
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterOpened:
    at: datetime
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    at: datetime
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterStopped:
    at: datetime


@dataclass(frozen=True, slots=True)
class Counter:
    id: str
    edition: int = 1
    version: int = 0
    state: str = "new"  # new counting stopped
    now: datetime | None = None
    hours: int = 0
    total: int = 0
    rings_at: datetime | None = None

    procedures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.state == "stopped"


def _open(opening: OpenCounter, at: datetime) -> tuple[Any, ...]:
    if opening.hours < 1:
        raise InvalidField("`hours` must be one or more")
    return (CounterOpened(at=at, hours=opening.hours),)


def _blank(counter_id: str, _first: Any, _procedures: Mapping[str, Any]) -> Counter:
    return Counter(counter_id)


def _apply(counter: Counter, event: Any) -> Counter:
    counter = replace(counter, version=counter.version + 1, now=event.at)
    match event:
        case CounterOpened():
            rings_at = event.at + timedelta(hours=event.hours)
            return replace(counter, state="counting", hours=event.hours, rings_at=rings_at)
        case Counted():
            return replace(counter, total=counter.total + event.by)
        case Rang():
            return replace(counter, rings_at=event.at + timedelta(hours=counter.hours))
        case _:
            return replace(counter, state="stopped", rings_at=None)


def _advance(counter: Counter, command: Count | None, at: datetime) -> tuple[Any, ...]:
    rings: list[Any] = []
    due = counter.rings_at
    while due is not None and (due < at or (command is None and due == at)):
        rings.append(Rang(at=due))
        due += timedelta(hours=counter.hours)
    if command is None:
        return tuple(rings)
    if counter.ended:
        raise WrongState("it counts no more")
    if command.by < 0:
        raise InvalidField("`by` must not be negative")
    act = CounterStopped(at=at) if command.stop else Counted(at=at, by=command.by)
    return (*rings, act)


COUNTER: SubjectKind[Counter, OpenCounter, Count, Any] = register(
    SubjectKind(
        name="counter",
        state=Counter,
        opening=OpenCounter,
        command=Count,
        events={k.__name__: k for k in (CounterOpened, Counted, Rang, CounterStopped)},
        subject_id=lambda opening: opening.id,
        open=_open,
        blank=_blank,
        apply=_apply,
        advance=_advance,
        next_wake=lambda counter: counter.rings_at,
        status=lambda counter: counter.state,
        rows=lambda _before, _after: RowChanges(),
        procedure_fields=frozenset({"procedures"}),
    )
)
