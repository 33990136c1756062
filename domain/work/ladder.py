"""Reminders and rungs: when they are due, whom they reach, and what happens when one fires."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.work import events as e
from domain.work.calendar import Calendar
from domain.work.calendars import calendar_for, calendar_of_task
from domain.work.deadlines import Clock, reminders
from domain.work.messages import write
from domain.work.offices import can_take, person_of, recipients
from domain.work.procedure import Card, Ladder, Rung
from domain.work.state import Pending, Task
from domain.work.subject import S, Subject, card_of
from domain.work.transition import Transition

REMINDER = "E0"


def rank(rung: str) -> int:
    """E0 is 0, E5 is 5; none is below."""
    return int(rung[1:]) if rung.startswith("E") else -1


def ladder_of(subject: Subject, task: Task) -> Ladder | None:
    """The ladder of a task's card."""
    card = card_of(subject, task.step)
    return subject.procedure.ladders.get(card.ladder) if card is not None else None


def schedule(
    subject: Subject,
    card: Card,
    *,
    calendar: Calendar,
    clock: Clock | None,
    counted_on: date,
    due_at: datetime | None,
    unrolled_on: date | None,
    set_at: datetime,
) -> tuple[Pending, ...]:
    """Reminders and rungs of a clock set at `set_at` (3.6).

    Reminders already past are left out; rungs already past stay, and fire at once.
    """
    if due_at is None:
        return ()
    ladder = subject.procedure.ladders.get(card.ladder)
    rungs = ladder.rungs if ladder is not None else ()
    found = [Pending(rung.name, due_at + _length(rung.after)) for rung in rungs]
    if card.warns:
        day = calendar.local_date(due_at)
        warned = [
            Pending(name, calendar.opening(day - timedelta(days=lead.amount)))
            for name, lead in card.warns
        ]
        named = {name for name, _ in card.warns}
        found = [p for p in found if p.rung not in named]
        found += [p for p in warned if p.at >= set_at or p.rung != REMINDER]
    elif clock is not None and not card.watch:
        moments = reminders(clock, counted_on, unrolled_on, calendar)
        found += [Pending(REMINDER, moment) for moment in moments if moment >= set_at]
    return tuple(sorted(found, key=lambda p: (p.at, rank(p.rung))))


def warnings(
    subject: Subject, card: Card, office: str, until: date, set_at: datetime
) -> tuple[Pending, ...]:
    """The rungs before the end of a paper, as 30, 14 and 7 days; those past fire at once."""
    calendar = calendar_for(subject, office)
    found = [
        Pending(name, calendar.opening(until - timedelta(days=lead.amount)))
        for name, lead in card.warns
    ]
    return tuple(p for p in found if p.at >= set_at or p.rung != REMINDER)


def _length(clock: Clock) -> timedelta:
    return timedelta(**{clock.unit: clock.amount})


def remind(transition: Transition[S], task: Task, at: datetime) -> None:
    """E0 is due: to the owner, unless a promise keeps it quiet."""
    subject = transition.subject
    ladder = ladder_of(subject, task)
    words = ladder.remind if ladder is not None else ("owner",)
    to = tuple(o for o in recipients(subject, words, task) if can_take(subject, o))
    today = calendar_of_task(subject, task).local_date(at)
    quiet = task.promised_on is not None and today <= task.promised_on
    to = () if quiet else to
    transition.add(e.Reminded(at=at, step=task.step, attempt=task.attempt, to=to, quiet=quiet))
    for office in to:
        write(transition, at, "reminder", office, step=task.step, attempt=task.attempt, waits=True)


def fire(
    transition: Transition[S], task: Task, rung: str, at: datetime, *, top: bool = False
) -> None:
    """A rung is due: tell its receivers, open an escalation if it decides, or skip upward."""
    subject = transition.subject
    ladder = ladder_of(subject, task)
    if ladder is None:
        return
    level = next((r for r in ladder.rungs if r.name == rung), None)
    if level is None:
        return
    named = recipients(subject, level.to, task)
    able = _able(subject, task, named)
    following = _next(ladder, level)
    if named and not able and following is not None:
        transition.add(
            e.RungSkipped(
                at=at, step=task.step, attempt=task.attempt, rung=rung, why=_why(subject, named)
            )
        )
        fire(
            transition,
            transition.subject.work.tasks[task.step][task.attempt - 1],
            following.name,
            at,
            top=top,
        )
        return
    _reach(transition, task, level, _reachable(transition, able), at, top=top)


def _reach(
    transition: Transition[S],
    task: Task,
    level: Rung,
    to: tuple[str, ...],
    at: datetime,
    *,
    top: bool,
) -> None:
    transition.add(
        e.RungFired(
            at=at,
            step=task.step,
            attempt=task.attempt,
            rung=level.name,
            to=to,
            decides=level.decides,
            opens=level.decides and task.escalation != "open",
            top=top,
        )
    )
    if level.records:
        transition.add(e.Recorded(at=at, what=level.records, step=task.step, attempt=task.attempt))
    waits = not top and transition.subject.behaviour.rungs_leave_on_working_days
    for office in to:
        write(
            transition,
            at,
            "rung",
            office,
            step=task.step,
            attempt=task.attempt,
            about=level.name,
            waits=waits,
        )


def _next(ladder: Ladder, level: Rung) -> Rung | None:
    index = ladder.rungs.index(level) + 1
    return ladder.rungs[index] if index < len(ladder.rungs) else None


def next_rung(subject: Subject, task: Task) -> str:
    """The rung above the highest reached; empty at the top."""
    ladder = ladder_of(subject, task)
    if ladder is None:
        return ""
    return next((r.name for r in ladder.rungs if rank(r.name) > rank(task.rung)), "")


def _able(subject: Subject, task: Task, named: tuple[str, ...]) -> tuple[str, ...]:
    """Receivers who can take it (3.10): not vacant, excluded, the holder, nor asked just before."""
    alone = person_of(subject, task.rung_to[0]) if len(task.rung_to) == 1 else ""
    if rank(task.rung) < 1:
        alone = ""
    owner = person_of(subject, task.holder)
    return tuple(
        office
        for office in named
        if can_take(subject, office)
        and office != task.holder
        and person_of(subject, office) not in {alone, owner} - {""}
    )


def _reachable(transition: Transition[S], able: tuple[str, ...]) -> tuple[str, ...]:
    """Offices that must not hear of it are left out; the rung still counts (4.2)."""
    may_hear, subject = transition.hooks.may_hear, transition.subject
    return tuple(office for office in able if may_hear(subject, office))


def _why(subject: Subject, named: tuple[str, ...]) -> str:
    office = subject.work.offices.get(named[0])
    if office is None or office.vacant or not office.holder_now():
        return "vacant"
    return "excluded" if office.excluded else "holder"


def raise_to_top(transition: Transition[S], task: Task, at: datetime) -> None:
    """Danger to life: the highest rung at once; those below do not fire (3.7)."""
    ladder = ladder_of(transition.subject, task)
    if ladder is None or not ladder.rungs:
        return
    fire(transition, task, ladder.rungs[-1].name, at, top=True)


def without_fired(task: Task, pending: tuple[Pending, ...], at: datetime) -> tuple[Pending, ...]:
    """Of a new schedule, whole from its beginning, what the old one has not fired yet."""
    sent = task.reminders
    kept: list[Pending] = []
    for item in pending:
        if item.rung == REMINDER and sent > 0:
            sent -= 1
        elif item.rung == REMINDER or rank(item.rung) > max(rank(task.rung), 0):
            kept.append(item)
    return still_to_come(tuple(kept), at)


def still_to_come(pending: tuple[Pending, ...], at: datetime) -> tuple[Pending, ...]:
    """A reminder that would have been before now is never sent; a rung is, at once (3.6)."""
    return tuple(item for item in pending if item.rung != REMINDER or item.at >= at)
