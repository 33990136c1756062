"""What each event of the work makes of its subject. Decides nothing; a fold of the ledger is a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.event import Appliers, Event, on
from domain.work import events as e
from domain.work.state import Message, Office, Pending, Task
from domain.work.subject import S, open_tasks, with_work

APPLY: Appliers = {}


def _with_task(subject: S, task: Task) -> S:
    """Replace the attempt of the same number."""
    attempts = tuple(
        task if t.attempt == task.attempt else t for t in subject.work.tasks[task.step]
    )
    return with_work(subject, tasks={**subject.work.tasks, task.step: attempts})


def _task(subject: S, event: Any) -> Task:
    task: Task = subject.work.tasks[event.step][event.attempt - 1]
    return task


def with_attempt(subject: S, event: Any, **changes: Any) -> S:
    """The attempt an event is about, changed."""
    return _with_task(subject, replace(_task(subject, event), **changes))


def without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The mapping with one key less."""
    return {k: v for k, v in mapping.items() if k != key}


@on(APPLY, e.WorkHeld)
def _held(subject: S, event: e.WorkHeld) -> S:
    return with_work(subject, held_at=event.at, held_by=event.by)


@on(APPLY, e.WorkResumed)
def _resumed(subject: S, event: e.WorkResumed) -> S:  # noqa: ARG001
    return with_work(subject, held_at=None, held_by="")


@on(APPLY, e.IdleFound)
def _idle(subject: S, event: e.IdleFound) -> S:  # noqa: ARG001
    return with_work(subject, idle_reported=True)


@on(APPLY, e.TaskOffered)
def _offered(subject: S, event: e.TaskOffered) -> S:
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
    attempts = (*subject.work.tasks.get(event.step, ()), task)
    return _busy(
        with_work(
            subject,
            tasks={**subject.work.tasks, event.step: attempts},
            preassigned=without(subject.work.preassigned, event.step),
        ),
        event,
    )


def _busy(subject: S, event: Event) -> S:
    """Keep since when no task is open; watches do not count."""
    idle = next(open_tasks(subject), None) is None
    if idle:
        return subject if subject.work.idle_since else with_work(subject, idle_since=event.at)
    return (
        with_work(subject, idle_since=None, idle_reported=False)
        if subject.work.idle_since
        else subject
    )


@on(APPLY, e.TaskAccepted)
def _accepted(subject: S, event: e.TaskAccepted) -> S:
    return with_attempt(subject, event, state="accepted", accepted_at=event.at)


@on(APPLY, e.TaskMoved)
def _handed(subject: S, event: e.TaskMoved) -> S:
    return with_attempt(subject, event, holder=event.to, state="offered")


@on(APPLY, e.TaskPreassigned)
def _preassigned(subject: S, event: e.TaskPreassigned) -> S:
    return with_work(subject, preassigned={**subject.work.preassigned, event.step: event.to})


@on(APPLY, e.TaskDone)
def _done(subject: S, event: e.TaskDone) -> S:
    after = with_attempt(
        subject,
        event,
        state="done",
        outcome=event.outcome,
        happened_at=event.happened_at,
        ended_at=event.at,
        ended_version=subject.version + 1,
        ended_by=event.by,
        ended_user=event.user,
        ended_for=event.for_,
        valid_until=event.valid_until,
        due_at=event.ends_at or _task(subject, event).due_at,
        pending=event.pending,
        reports=(),
        left=None,
    )
    users = {**subject.work.users_by_step, event.step: event.user}
    return _busy(with_work(after, users_by_step=users), event)


@on(APPLY, e.TaskSkipped)
def _skipped(subject: S, event: e.TaskSkipped) -> S:
    after = with_attempt(
        subject,
        event,
        state="skipped",
        ended_at=event.at,
        ended_version=subject.version + 1,
        ended_by=event.by,
        ended_user=event.user,
        outcome="",
        pending=(),
        reports=(),
        left=None,
    )
    return _busy(after, event)


@on(APPLY, e.TaskTakenBack)
def _taken_back(subject: S, event: e.TaskTakenBack) -> S:
    after = with_attempt(
        subject, event, state="waiting", ended_at=event.at, pending=(), reports=(), left=None
    )
    return _busy(after, event)


@on(APPLY, e.TaskNoted)
def _noted(subject: S, event: e.TaskNoted) -> S:  # noqa: ARG001
    return subject


@on(APPLY, e.TaskPromised)
def _promised(subject: S, event: e.TaskPromised) -> S:
    return with_attempt(subject, event, promised_on=event.on)


@on(APPLY, e.AlarmRaised)
def _alarm(subject: S, event: e.AlarmRaised) -> S:  # noqa: ARG001
    return subject


@on(APPLY, e.ClockSet)
def _clock_set(subject: S, event: e.ClockSet) -> S:
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
        changes |= {"asked_before": _asked(_task(subject, event))}
        changes |= {"promised_on": None}
    return with_attempt(subject, event, **changes)


@on(APPLY, e.ClockStopped)
def _clock_stopped(subject: S, event: e.ClockStopped) -> S:
    return with_attempt(subject, event, left=event.left, due_at=None, unrolled_on=None, pending=())


@on(APPLY, e.Reminded)
def _reminded(subject: S, event: e.Reminded) -> S:
    task = _task(subject, event)
    if event.quiet:
        return with_attempt(subject, event, pending=_without_first(task, "E0"))
    rung = "E0" if task.rung == "none" else task.rung
    return with_attempt(
        subject,
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


@on(APPLY, e.RungFired)
def _fired(subject: S, event: e.RungFired) -> S:
    task = _task(subject, event)
    pending = tuple(p for p in task.pending if p.rung != event.rung)
    if event.top:
        pending = ()
    deciders = task.deciders
    if event.decides:
        deciders = tuple(dict.fromkeys((*deciders, *event.to)))
    return with_attempt(
        subject,
        event,
        rung=event.rung,
        rung_to=event.to,
        pending=pending,
        deciders=deciders,
        escalation="open" if event.opens else task.escalation,
        danger=task.danger or event.top,
    )


@on(APPLY, e.RungSkipped)
def _rung_skipped(subject: S, event: e.RungSkipped) -> S:
    task = _task(subject, event)
    return with_attempt(
        subject, event, pending=tuple(p for p in task.pending if p.rung != event.rung)
    )


@on(APPLY, e.EscalationDecided)
def _decided(subject: S, event: e.EscalationDecided) -> S:
    if event.decision == "refer_up":
        return with_attempt(subject, event, deciders=(), asked_before=_asked(_task(subject, event)))
    return with_attempt(subject, event, escalation="decided", decided_at=event.at)


def _asked(task: Task) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*task.asked_before, *task.deciders)))


@on(APPLY, e.EscalationOvertaken)
def _overtaken(subject: S, event: e.EscalationOvertaken) -> S:
    return with_attempt(subject, event, escalation="overtaken", decided_at=event.at)


@on(APPLY, e.Recorded)
def _recorded(subject: S, event: e.Recorded) -> S:
    task = subject.work.newest(event.step)
    if task is None or not task.reports:
        return subject
    reports = tuple(p for p in task.reports if p.rung != event.what)
    return _with_task(subject, replace(task, reports=reports))


@on(APPLY, e.CalendarChanged)
def _calendar(subject: S, event: e.CalendarChanged) -> S:
    return with_work(
        subject, calendars={**subject.work.calendars, event.calendar.country: event.calendar}
    )


@on(APPLY, e.PostChanged)
def _post(subject: S, event: e.PostChanged) -> S:
    office: Office = event.office
    return with_work(subject, offices={**subject.work.offices, office.id: office})


@on(APPLY, e.MessageQueued)
def _written(subject: S, event: e.MessageQueued) -> S:
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
    return with_work(
        subject,
        messages=(*subject.work.messages, message),
        messages_made=max(subject.work.messages_made, event.id),
    )


@on(APPLY, e.MessageReleased)
def _left(subject: S, event: e.MessageReleased) -> S:
    rest = tuple(message for message in subject.work.messages if message.id != event.id)
    return with_work(
        subject, messages=rest, messages_made=max(subject.work.messages_made, event.id)
    )


@on(APPLY, e.MessageDropped)
def _dropped(subject: S, event: e.MessageDropped) -> S:
    return with_work(subject, messages=tuple(x for x in subject.work.messages if x.id != event.id))
