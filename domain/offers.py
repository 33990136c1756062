"""Making a step: for whom, with which clock, and the offer that goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from domain import events as e
from domain import gates
from domain.calendar import Calendar
from domain.case import Case, Pending, Task
from domain.deadlines import Clock, Due, before, due
from domain.draft import Draft
from domain.ladder import schedule
from domain.letters import write
from domain.offices import able
from domain.plan import Card


@dataclass(frozen=True, slots=True)
class Making:
    """What is particular to one making of a step; empty fields follow the card."""

    holder: str = ""
    made_for: str = ""
    day: date | None = None  # a due date given by a person (reviews)
    valid_until: date | None = None  # the paper it renews or watches
    about: str = ""
    quiet: bool = False  # completed in the same act: nobody needs an offer


def owner_of(case: Case, card: Card) -> str:
    """The office a step is made for: preassigned, the plan's receiver, or the role's holder."""
    if card.id in case.preassigned:
        return case.preassigned[card.id]
    if card.owner == "receiving":
        plan = case.handover
        return plan.receiving if plan is not None else case.office_of("origin.reception")
    return case.office_of(card.owner)


def offered_from(case: Case, card: Card) -> datetime | None:
    """Before this moment a dated step is neither offered nor completed (3.14)."""
    plan = case.standing
    if plan is None or card.offered_before_plan is None:
        return None
    lead = card.offered_before_plan
    if lead.amount == 0:
        calendar = case.calendar_of(case.place())
        return calendar.at(calendar.local_date(plan.at), time(0, 0))
    return plan.at - timedelta(**{lead.unit: lead.amount})


def offer(
    draft: Draft, card: Card, started_at: datetime, at: datetime, making: Making | None = None
) -> Task:
    """Make the next attempt of a step and offer it."""
    case = draft.case
    making = making or Making()
    made_for = making.made_for or making.holder or owner_of(case, card)
    holder = able(case, making.holder or made_for)
    calendar = case.calendar_of_step(card.id, made_for)
    clock, ends, given = _clock(case, card, started_at, at, making, calendar)
    paused = case.on_hold and card.pauses and clock is not None and not clock.legal
    attempt = len(case.tasks.get(card.id, ())) + 1
    pending: tuple[Pending, ...] = ()
    if ends is not None and not paused:
        pending = schedule(
            case,
            card,
            calendar=calendar,
            clock=clock,
            counted_on=calendar.local_date(started_at),
            due_at=ends.at,
            unrolled_on=ends.unrolled_on,
            set_at=at,
        )
    plan = case.standing
    draft.add(
        e.TaskOffered(
            at=at,
            step=card.id,
            attempt=attempt,
            role=card.owner,
            holder=holder,
            made_for=made_for,
            started_at=started_at,
            clock=clock,
            due_at=None if paused or ends is None else ends.at,
            unrolled_on=None if paused or ends is None else ends.unrolled_on,
            pending=pending,
            given=given,
            left=clock if paused else None,
            valid_until=making.valid_until,
            reports=_reports(card, started_at, calendar),
            plan_no=plan.number if card.dated and plan is not None else 0,
            about=making.about,
        )
    )
    if not card.watch and not making.quiet:
        write(draft, at, "offer", holder, step=card.id, attempt=attempt)
    return draft.case.tasks[card.id][-1]


def _reports(card: Card, started_at: datetime, calendar: Calendar) -> tuple[Pending, ...]:
    """Events that a watch leaves some time after its start, as national_report."""
    return tuple(
        Pending(name, due(_legal(clock), started_at, calendar).at) for name, clock in card.reports
    )


def _legal(clock: Clock) -> Clock:
    return Clock(clock.amount, clock.unit, legal=True)


def _clock(
    case: Case,
    card: Card,
    started_at: datetime,
    at: datetime,
    making: Making,
    calendar: Calendar,
) -> tuple[Clock | None, Due | None, bool]:
    """The clock, when it ends, and whether that date is given rather than counted."""
    if making.day is not None:
        return card.within, Due(calendar.closing(making.day), making.day), True
    plan = case.standing
    if plan is not None and card.at_plan:
        return card.within, Due(plan.at, None), True
    if plan is not None and card.before_plan is not None:
        day = before(gates.plan_day(case, at), card.before_plan, calendar)
        day = max(day, calendar.local_date(at))
        return card.within, Due(calendar.closing(day), day), True
    if card.before_valid is not None and making.valid_until is not None:
        day = before(making.valid_until, card.before_valid, calendar)
        return card.within, Due(calendar.closing(day), day), True
    if card.watch and making.valid_until is not None:
        day = making.valid_until
        return card.within, Due(calendar.end_of(day), day), True
    if card.within is None:
        return None, None, False
    clock = _legal(card.within) if card.watch else card.within
    multiple = _multiple(case, card, started_at)
    if multiple is not None:
        base, times = multiple
        long = Clock(clock.amount * times, clock.unit, clock.legal)
        return long, due(long, base, calendar), False
    return clock, due(clock, started_at, calendar), False


def _multiple(case: Case, card: Card, started_at: datetime) -> tuple[datetime, int] | None:
    """For reviews that come in multiples from an order: its moment, and which multiple."""
    fact = next((o.again_multiple_of for o in card.outcomes.values() if o.again_multiple_of), "")
    if not fact or card.within is None:
        return None
    order = case.newest_done(fact.partition(":")[0])
    if order is None or order.happened_at is None:
        return None
    done = [t for t in case.tasks.get(card.id, ()) if t.state == "done"]
    since_order = [t for t in done if t.started_at >= order.happened_at]
    del started_at
    return order.happened_at, len(since_order) + 1
