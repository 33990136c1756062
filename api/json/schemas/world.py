"""Crossings, calendars, posts and facts of the world as they are answered. No case is named here."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.json.schemas.base import Shape
from api.world_preview import Summary
from domain.rules.crossings import RegisteredCrossing
from domain.work.calendar import Calendar
from records.broadcasts import Told
from records.posts import Term
from records.world import Fact


class FactShape(Shape):
    """Something said once that is told to every open case it concerns. The same whenever it is read."""

    fact: str
    kind: str = Field(examples=["crossing"])
    subject: str = Field(examples=["nong-khai"])
    at: datetime
    effective_at: datetime
    by: str
    reason: str
    source: str


def fact_shape(fact: Fact) -> FactShape:
    """Return what was said."""
    return FactShape(
        fact=fact.id,
        kind=fact.kind,
        subject=fact.subject,
        at=fact.at,
        effective_at=fact.effective_at,
        by=fact.by,
        reason=fact.reason,
        source=fact.source,
    )


class ProgressShape(FactShape):
    """How far a fact has come. `failed`: gave no answer, is asked again, and is among `left`."""

    state: str = Field(description="`waiting` for its moment, `telling`, or `done`.")
    concerned: int
    done: int
    refused: int
    ended: int
    failed: int
    left: int


def progress_shape(fact: Fact, told: Told) -> ProgressShape:
    """Return what was said and how many cases know."""
    return ProgressShape(
        **fact_shape(fact).model_dump(),
        state=fact.state,
        concerned=told.concerned,
        done=told.done,
        refused=told.refused,
        ended=told.ended,
        failed=told.failed,
        left=told.left,
    )


class CrossingShape(Shape):
    """A crossing, and whether it is open. `since`, `reason` and `source` as it was said last."""

    crossing: str = Field(examples=["nong-khai"])
    name: str
    countries: list[str]
    corridors: list[str]
    hours: str = Field(examples=["06:00-22:00"])
    offices: dict[str, str]
    status: str = Field(examples=["open"])
    since: datetime | None
    reason: str
    source: str


def crossing_shape(
    crossing: RegisteredCrossing, corridors: tuple[str, ...], fact: Fact | None
) -> CrossingShape:
    """Return a crossing as it is now."""
    return CrossingShape(
        crossing=crossing.id,
        name=crossing.name,
        countries=list(crossing.countries),
        corridors=list(corridors),
        hours=crossing.hours,
        offices=dict(crossing.offices),
        status="open" if fact is None else str(fact.body["status"]),
        since=None if fact is None else fact.effective_at,
        reason="" if fact is None else fact.reason,
        source=crossing.source if fact is None else fact.source,
    )


class CalendarShape(Shape):
    """The working days of a country as they count now. `declared_at`: null while the rules' own."""

    country: str = Field(examples=["LA"])
    off: list[date]
    on: list[date]
    opens: str
    closes: str
    declared_at: datetime | None
    reason: str
    source: str


def calendar_shape(calendar: Calendar, fact: Fact | None) -> CalendarShape:
    """Return a country's list."""
    return CalendarShape(
        country=calendar.country,
        off=list(calendar.off),
        on=list(calendar.on),
        opens=f"{calendar.opens:%H:%M}",
        closes=f"{calendar.closes:%H:%M}",
        declared_at=None if fact is None else fact.effective_at,
        reason="" if fact is None else fact.reason,
        source="" if fact is None else fact.source,
    )


class TermShape(Shape):
    """A user holds a post of an office. `until` null: no end is known."""

    post: str = Field(examples=["head"])
    holder: str
    since: datetime
    until: datetime | None


def term_shape(term: Term) -> TermShape:
    """Return a term."""
    return TermShape(post=term.post, holder=term.holder, since=term.since, until=term.until)


class MovedLine(Shape):
    """An open clock that would move."""

    reference: str
    step: str
    title: str
    old: datetime | None
    new: datetime


class SummaryShape(Shape):
    """What would change in all open cases. Numbers by step; `lines` are the first of them."""

    concerned: int
    looked_into: int
    cases_moved: int
    dates_moved: int
    moved: dict[str, int]
    vanished: dict[str, int]
    begun: dict[str, int]
    lines: list[MovedLine]


def summary_shape(summary: Summary) -> SummaryShape:
    """Return a preview, summed up."""
    return SummaryShape(
        concerned=summary.concerned,
        looked_into=summary.looked_into,
        cases_moved=summary.cases_moved,
        dates_moved=summary.dates_moved,
        moved=dict(summary.moved),
        vanished=dict(summary.vanished),
        begun=dict(summary.begun),
        lines=[
            MovedLine(
                reference=line.reference,
                step=line.step,
                title=line.title,
                old=line.old,
                new=line.new,
            )
            for line in summary.lines
        ],
    )
