"""One line of plain words for each thing that happened in a case, for timelines of stories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.case import events as e
from domain.case.state import Case
from domain.event import Acted, Event
from domain.work import events as work_events
from domain.work.calendars import calendar_for, calendar_here


def tell(event: Event, case: Case) -> str:
    """What happened, in a line; empty for what is told by another line."""
    teller = _TELL.get(type(event))
    return teller(event, case) if teller is not None else ""


def _when(at: datetime | None, case: Case, office: str = "") -> str:
    if at is None:
        return "none"
    zone = calendar_for(case, office).zone if office else calendar_here(case).zone
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}"


def _to(offices: tuple[str, ...]) -> str:
    return ", ".join(offices) or "nobody"


def _acted(event: Acted, words: str) -> str:
    recorded = f" ({event.by} records)" if event.for_ and event.for_ != event.by else ""
    who = event.for_ or event.by
    return f"{who}: {words}{recorded}" if who else words


def _offered(event: work_events.TaskOffered, case: Case) -> str:
    due = f", due {_when(event.due_at, case, event.made_for)}" if event.due_at else ""
    again = f" again, attempt {event.attempt}" if event.attempt > 1 else ""
    holder = (
        f" offered to {event.holder}" if case.procedure.cards[event.step].watch is False else ""
    )
    return f"{event.step}{holder or ': the watch begins'}{again}{due}"


def _clock_set(event: work_events.ClockSet, case: Case) -> str:
    task = case.work.tasks[event.step][event.attempt - 1]
    old = f" (was {_when(event.old, case, task.made_for)})" if event.old else ""
    return _acted(event, f"{event.step} due {_when(event.due_at, case, task.made_for)}{old}")


def _rung(event: work_events.RungFired, case: Case) -> str:
    del case
    asks = ", who must decide" if event.decides else ""
    return f"{event.rung} of {event.step} to {_to(event.to)}{asks}"


def _message(event: work_events.MessageReleased, case: Case) -> str:
    del case
    about = " ".join(word for word in (event.step, event.about) if word)
    version = f", version {event.version}" if event.version else ""
    carried = f" with {', '.join(event.carries)}" if event.carries else ""
    return f"message {event.kind} ({about}) to {event.to}{carried}{version}"


def _done(event: work_events.TaskDone, case: Case) -> str:
    del case
    day = f", valid until {event.valid_until}" if event.valid_until else ""
    late = f", happened {event.happened_at:%Y-%m-%d %H:%M}" if event.happened_at < event.at else ""
    return _acted(event, f"{event.step} is {event.outcome}{day}{late}")


def _post(event: work_events.PostChanged, case: Case) -> str:
    del case
    office = event.office
    if office.excluded:
        return f"{office.id} is excluded from this case"
    holder = office.head or (f"deputy {office.deputy}" if office.deputy else "nobody")
    return f"the post {office.id} is held by {holder}"


def _consent(event: e.ConsentGiven, case: Case) -> str:
    del case
    given = event.consent
    to = f" for {given.receiver}" if given.receiver else ""
    return _acted(event, f"consent {given.purpose}{to} until {given.until}")


Teller = Callable[[Any, Case], str]


def _always(words: str) -> Teller:
    return lambda *_: words


_TELL: dict[type[Event], Teller] = {
    e.CaseOpened: lambda *x: f"the case opens ({x[1].procedure.corridor})",
    e.CaseMoved: lambda x, _: f"the case is {x.state}: {x.why}",
    e.CaseReopened: lambda x, _: _acted(x, "the case is reopened"),
    work_events.WorkHeld: lambda x, _: _acted(x, f"on hold until {x.until}"),
    work_events.WorkResumed: lambda x, _: _acted(x, "the case goes on"),
    work_events.RulesAdopted: lambda x, _: _acted(x, "the case moves to newer rules"),
    e.TurnedAdult: _always("eighteen years old from today"),
    work_events.IdleFound: _always("no open task for too long: the case counts as stalled"),
    e.FactCorrected: lambda x, _: _acted(x, f"corrected: {x.fact} {x.step}".rstrip()),
    work_events.TaskOffered: _offered,
    work_events.TaskAccepted: lambda x, _: _acted(x, f"{x.step} accepted"),
    work_events.TaskMoved: lambda x, _: f"{x.step} goes to {x.to} ({x.how})",
    work_events.TaskPreassigned: lambda x, _: _acted(x, f"{x.step} will be made for {x.to}"),
    work_events.TaskDone: _done,
    work_events.TaskSkipped: lambda x, _: f"{x.step} is left out ({x.how})",
    work_events.TaskTakenBack: lambda x, _: f"{x.step} waits again ({x.how})",
    work_events.TaskNoted: lambda x, _: _acted(x, f"a note on {x.step}"),
    work_events.TaskPromised: lambda x, _: _acted(x, f"{x.step} promised for {x.on}"),
    work_events.AlarmRaised: lambda x, _: _acted(x, f"alarm on {x.step}: {x.alarm}"),
    work_events.ClockSet: _clock_set,
    work_events.ClockStopped: lambda x, _: f"{x.step} is held with {x.left} left",
    work_events.Reminded: lambda x, _: (
        f"E0 of {x.step} stays quiet: promised" if x.quiet else f"E0 of {x.step} to {_to(x.to)}"
    ),
    work_events.RungFired: _rung,
    work_events.RungSkipped: lambda x, _: f"{x.rung} of {x.step} is skipped: {x.why}",
    work_events.EscalationDecided: lambda x, _: _acted(
        x, f"escalation of {x.step} decided: {x.decision}"
    ),
    work_events.EscalationOvertaken: lambda x, _: f"escalation of {x.step} overtaken",
    work_events.Recorded: lambda x, _: f"{x.what} ({x.step})",
    e.ConsentGiven: _consent,
    e.ConsentConfirmed: lambda x, _: f"consent {x.purpose} confirmed",
    e.ConsentWithdrawn: lambda x, _: f"consent {x.purpose} withdrawn",
    e.ConsentLapsed: lambda x, _: f"consent {x.purpose} lapsed",
    e.FlagSet: lambda x, _: _acted(x, f"flag {x.flag}"),
    e.FlagLifted: lambda x, _: _acted(x, f"flag {x.flag} lifted"),
    e.BarSet: lambda x, _: _acted(x, f"bar {x.kind}, review {x.review}"),
    e.BarLifted: lambda x, _: _acted(x, f"bar {x.kind} lifted"),
    e.HandoverPlanned: lambda x, c: _acted(x, f"handover planned for {_when(x.planned_at, c)}"),
    e.HandoverEnded: lambda x, _: f"the plan of the handover ends: {x.why}",
    e.Departed: lambda x, _: _acted(x, "departed"),
    e.ManifestMade: lambda x, _: f"manifest version {x.version}" + (", empty" if x.empty else ""),
    e.CrossingChanged: lambda x, _: f"crossing {x.crossing} is {x.status}",
    work_events.CalendarChanged: lambda x, _: f"the calendar of {x.calendar.country} changes",
    work_events.PostChanged: _post,
    work_events.MessageQueued: lambda x, c: (
        f"message {x.kind} ({x.step}) to {x.to} waits until {_when(x.leaves_at, c)}"
    ),
    work_events.MessageReleased: _message,
    work_events.MessageDropped: lambda x, _: f"message {x.id} will not leave: {x.why}",
}
