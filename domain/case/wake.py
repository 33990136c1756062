"""What time brings in a case beside clocks and messages: a birthday, the end of consents and papers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from functools import partial

from domain.case import consent
from domain.case import events as e
from domain.case.state import Case
from domain.work.calendars import calendar_here
from domain.work.hooks import Coming
from domain.work.messages import write
from domain.work.state import Task
from domain.work.transition import Transition


def coming(case: Case) -> Iterator[Coming]:
    """Everything of the person that happens by itself."""
    yield from _of_person(case)
    yield from _of_papers(case)


def _of_person(case: Case) -> Iterator[Coming]:
    if (
        case.person.adult_on is not None
        and not case.person.turned_adult
        and case.opened_at is not None
    ):
        midnight = calendar_here(case).at(case.person.adult_on, time(0, 0))
        if midnight > case.opened_at:
            yield Coming(midnight, -2, "adult", _adult)
    ending = consent.next_end(case)
    if ending is not None:
        yield Coming(ending[0], -1, "consent", partial(_lapse, purpose=ending[1]))


def _adult(transition: Transition[Case], at: datetime) -> None:
    transition.add(e.TurnedAdult(at=at))


def _lapse(transition: Transition[Case], at: datetime, *, purpose: str) -> None:
    transition.add(e.ConsentLapsed(at=at, purpose=purpose))


# -- papers that end


def _of_papers(case: Case) -> Iterator[Coming]:
    for card in case.procedure.cards.values():
        if not card.lapses_to or card.lapses_to in case.person.flags:
            continue
        task = case.work.newest_done(card.id)
        if task is None or task.valid_until is None or task.outcome == "ended":
            continue
        until = max(t.valid_until for t in _papers(case, card.id) if t.valid_until is not None)
        ends = calendar_here(case).end_of(until)
        yield Coming(ends, -1, card.id, partial(_paper_lapsed, step=card.id))


def _papers(case: Case, step: str) -> list[Task]:
    """The order itself and its renewals."""
    done = [case.work.newest_done(step), case.work.newest_done(f"{step}/renewal")]
    return [task for task in done if task is not None and task.valid_until is not None]


def _paper_lapsed(transition: Transition[Case], at: datetime, *, step: str) -> None:
    card = transition.subject.procedure.cards[step]
    transition.add(e.FlagSet(at=at, flag=card.lapses_to))
    for role in card.tells_lapse:
        write(transition, at, "lapsed", transition.subject.work.office_of(role), step=step)
