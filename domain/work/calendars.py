"""Whose calendar counts: of an office, of a step, of a task (stories.md 3.4, 3.12)."""

from __future__ import annotations

from datetime import date, datetime

from domain.work.calendar import Calendar
from domain.work.state import Task
from domain.work.subject import Subject, card_of


def calendar_of(subject: Subject, country: str) -> Calendar:
    """A country's calendar as this subject knows it now."""
    return subject.work.calendars.get(country) or subject.procedure.calendar(country)


def calendar_here(subject: Subject) -> Calendar:
    """The calendar of the country where the subject is: validity and birthdays (3.2)."""
    return calendar_of(subject, subject.place)


def calendar_for(subject: Subject, office: str) -> Calendar:
    """The calendar an office keeps; one without a side keeps that of the place."""
    holder = subject.work.offices.get(office)
    if holder is None or not holder.country:
        return calendar_here(subject)
    return calendar_of(subject, holder.country)


def calendar_of_step(subject: Subject, step: str, office: str) -> Calendar:
    """The calendar a step's clock counts: the office's, or the side's its card names (3.12)."""
    card = card_of(subject, step)
    if card is None or not card.calendar:
        return calendar_for(subject, office)
    return calendar_for(subject, subject.work.office_of(f"{card.calendar}.focal") or office)


def calendar_of_task(subject: Subject, task: Task) -> Calendar:
    """The calendar a task's clock counts, whoever holds it now (3.4)."""
    return calendar_of_step(subject, task.step, task.made_for)


def appointment_day(subject: Subject, at: datetime) -> date:
    """The day that papers must outlast: the appointed one, else today, where the subject is."""
    appointment = subject.appointment
    return calendar_here(subject).local_date(appointment.at if appointment is not None else at)
