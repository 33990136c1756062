"""TaskOptions a step: for whom, with which clock, and the offer that goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from domain.work import events as e
from domain.work.calendar import Calendar
from domain.work.calendars import appointment_day, calendar_here, calendar_of_step
from domain.work.deadlines import Clock, Due, before, due
from domain.work.ladder import schedule
from domain.work.messages import write
from domain.work.offices import able
from domain.work.procedure import Card
from domain.work.state import Pending, Task
from domain.work.subject import S, Subject
from domain.work.transition import Transition


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """What is particular to one making of a step; empty fields follow the card."""

    holder: str = ""
    made_for: str = ""
    day: date | None = None  # a due date given by a person (reviews)
    valid_until: date | None = None  # the paper it renews or watches
    about: str = ""
    quiet: bool = False  # completed in the same act: nobody needs an offer


def owner_of(subject: Subject, card: Card) -> str:
    """The office a step is made for: preassigned, the plan's receiver, or the role's holder."""
    if card.id in subject.work.preassigned:
        return subject.work.preassigned[card.id]
    if card.owner == "receiving":
        handover = subject.newest_appointment
        return (
            handover.receiving
            if handover is not None
            else subject.work.office_of("origin.reception")
        )
    return subject.work.office_of(card.owner)


def offered_from(subject: Subject, card: Card) -> datetime | None:
    """Before this moment a dated step is neither offered nor completed (3.14)."""
    handover = subject.appointment
    if handover is None or card.offered_before_handover is None:
        return None
    lead = card.offered_before_handover
    if lead.amount == 0:
        calendar = calendar_here(subject)
        return calendar.at(calendar.local_date(handover.at), time(0, 0))
    return handover.at - timedelta(**{lead.unit: lead.amount})


def offer(
    transition: Transition[S],
    card: Card,
    started_at: datetime,
    at: datetime,
    options: TaskOptions | None = None,
) -> Task:
    """Make the next attempt of a step and offer it."""
    subject = transition.subject
    options = options or TaskOptions()
    made_for = options.made_for or options.holder or owner_of(subject, card)
    holder = able(subject, options.holder or made_for)
    calendar = calendar_of_step(subject, card.id, made_for)
    clock, ends, given = _clock(subject, card, started_at, at, options, calendar)
    paused = subject.work.on_hold and card.pauses and clock is not None and not clock.legal
    attempt = len(subject.work.tasks.get(card.id, ())) + 1
    pending: tuple[Pending, ...] = ()
    if ends is not None and not paused:
        pending = schedule(
            subject,
            card,
            calendar=calendar,
            clock=clock,
            counted_on=calendar.local_date(started_at),
            due_at=ends.at,
            unrolled_on=ends.unrolled_on,
            set_at=at,
        )
    handover = subject.appointment
    transition.add(
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
            valid_until=options.valid_until,
            reports=_reports(card, started_at, calendar),
            handover_no=handover.number if card.dated and handover is not None else 0,
            about=options.about,
        )
    )
    if not card.watch and not options.quiet:
        write(transition, at, "offer", holder, step=card.id, attempt=attempt)
    return transition.subject.work.tasks[card.id][-1]


def _reports(card: Card, started_at: datetime, calendar: Calendar) -> tuple[Pending, ...]:
    """Events that a watch leaves some time after its start, as national_report."""
    return tuple(
        Pending(name, due(_legal(clock), started_at, calendar).at) for name, clock in card.reports
    )


def _legal(clock: Clock) -> Clock:
    return Clock(clock.amount, clock.unit, legal=True)


def _clock(
    subject: Subject,
    card: Card,
    started_at: datetime,
    at: datetime,
    options: TaskOptions,
    calendar: Calendar,
) -> tuple[Clock | None, Due | None, bool]:
    """The clock, when it ends, and whether that date is given rather than counted."""
    if options.day is not None:
        return card.within, Due(calendar.closing(options.day), options.day), True
    handover = subject.appointment
    if handover is not None and card.at_handover:
        return card.within, Due(handover.at, None), True
    if handover is not None and card.before_handover is not None:
        day = before(appointment_day(subject, at), card.before_handover, calendar)
        day = max(day, calendar.local_date(at))
        return card.within, Due(calendar.closing(day), day), True
    if card.before_valid is not None and options.valid_until is not None:
        day = before(options.valid_until, card.before_valid, calendar)
        return card.within, Due(calendar.closing(day), day), True
    if card.watch and options.valid_until is not None:
        day = options.valid_until
        return card.within, Due(calendar.end_of(day), day), True
    if card.within is None:
        return None, None, False
    clock = _legal(card.within) if card.watch else card.within
    multiple = _multiple(subject, card, started_at)
    if multiple is not None:
        base, times = multiple
        long = Clock(clock.amount * times, clock.unit, clock.legal)
        return long, due(long, base, calendar), False
    return clock, due(clock, started_at, calendar), False


def _multiple(subject: Subject, card: Card, started_at: datetime) -> tuple[datetime, int] | None:
    """For reviews that come in multiples from an order: its moment, and which multiple."""
    fact = next((o.again_multiple_of for o in card.outcomes.values() if o.again_multiple_of), "")
    if not fact or card.within is None:
        return None
    order = subject.work.newest_done(fact.partition(":")[0])
    if order is None or order.happened_at is None:
        return None
    done = [t for t in subject.work.tasks.get(card.id, ()) if t.state == "done"]
    since_order = [t for t in done if t.started_at >= order.happened_at]
    del started_at
    return order.happened_at, len(since_order) + 1
