"""One line of plain words for each thing that happened in a case, for timelines of stories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.case import events as e
from domain.case.state import Case


def tell(event: e.Event, case: Case) -> str:
    """What happened, in a line; empty for what is told by another line."""
    teller = _TELL.get(type(event))
    return teller(event, case) if teller is not None else ""


def _when(at: datetime | None, case: Case, office: str = "") -> str:
    if at is None:
        return "none"
    zone = case.calendar_for(office).zone if office else case.calendar_of(case.place()).zone
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}"


def _to(offices: tuple[str, ...]) -> str:
    return ", ".join(offices) or "nobody"


def _acted(event: e.Acted, words: str) -> str:
    recorded = f" ({event.by} records)" if event.for_ and event.for_ != event.by else ""
    who = event.for_ or event.by
    return f"{who}: {words}{recorded}" if who else words


def _offered(event: e.TaskOffered, case: Case) -> str:
    due = f", due {_when(event.due_at, case, event.made_for)}" if event.due_at else ""
    again = f" again, attempt {event.attempt}" if event.attempt > 1 else ""
    holder = (
        f" offered to {event.holder}" if case.procedure.cards[event.step].watch is False else ""
    )
    return f"{event.step}{holder or ': the watch begins'}{again}{due}"


def _clock_set(event: e.ClockSet, case: Case) -> str:
    task = case.tasks[event.step][event.attempt - 1]
    old = f" (was {_when(event.old, case, task.made_for)})" if event.old else ""
    return _acted(event, f"{event.step} due {_when(event.due_at, case, task.made_for)}{old}")


def _rung(event: e.RungFired, case: Case) -> str:
    del case
    asks = ", who must decide" if event.decides else ""
    return f"{event.rung} of {event.step} to {_to(event.to)}{asks}"


def _message(event: e.MessageReleased, case: Case) -> str:
    del case
    about = " ".join(word for word in (event.step, event.about) if word)
    version = f", version {event.version}" if event.version else ""
    carried = f" with {', '.join(event.carries)}" if event.carries else ""
    return f"message {event.kind} ({about}) to {event.to}{carried}{version}"


def _done(event: e.TaskDone, case: Case) -> str:
    del case
    day = f", valid until {event.valid_until}" if event.valid_until else ""
    late = f", happened {event.happened_at:%Y-%m-%d %H:%M}" if event.happened_at < event.at else ""
    return _acted(event, f"{event.step} is {event.outcome}{day}{late}")


def _post(event: e.PostChanged, case: Case) -> str:
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


_TELL: dict[type[e.Event], Teller] = {
    e.CaseOpened: lambda *x: f"the case opens ({x[1].procedure.corridor})",
    e.CaseMoved: lambda x, _: f"the case is {x.state}: {x.why}",
    e.CaseReopened: lambda x, _: _acted(x, "the case is reopened"),
    e.CaseHeld: lambda x, _: _acted(x, f"on hold until {x.until}"),
    e.CaseResumed: lambda x, _: _acted(x, "the case goes on"),
    e.RulesAdopted: lambda x, _: _acted(x, "the case moves to newer rules"),
    e.TurnedAdult: _always("eighteen years old from today"),
    e.IdleFound: _always("no open task for too long: the case counts as stalled"),
    e.FactCorrected: lambda x, _: _acted(x, f"corrected: {x.fact} {x.step}".rstrip()),
    e.TaskOffered: _offered,
    e.TaskAccepted: lambda x, _: _acted(x, f"{x.step} accepted"),
    e.TaskMoved: lambda x, _: f"{x.step} goes to {x.to} ({x.how})",
    e.TaskPreassigned: lambda x, _: _acted(x, f"{x.step} will be made for {x.to}"),
    e.TaskDone: _done,
    e.TaskSkipped: lambda x, _: f"{x.step} is left out ({x.how})",
    e.TaskTakenBack: lambda x, _: f"{x.step} waits again ({x.how})",
    e.TaskNoted: lambda x, _: _acted(x, f"a note on {x.step}"),
    e.TaskPromised: lambda x, _: _acted(x, f"{x.step} promised for {x.on}"),
    e.AlarmRaised: lambda x, _: _acted(x, f"alarm on {x.step}: {x.alarm}"),
    e.ClockSet: _clock_set,
    e.ClockStopped: lambda x, _: f"{x.step} is held with {x.left} left",
    e.Reminded: lambda x, _: (
        f"E0 of {x.step} stays quiet: promised" if x.quiet else f"E0 of {x.step} to {_to(x.to)}"
    ),
    e.RungFired: _rung,
    e.RungSkipped: lambda x, _: f"{x.rung} of {x.step} is skipped: {x.why}",
    e.EscalationDecided: lambda x, _: _acted(x, f"escalation of {x.step} decided: {x.decision}"),
    e.EscalationOvertaken: lambda x, _: f"escalation of {x.step} overtaken",
    e.Recorded: lambda x, _: f"{x.what} ({x.step})",
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
    e.CalendarChanged: lambda x, _: f"the calendar of {x.calendar.country} changes",
    e.PostChanged: _post,
    e.MessageQueued: lambda x, c: (
        f"message {x.kind} ({x.step}) to {x.to} waits until {_when(x.leaves_at, c)}"
    ),
    e.MessageReleased: _message,
    e.MessageDropped: lambda x, _: f"message {x.id} will not leave: {x.why}",
}
