"""The rows every projection shows of a case: one function for projector, reproject and reconcile.

It decides nothing and asks nothing but the case: the same events give the same rows for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.case.reading import next_rung, shown_state, waits_for
from domain.case.state import Case
from domain.event import Event
from domain.work import deadlines
from domain.work import events as e
from domain.work.calendars import calendar_here
from domain.work.rows import EscalationRow, Marks, OutboxRow, TaskRow
from domain.work.state import Message, Task

OPEN = "open"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """What lists need of a case; all of it as of its newest event."""

    case_id: str
    version: int
    procedure_digest: str
    corridor: str
    status: str
    on_hold: bool
    place: str
    turn: str
    waits_for: str
    waits_step: str
    waits_holder: str
    since: datetime | None
    due_at: datetime | None
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    late_at: datetime | None  # never None while the case is open
    opened_at: datetime
    now_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class OfficeRow:
    """An office that holds roles in a case. Excluded offices see nothing and have no row."""

    case_id: str
    office: str
    roles: tuple[str, ...]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything shown of one case that its present state tells."""

    case: CaseRow
    tasks: tuple[TaskRow, ...]
    offices: tuple[OfficeRow, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be written after some events; `offices_gone` lost their last role."""

    case: CaseRow
    tasks: tuple[TaskRow, ...]
    offices: tuple[OfficeRow, ...]
    offices_gone: tuple[str, ...]


# -- from the state


def rows_of(case: Case, at: datetime | None = None) -> Rows:
    """Every row the state of `case` tells, as of `at` (default: its newest event)."""
    moment = at or case.now
    if moment is None or case.opened_at is None:
        raise ValueError("a case that was never opened has no rows")
    tasks = tuple(
        _task_row(case, task) for attempts in case.work.tasks.values() for task in attempts
    )
    return Rows(_case_row(case, case.opened_at, moment), tasks, _office_rows(case, case.opened_at))


def changed_rows(before: Rows | None, after: Rows) -> Changes:
    """Only what differs; the case's own row is always among it."""
    if before is None:
        return Changes(after.case, after.tasks, after.offices, ())
    known_tasks, known_offices = set(before.tasks), set(before.offices)
    held = {row.office for row in after.offices}
    return Changes(
        after.case,
        tuple(row for row in after.tasks if row not in known_tasks),
        tuple(row for row in after.offices if row not in known_offices),
        tuple(row.office for row in before.offices if row.office not in held),
    )


def changes_between(before: Case | None, after: Case) -> Changes:
    """What `changed_rows` finds between the rows of two states of a case, without making them all.

    `after` must be folded from `before`: a task or an office nothing happened to is the same object
    in both.
    """
    if before is None or before.procedure is not after.procedure or after.opened_at is None:
        return changed_rows(rows_of(before) if before else None, rows_of(after))
    known = {id(task) for attempts in before.work.tasks.values() for task in attempts}
    moved = (
        before.work.roles is not after.work.roles or before.work.offices is not after.work.offices
    )
    offices = _office_rows(after, after.opened_at) if moved else ()
    earlier = _office_rows(before, after.opened_at) if moved else ()
    held = {row.office for row in offices}
    return Changes(
        _case_row(after, after.opened_at, after.now or after.opened_at),
        tuple(
            _task_row(after, task)
            for attempts in after.work.tasks.values()
            for task in attempts
            if id(task) not in known
        ),
        tuple(row for row in offices if row not in earlier),
        tuple(row.office for row in earlier if row.office not in held),
    )


def late_at(case: Case) -> datetime | None:
    """When this case counts as standing still if nobody acts; None only when it is ended.

    The earliest of: what is due first, and the end of the idle time (stories.md 4.9). Where
    neither is known the idle time counts from the newest event, so that no case is forgotten.
    """
    if case.ended or case.now is None:
        return None
    known = [task.due_at for task in case.work.running() if task.due_at is not None]
    if case.work.idle_since is not None and not case.work.on_hold:
        known.append(_idle_end(case, case.work.idle_since))
    return min(known) if known else _idle_end(case, case.now)


def _idle_end(case: Case, since: datetime) -> datetime:
    length = case.procedure.idle_after
    never_rolls = deadlines.Clock(length.amount, length.unit, legal=True)
    return deadlines.due(never_rolls, since, calendar_here(case)).at


def _case_row(case: Case, opened_at: datetime, at: datetime) -> CaseRow:
    waiting = waits_for(case, at, kept=True)
    return CaseRow(
        case_id=case.id,
        version=case.version,
        procedure_digest=case.procedure_digest,
        corridor=case.procedure.corridor,
        status=shown_state(case),
        on_hold=case.work.on_hold,
        place=case.place,
        turn=waiting.turn,
        waits_for=waiting.text,
        waits_step=waiting.step,
        waits_holder=waiting.holder,
        since=waiting.since,
        due_at=waiting.due_at,
        rung=max(
            (task.rung for task in case.work.running() if task.rung != "none"), default="none"
        ),
        next_rung=waiting.next_rung,
        next_rung_at=waiting.next_rung_at,
        late_at=late_at(case),
        opened_at=opened_at,
        now_at=case.now or opened_at,
        ended_at=case.now if case.ended else None,
    )


def _task_row(case: Case, task: Task) -> TaskRow:
    card = case.procedure.cards.get(task.step)
    watch = card is not None and card.watch
    rung, rung_at = (next_rung(task) if task.is_open else None) or ("", None)
    return TaskRow(
        subject_id=case.id,
        step=task.step,
        attempt=task.attempt,
        title=card.title if card is not None else task.step,
        state=task.state,
        is_open=task.is_open and not watch,
        watch=watch,
        role=task.role,
        holder=task.holder,
        made_for=task.made_for,
        offered_at=task.offered_at,
        started_at=task.started_at,
        due_at=task.due_at,
        rung=task.rung,
        rung_to=task.rung_to,
        deciders=task.deciders,
        escalation=task.escalation,
        next_rung=rung,
        next_rung_at=rung_at,
        promised_on=task.promised_on,
        outcome=task.outcome,
        happened_at=task.happened_at,
        ended_at=task.ended_at,
        ended_by=task.ended_by,
        ended_for=task.ended_for,
        valid_until=task.valid_until,
    )


def _office_rows(case: Case, opened_at: datetime) -> tuple[OfficeRow, ...]:
    roles: dict[str, list[str]] = {}
    for role, office in case.work.roles.items():
        known = case.work.offices.get(office)
        if office and not (known is not None and known.excluded):
            roles.setdefault(office, []).append(role)
    return tuple(
        OfficeRow(case.id, office, tuple(held), opened_at) for office, held in roles.items()
    )


# -- from the events


def marks_after(marks: Marks, before: Case, after: Case, event: Event, seq: int) -> Marks:
    """The escalations and messages once `event`, number `seq`, has turned `before` into `after`.

    `marks` needs to hold only the escalations still open; the result holds those and what changed.
    """
    escalation = _escalation_after(marks, after, event, seq)
    message = _message_after(before, event)
    if escalation is not None:
        opened = {**marks.escalations, escalation.number: escalation}
        marks = replace(marks, escalations=opened)
    if message is not None:
        marks = replace(marks, outbox={**marks.outbox, message.message: message})
    return marks


def touches_escalations(event: Event) -> bool:
    """True for events that may change an escalation already open."""
    return isinstance(
        event, e.RungFired | e.EscalationDecided | e.EscalationOvertaken | e.TaskMoved
    )


def _escalation_after(marks: Marks, after: Case, event: Event, seq: int) -> EscalationRow | None:
    match event:
        case e.RungFired(opens=True):
            task = _attempt(after, event.step, event.attempt)
            return EscalationRow(
                subject_id=after.id,
                number=seq,
                step=event.step,
                attempt=event.attempt,
                state=OPEN,
                rung=event.rung,
                deciders=task.deciders,
                holder=task.holder,
                opened_at=event.at,
            )
        case e.RungFired() | e.TaskMoved() | e.EscalationDecided(decision="refer_up"):
            opened = _open_one(marks, event.step, event.attempt)
            task = _attempt(after, event.step, event.attempt)
            if opened is None:
                return None
            rung = event.rung if isinstance(event, e.RungFired) else opened.rung
            return replace(opened, rung=rung, deciders=task.deciders, holder=task.holder)
        case e.EscalationDecided():
            opened = _open_one(marks, event.step, event.attempt)
            return opened and replace(
                opened,
                state="decided",
                ended_at=event.at,
                decision=event.decision,
                decided_by=event.by,
                reason=event.reason,
            )
        case e.EscalationOvertaken():
            opened = _open_one(marks, event.step, event.attempt)
            return opened and replace(opened, state="overtaken", ended_at=event.at)
        case _:
            return None


def _attempt(case: Case, step: str, attempt: int) -> Task:
    return case.work.tasks[step][attempt - 1]


def _open_one(marks: Marks, step: str, attempt: int) -> EscalationRow | None:
    for row in marks.escalations.values():
        if row.state == OPEN and row.step == step and row.attempt == attempt:
            return row
    return None


def _message_after(before: Case, event: Event) -> OutboxRow | None:
    match event:
        case e.MessageQueued():
            return OutboxRow(
                before.id,
                event.id,
                event.kind,
                event.step,
                event.attempt,
                event.to,
                event.carries,
                event.about,
                event.version,
                "waiting",
                event.leaves_at,
            )
        case e.MessageReleased():
            written = _message(before, event.id)
            return OutboxRow(
                before.id,
                event.id,
                event.kind,
                event.step,
                event.attempt,
                event.to,
                event.carries,
                event.about,
                event.version,
                "left",
                written.leaves_at if written else event.at,
                event.at,
            )
        case e.MessageDropped():
            return _dropped(before, event)
        case _:
            return None


def _dropped(before: Case, event: e.MessageDropped) -> OutboxRow | None:
    message = _message(before, event.id)
    if message is None:
        return None
    return OutboxRow(
        before.id,
        message.id,
        message.kind,
        message.step,
        message.attempt,
        message.to,
        message.carries,
        message.about,
        message.version,
        "dropped",
        message.leaves_at,
        None,
        event.why,
    )


def _message(case: Case, number: int) -> Message | None:
    return next((message for message in case.work.messages if message.id == number), None)
