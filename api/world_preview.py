"""What a calendar or newer rules would change in all open cases, before it is said. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from api.deps import ActiveProcedure
from api.world import Days, calendar_body, calendar_now, with_days
from domain.case import preview
from domain.case.preview import Preview
from domain.case.state import Case
from domain.rules.book import Rulebook
from records import broadcasts, cases, subjects, world

MOST_CASES = 2_000  # looked into; more are counted, and said to be
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """An open clock of a case that would move."""

    reference: str
    step: str
    title: str
    old: datetime | None
    new: datetime


@dataclass(slots=True)
class Summary:
    """What would change. `looked_into` is less than `concerned` where there are very many cases."""

    concerned: int = 0
    looked_into: int = 0
    cases_moved: int = 0
    dates_moved: int = 0
    lines: list[Line] = field(default_factory=list)  # the first of them
    moved: Counter[str] = field(default_factory=Counter)  # by step
    vanished: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)


def of_calendar(
    connection: Connection, rulebook: Rulebook, country: str, days: Days, now: datetime
) -> Summary:
    """Which open clocks would move if these days were said; raises what saying them raises."""
    calendar = with_days(calendar_now(connection, rulebook, country), days)
    body = calendar_body(rulebook, calendar)
    looked = _each(connection, world.CALENDAR, country, body, now)
    return _summed_up(looked, lambda case, at: preview.declaring(case, calendar, at))


def of_rules(connection: Connection, ready: ActiveProcedure, now: datetime) -> Summary:
    """What would change if every open case of a corridor adopted these rules."""
    body = {"digest": ready.digest}
    looked = _each(connection, world.RULES, ready.procedure.corridor, body, now)
    return _summed_up(
        looked, lambda case, at: preview.adopting(case, ready.procedure, ready.digest, at)
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    reference: str
    case: Case | None  # None: counted, not looked into
    at: datetime


def _each(
    connection: Connection, kind: str, subject: str, body: Mapping[str, object], now: datetime
) -> Iterator[_Looked]:
    for number, one in enumerate(broadcasts.open_cases(connection, kind, subject, body)):
        case = cases.folded(connection, one.case_id) if number < MOST_CASES else None
        known = subjects.find(connection, one.case_id)
        own = now + timedelta(seconds=known.clock_offset if known is not None else 0)
        newest = case.now if case is not None and case.now is not None else own
        yield _Looked(one.reference, case, max(own, newest))


def _summed_up(looked: Iterator[_Looked], ask: Callable[[Case, datetime], Preview]) -> Summary:
    summary = Summary()
    for one in looked:
        summary.concerned += 1
        if one.case is not None:
            summary.looked_into += 1
            _add(summary, one, one.case, ask(one.case, one.at))
    return summary


def _add(summary: Summary, one: _Looked, case: Case, found: Preview) -> None:
    moved = [line for line in found.moved if line.old != line.new]
    summary.cases_moved += bool(moved)
    summary.dates_moved += len(moved)
    summary.moved.update(line.step for line in moved)
    summary.vanished.update(found.vanished)
    summary.begun.update(found.begun)
    for line in moved[: MOST_LINES - len(summary.lines)]:
        card = case.procedure.cards.get(line.step)
        title = card.title if card is not None else line.step
        summary.lines.append(Line(one.reference, line.step, title, line.old, line.new))
