"""`apply(case, event)`: the state after one event. Decides nothing; a fold of the ledger is a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from domain.case import events as e
from domain.case.state import Bar, Case, Handover, Message, Office, Pending, Task
from domain.work.procedure import Procedure

E = TypeVar("E", bound=e.Event)
_APPLY: dict[type[e.Event], Callable[[Case, Any], Case]] = {}


def _on(kind: type[E]) -> Callable[[Callable[[Case, E], Case]], Callable[[Case, E], Case]]:
    def register(function: Callable[[Case, E], Case]) -> Callable[[Case, E], Case]:
        _APPLY[kind] = function
        return function

    return register


def blank(case_id: str, procedure: Procedure, procedure_digest: str) -> Case:
    """A case before its first event."""
    return Case(case_id, procedure, {procedure_digest: procedure}, procedure_digest)


def apply(case: Case, event: e.Event) -> Case:
    """The case after `event`; its version is one higher."""
    after = _APPLY[type(event)](case, event)
    return replace(after, version=case.version + 1, now=event.at)


def fold(case: Case, events: Iterable[e.Event]) -> Case:
    """The case after all of `events`."""
    for event in events:
        case = apply(case, event)
    return case


def _with_task(case: Case, task: Task) -> Case:
    """Replace the attempt of the same number."""
    attempts = tuple(task if t.attempt == task.attempt else t for t in case.tasks[task.step])
    return replace(case, tasks={**case.tasks, task.step: attempts})


def _task(case: Case, event: Any) -> Task:
    task: Task = case.tasks[event.step][event.attempt - 1]
    return task


def _change(case: Case, event: Any, **changes: Any) -> Case:
    return _with_task(case, replace(_task(case, event), **changes))


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k != key}


# -- the case


@_on(e.CaseOpened)
def _opened(case: Case, event: e.CaseOpened) -> Case:
    procedure = case.procedures[event.procedure_digest]
    return replace(
        case,
        id=event.case_id,
        procedure=procedure,
        procedure_digest=event.procedure_digest,
        edition=event.edition,
        state="open",
        opened_at=event.at,
        adult_on=event.adult_on,
        child_since=event.at,
        country=event.country,
        offices={office.id: office for office in event.offices},
        roles=dict(event.roles),
        flags=dict.fromkeys(event.flags, event.at),
        crossings=dict(event.crossings),
        idle_since=event.at,
    )


@_on(e.CaseMoved)
def _moved(case: Case, event: e.CaseMoved) -> Case:
    returned = event.at if event.state == "returned" else case.returned_at
    return replace(case, state=event.state, returned_at=returned)


@_on(e.CaseReopened)
def _reopened(case: Case, event: e.CaseReopened) -> Case:
    state = "returned" if case.returned_at else "open"
    return replace(
        case, state=state, reopened_at=event.at, idle_since=event.at, idle_reported=False
    )


@_on(e.CaseHeld)
def _held(case: Case, event: e.CaseHeld) -> Case:
    return replace(case, held_at=event.at, held_by=event.by)


@_on(e.CaseResumed)
def _resumed(case: Case, event: e.CaseResumed) -> Case:  # noqa: ARG001
    return replace(case, held_at=None, held_by="")


@_on(e.RulesAdopted)
def _adopted(case: Case, event: e.RulesAdopted) -> Case:
    return replace(
        case,
        procedure=case.procedures[event.procedure_digest],
        procedure_digest=event.procedure_digest,
    )


@_on(e.EditionMoved)
def _edition(case: Case, event: e.EditionMoved) -> Case:
    return replace(case, edition=event.edition)


@_on(e.TurnedAdult)
def _adult(case: Case, event: e.TurnedAdult) -> Case:
    return replace(case, turned_adult=True, adult_since=event.at)


@_on(e.IdleFound)
def _idle(case: Case, event: e.IdleFound) -> Case:  # noqa: ARG001
    return replace(case, idle_reported=True)


@_on(e.FactCorrected)
def _corrected(case: Case, event: e.FactCorrected) -> Case:
    if event.fact == "outcome":
        return _change(case, event, outcome=event.outcome)
    if event.fact == "born":
        was_child = case.is_child(event.at)
        return replace(
            case,
            adult_on=event.adult_on,
            child_since=case.child_since if was_child else event.at,
            adult_since=event.at if was_child else case.adult_since,
            turned_adult=False,
        )
    if event.fact == "country":
        return replace(case, country=event.country)
    return case


# -- tasks


@_on(e.TaskOffered)
def _offered(case: Case, event: e.TaskOffered) -> Case:
    task = Task(
        step=event.step,
        attempt=event.attempt,
        state="offered",
        role=event.role,
        holder=event.holder,
        made_for=event.made_for,
        started_at=event.started_at,
        offered_at=event.at,
        clock=event.clock,
        due_at=event.due_at,
        unrolled_on=event.unrolled_on,
        given=event.given,
        pending=event.pending,
        left=event.left,
        valid_until=event.valid_until,
        reports=event.reports,
        handover_no=event.handover_no,
        about=event.about,
        clock_from=event.started_at,
    )
    attempts = (*case.tasks.get(event.step, ()), task)
    return _busy(
        replace(
            case,
            tasks={**case.tasks, event.step: attempts},
            preassigned=_without(case.preassigned, event.step),
            forced=_without(case.forced, event.step),
        ),
        event,
    )


def _busy(case: Case, event: e.Event) -> Case:
    """Keep since when no task is open; watches do not count."""
    idle = next(case.open_tasks(), None) is None
    if idle:
        return case if case.idle_since else replace(case, idle_since=event.at)
    return replace(case, idle_since=None, idle_reported=False) if case.idle_since else case


@_on(e.TaskAccepted)
def _accepted(case: Case, event: e.TaskAccepted) -> Case:
    return _change(case, event, state="accepted", accepted_at=event.at)


@_on(e.TaskMoved)
def _handed(case: Case, event: e.TaskMoved) -> Case:
    return _change(case, event, holder=event.to, state="offered")


@_on(e.TaskPreassigned)
def _preassigned(case: Case, event: e.TaskPreassigned) -> Case:
    return replace(case, preassigned={**case.preassigned, event.step: event.to})


@_on(e.TaskDone)
def _done(case: Case, event: e.TaskDone) -> Case:
    after = _change(
        case,
        event,
        state="done",
        outcome=event.outcome,
        happened_at=event.happened_at,
        ended_at=event.at,
        ended_version=case.version + 1,
        ended_by=event.by,
        ended_user=event.user,
        ended_for=event.for_,
        valid_until=event.valid_until,
        due_at=event.ends_at or _task(case, event).due_at,
        pending=event.pending,
        reports=(),
        left=None,
    )
    users = {**case.users_by_step, event.step: event.user}
    return _busy(replace(after, users_by_step=users), event)


@_on(e.TaskSkipped)
def _skipped(case: Case, event: e.TaskSkipped) -> Case:
    after = _change(
        case,
        event,
        state="skipped",
        ended_at=event.at,
        ended_version=case.version + 1,
        ended_by=event.by,
        ended_user=event.user,
        outcome="",
        pending=(),
        reports=(),
        left=None,
    )
    return _busy(after, event)


@_on(e.TaskTakenBack)
def _taken_back(case: Case, event: e.TaskTakenBack) -> Case:
    after = _change(
        case, event, state="waiting", ended_at=event.at, pending=(), reports=(), left=None
    )
    return _busy(after, event)


@_on(e.TaskNoted)
def _noted(case: Case, event: e.TaskNoted) -> Case:  # noqa: ARG001
    return case


@_on(e.TaskPromised)
def _promised(case: Case, event: e.TaskPromised) -> Case:
    return _change(case, event, promised_on=event.on)


@_on(e.AlarmRaised)
def _alarm(case: Case, event: e.AlarmRaised) -> Case:  # noqa: ARG001
    return case


@_on(e.ClockSet)
def _clock_set(case: Case, event: e.ClockSet) -> Case:
    changes: dict[str, Any] = {
        "due_at": event.due_at,
        "unrolled_on": event.unrolled_on,
        "pending": event.pending,
        "clock": event.clock,
        "clock_from": event.clock_from,
        "given": event.given,
        "left": None,
    }
    if event.anew:
        changes |= {"reminders": 0, "rung": "none", "rung_to": (), "deciders": ()}
        changes |= {"asked_before": _asked(_task(case, event))}
        changes |= {"promised_on": None}
    return _change(case, event, **changes)


@_on(e.ClockStopped)
def _clock_stopped(case: Case, event: e.ClockStopped) -> Case:
    return _change(case, event, left=event.left, due_at=None, unrolled_on=None, pending=())


# -- rungs and escalations


@_on(e.Reminded)
def _reminded(case: Case, event: e.Reminded) -> Case:
    task = _task(case, event)
    if event.quiet:
        return _change(case, event, pending=_without_first(task, "E0"))
    rung = "E0" if task.rung == "none" else task.rung
    return _change(
        case,
        event,
        reminders=task.reminders + 1,
        rung=rung,
        rung_to=event.to if rung == "E0" else task.rung_to,
        pending=_without_first(task, "E0"),
    )


def _without_first(task: Task, rung: str) -> tuple[Pending, ...]:
    """What is left after one firing; of two E0, the earlier goes."""
    rest = list(task.pending)
    for item in rest:
        if item.rung == rung:
            rest.remove(item)
            break
    return tuple(rest)


@_on(e.RungFired)
def _fired(case: Case, event: e.RungFired) -> Case:
    task = _task(case, event)
    pending = tuple(p for p in task.pending if p.rung != event.rung)
    if event.top:
        pending = ()
    deciders = task.deciders
    if event.decides:
        deciders = tuple(dict.fromkeys((*deciders, *event.to)))
    return _change(
        case,
        event,
        rung=event.rung,
        rung_to=event.to,
        pending=pending,
        deciders=deciders,
        escalation="open" if event.opens else task.escalation,
        danger=task.danger or event.top,
    )


@_on(e.RungSkipped)
def _rung_skipped(case: Case, event: e.RungSkipped) -> Case:
    task = _task(case, event)
    return _change(case, event, pending=tuple(p for p in task.pending if p.rung != event.rung))


@_on(e.EscalationDecided)
def _decided(case: Case, event: e.EscalationDecided) -> Case:
    if event.decision == "refer_up":
        return _change(case, event, deciders=(), asked_before=_asked(_task(case, event)))
    return _change(case, event, escalation="decided", decided_at=event.at)


def _asked(task: Task) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*task.asked_before, *task.deciders)))


@_on(e.EscalationOvertaken)
def _overtaken(case: Case, event: e.EscalationOvertaken) -> Case:
    return _change(case, event, escalation="overtaken", decided_at=event.at)


@_on(e.Recorded)
def _recorded(case: Case, event: e.Recorded) -> Case:
    task = case.newest(event.step)
    if task is None or not task.reports:
        return case
    reports = tuple(p for p in task.reports if p.rung != event.what)
    return _with_task(case, replace(task, reports=reports))


# -- the person


@_on(e.ConsentGiven)
def _consent(case: Case, event: e.ConsentGiven) -> Case:
    return replace(case, consents=(*case.consents, event.consent))


@_on(e.ConsentConfirmed)
def _confirmed(case: Case, event: e.ConsentConfirmed) -> Case:
    consents = tuple(
        replace(c, confirmed_at=event.at)
        if c.purpose == event.purpose and c.withdrawn_at is None
        else c
        for c in case.consents
    )
    return replace(case, consents=consents)


@_on(e.ConsentWithdrawn)
def _withdrawn(case: Case, event: e.ConsentWithdrawn) -> Case:
    consents = tuple(
        replace(c, withdrawn_at=event.at)
        if c.purpose == event.purpose and c.withdrawn_at is None
        else c
        for c in case.consents
    )
    return replace(case, consents=consents)


@_on(e.ConsentLapsed)
def _lapsed(case: Case, event: e.ConsentLapsed) -> Case:
    zone = case.calendar_of(case.place())
    consents = tuple(
        replace(c, lapsed=True)
        if c.purpose == event.purpose and zone.end_of(c.until) <= event.at
        else c
        for c in case.consents
    )
    return replace(case, consents=consents)


@_on(e.FlagSet)
def _flag(case: Case, event: e.FlagSet) -> Case:
    return replace(case, flags={**case.flags, event.flag: event.at})


@_on(e.FlagLifted)
def _unflag(case: Case, event: e.FlagLifted) -> Case:
    lifted = {**case.flags_lifted, event.flag: event.at}
    return replace(case, flags=_without(case.flags, event.flag), flags_lifted=lifted)


@_on(e.BarSet)
def _bar(case: Case, event: e.BarSet) -> Case:
    bar = Bar(event.kind, event.owner, event.at)
    return replace(case, bars={**case.bars, event.kind: bar})


@_on(e.BarLifted)
def _unbar(case: Case, event: e.BarLifted) -> Case:
    return replace(case, bars=_without(case.bars, event.kind), bars_lifted_at=event.at)


# -- the road


@_on(e.HandoverPlanned)
def _planned(case: Case, event: e.HandoverPlanned) -> Case:
    handover = Handover(event.number, event.planned_at, event.crossing, event.receiving, event.at)
    return replace(case, newest_handover=handover)


@_on(e.HandoverEnded)
def _handover_ended(case: Case, event: e.HandoverEnded) -> Case:
    if case.newest_handover is None:
        return case
    return replace(case, newest_handover=replace(case.newest_handover, ended=event.why))


@_on(e.Departed)
def _departed(case: Case, event: e.Departed) -> Case:
    if case.newest_handover is None:
        return case
    return replace(case, newest_handover=replace(case.newest_handover, departed_at=event.at))


@_on(e.ManifestMade)
def _manifest(case: Case, event: e.ManifestMade) -> Case:
    return replace(case, manifest_version=event.version)


# -- the world


@_on(e.CrossingChanged)
def _crossing(case: Case, event: e.CrossingChanged) -> Case:
    return replace(case, crossings={**case.crossings, event.crossing: event.status})


@_on(e.CalendarChanged)
def _calendar(case: Case, event: e.CalendarChanged) -> Case:
    return replace(case, calendars={**case.calendars, event.calendar.country: event.calendar})


@_on(e.PostChanged)
def _post(case: Case, event: e.PostChanged) -> Case:
    office: Office = event.office
    return replace(case, offices={**case.offices, office.id: office})


# -- what leaves


@_on(e.MessageQueued)
def _written(case: Case, event: e.MessageQueued) -> Case:
    message = Message(
        event.id,
        event.kind,
        event.step,
        event.to,
        event.carries,
        event.leaves_at,
        about=event.about,
        version=event.version,
        attempt=event.attempt,
    )
    return replace(
        case, messages=(*case.messages, message), messages_made=max(case.messages_made, event.id)
    )


@_on(e.MessageReleased)
def _left(case: Case, event: e.MessageReleased) -> Case:
    rest = tuple(message for message in case.messages if message.id != event.id)
    return replace(case, messages=rest, messages_made=max(case.messages_made, event.id))


@_on(e.MessageDropped)
def _dropped(case: Case, event: e.MessageDropped) -> Case:
    return replace(case, messages=tuple(x for x in case.messages if x.id != event.id))
