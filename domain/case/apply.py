"""`apply(case, event)`: the state after one event. Decides nothing; a fold of the ledger is a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from domain.case import events as e
from domain.case.person import Bar, Person
from domain.case.segment import Handover, Segment
from domain.case.state import Case
from domain.event import Appliers, Event, on
from domain.work import apply as work_apply
from domain.work import events as work_events
from domain.work.apply import with_attempt, without
from domain.work.calendars import calendar_here
from domain.work.procedure import Procedure
from domain.work.state import Work
from domain.work.subject import with_work

APPLY: Appliers = dict(work_apply.APPLY)


def blank(case_id: str, procedure: Procedure, procedure_digest: str) -> Case:
    """A case before its first event."""
    return Case(case_id, {procedure_digest: procedure}, (Segment(1, procedure_digest),))


def apply(case: Case, event: Event) -> Case:
    """The case after `event`; its version is one higher."""
    after: Case = APPLY[type(event)](case, event)
    return replace(after, version=case.version + 1, now=event.at)


def fold(case: Case, events: Iterable[Event]) -> Case:
    """The case after all of `events`."""
    for event in events:
        case = apply(case, event)
    return case


def _with_person(case: Case, **changes: Any) -> Case:
    return replace(case, person=replace(case.person, **changes))


def _with_segment(case: Case, **changes: Any) -> Case:
    """The segment under way, changed."""
    return replace(case, segments=(*case.segments[:-1], replace(case.segment, **changes)))


@on(APPLY, e.CaseOpened)
def _opened(case: Case, event: e.CaseOpened) -> Case:
    return replace(
        case,
        id=event.case_id,
        edition=event.edition,
        state="open",
        opened_at=event.at,
        crossings=dict(event.crossings),
        work=Work(
            offices={office.id: office for office in event.offices},
            roles=dict(event.roles),
            calendars={calendar.country: calendar for calendar in event.calendars},
            idle_since=event.at,
        ),
        person=Person(
            adult_on=event.adult_on,
            child_since=event.at,
            country=event.country,
            flags=dict.fromkeys(event.flags, event.at),
        ),
        segments=(Segment(1, event.procedure_digest),),
    )


@on(APPLY, e.CaseMoved)
def _moved(case: Case, event: e.CaseMoved) -> Case:
    moved = replace(case, state=event.state)
    return _with_segment(moved, returned_at=event.at) if event.state == "returned" else moved


@on(APPLY, e.CaseReopened)
def _reopened(case: Case, event: e.CaseReopened) -> Case:
    state = "returned" if case.segment.returned_at else "open"
    reopened = replace(case, state=state, reopened_at=event.at)
    return with_work(reopened, idle_since=event.at, idle_reported=False)


@on(APPLY, work_events.RulesAdopted)
def _adopted(case: Case, event: work_events.RulesAdopted) -> Case:
    return _with_segment(case, procedure_digest=event.procedure_digest)


@on(APPLY, work_events.EditionMoved)
def _edition(case: Case, event: work_events.EditionMoved) -> Case:
    return replace(case, edition=event.edition)


@on(APPLY, e.TurnedAdult)
def _adult(case: Case, event: e.TurnedAdult) -> Case:
    return _with_person(case, turned_adult=True, adult_since=event.at)


@on(APPLY, e.FactCorrected)
def _corrected(case: Case, event: e.FactCorrected) -> Case:
    if event.fact == "outcome":
        return with_attempt(case, event, outcome=event.outcome)
    if event.fact == "born":
        return _with_birthday(case, event)
    if event.fact == "country":
        return _with_person(case, country=event.country)
    return case


def _with_birthday(case: Case, event: e.FactCorrected) -> Case:
    person, was_child = case.person, case.is_child(event.at)
    return _with_person(
        case,
        adult_on=event.adult_on,
        child_since=person.child_since if was_child else event.at,
        adult_since=event.at if was_child else person.adult_since,
        turned_adult=False,
    )


@on(APPLY, e.ConsentGiven)
def _consent(case: Case, event: e.ConsentGiven) -> Case:
    return _with_person(case, consents=(*case.person.consents, event.consent))


@on(APPLY, e.ConsentConfirmed)
def _confirmed(case: Case, event: e.ConsentConfirmed) -> Case:
    consents = tuple(
        replace(c, confirmed_at=event.at)
        if c.purpose == event.purpose and c.withdrawn_at is None
        else c
        for c in case.person.consents
    )
    return _with_person(case, consents=consents)


@on(APPLY, e.ConsentWithdrawn)
def _withdrawn(case: Case, event: e.ConsentWithdrawn) -> Case:
    consents = tuple(
        replace(c, withdrawn_at=event.at)
        if c.purpose == event.purpose and c.withdrawn_at is None
        else c
        for c in case.person.consents
    )
    return _with_person(case, consents=consents)


@on(APPLY, e.ConsentLapsed)
def _lapsed(case: Case, event: e.ConsentLapsed) -> Case:
    zone = calendar_here(case)
    consents = tuple(
        replace(c, lapsed=True)
        if c.purpose == event.purpose and zone.end_of(c.until) <= event.at
        else c
        for c in case.person.consents
    )
    return _with_person(case, consents=consents)


@on(APPLY, e.FlagSet)
def _flag(case: Case, event: e.FlagSet) -> Case:
    return _with_person(case, flags={**case.person.flags, event.flag: event.at})


@on(APPLY, e.FlagLifted)
def _unflag(case: Case, event: e.FlagLifted) -> Case:
    lifted = {**case.person.flags_lifted, event.flag: event.at}
    return _with_person(case, flags=without(case.person.flags, event.flag), flags_lifted=lifted)


@on(APPLY, e.BarSet)
def _bar(case: Case, event: e.BarSet) -> Case:
    bar = Bar(event.kind, event.owner, event.at)
    return _with_person(case, bars={**case.person.bars, event.kind: bar})


@on(APPLY, e.BarLifted)
def _unbar(case: Case, event: e.BarLifted) -> Case:
    return _with_person(case, bars=without(case.person.bars, event.kind), bars_lifted_at=event.at)


@on(APPLY, e.HandoverPlanned)
def _planned(case: Case, event: e.HandoverPlanned) -> Case:
    handover = Handover(event.number, event.planned_at, event.crossing, event.receiving, event.at)
    return _with_segment(case, newest_handover=handover)


@on(APPLY, e.HandoverEnded)
def _handover_ended(case: Case, event: e.HandoverEnded) -> Case:
    if case.segment.newest_handover is None:
        return case
    return _with_segment(
        case, newest_handover=replace(case.segment.newest_handover, ended=event.why)
    )


@on(APPLY, e.Departed)
def _departed(case: Case, event: e.Departed) -> Case:
    if case.segment.newest_handover is None:
        return case
    return _with_segment(
        case, newest_handover=replace(case.segment.newest_handover, departed_at=event.at)
    )


@on(APPLY, e.ManifestMade)
def _manifest(case: Case, event: e.ManifestMade) -> Case:
    return _with_segment(case, manifest_version=event.version)


@on(APPLY, e.CrossingChanged)
def _crossing(case: Case, event: e.CrossingChanged) -> Case:
    return replace(case, crossings={**case.crossings, event.crossing: event.status})
