"""How a case reads: states of steps, lateness, whose turn, one sentence, what comes if nobody acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.case import conditions, facts, gates
from domain.case.apply import fold
from domain.case.core import advance, next_wake
from domain.case.release import is_other_side, may_leave
from domain.case.state import Case
from domain.event import Event
from domain.work import events as e
from domain.work.calendars import calendar_here, calendar_of_task
from domain.work.ladder import rank
from domain.work.procedure import side_of
from domain.work.state import Message, Task
from domain.work.subject import open_tasks
from domain.work.wake import idle_at

TURNS = {"host": "host", "origin": "origin", "transit": "partner"}
PERSONS = frozenset({"person", "guardian"})
NOBODY = "nobody"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """For what a case waits: one sentence and its parts."""

    text: str
    turn: str  # host origin partner person nobody
    step: str = ""
    attempt: int = 0
    holder: str = ""
    since: datetime | None = None
    due_at: datetime | None = None
    next_rung: str = ""
    next_rung_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A reminder or rung that will fire if nobody acts."""

    step: str
    rung: str
    at: datetime
    to: tuple[str, ...] = ()


# -- states


def shown_state(case: Case) -> str:
    """The case's state as people read it: a hold shows over open and returned."""
    return "on_hold" if case.work.on_hold and not case.ended else case.state


def step_state(case: Case, step: str, at: datetime) -> str:
    """waiting, offered, accepted, done, held, skipped, not_applicable or absent (2.4)."""
    card = case.card(step)
    if card is None:
        return "absent"
    task = shown_task(case, step)
    if task is not None and task.state == "done":
        rule = card.outcomes.get(task.outcome)
        back = (
            rule is not None
            and rule.ends_handover
            and f"{step}:" in case.procedure.departs_after_outcome
        )
        return "waiting" if back else "done"
    if not conditions.applies(case, card, at):
        return "not_applicable"
    if task is None:
        return "waiting"
    if task.is_open and task.left is not None:
        return "held"
    return task.state


def shown_task(case: Case, step: str) -> Task | None:
    """The attempt that views speak of: the newest open one, else the newest."""
    attempts = case.work.tasks.get(step, ())
    open_ones = [task for task in attempts if task.is_open]
    if not open_ones and _of_an_earlier_handover(case, step):
        return None
    return open_ones[-1] if open_ones else (attempts[-1] if attempts else None)


def _of_an_earlier_handover(case: Case, step: str) -> bool:
    """A new plan makes new attempts of its dated steps; until then they wait (4.3)."""
    card, newest, procedure = case.card(step), case.work.newest(step), case.handover
    if (
        card is None
        or newest is None
        or procedure is None
        or not card.dated
        or card.only_if_lapsing
    ):
        return False
    return newest.handover_no != procedure.number


def is_unknown(case: Case, task: Task, at: datetime) -> bool:
    """A follow-up past due without an outcome is unknown, never fine (domain.md P21)."""
    card = case.procedure.cards[task.step]
    late = task.due_at is not None and task.due_at < at
    return card.unknown_when_late and task.is_open and late


def is_stalled(case: Case, at: datetime) -> bool:
    """Something is late, a decision is open, or nothing has been asked of anybody for long."""
    if case.ended:
        return False
    asked = any(
        task.escalation == "open" or (task.due_at is not None and task.due_at < at)
        for task in case.work.running()
    )
    return asked or case.work.idle_reported


# -- days


def late_days(case: Case, task: Task, at: datetime) -> int:
    """Calendar days from the due date to the answer, or to now; 0 on the due date and before."""
    if task.due_at is None:
        return 0
    calendar = calendar_of_task(case, task)
    answered = task.happened_at if task.state == "done" else None
    end = answered or (task.ended_at if not task.is_open else None) or at
    days = (calendar.local_date(end) - calendar.local_date(task.due_at)).days
    return max(0, days)


def age_days(case: Case, task: Task, at: datetime) -> int:
    """Calendar days since the clock began, to the answer or to now."""
    calendar = calendar_of_task(case, task)
    end = task.happened_at if task.state == "done" and task.happened_at else at
    return (calendar.local_date(end) - calendar.local_date(task.started_at)).days


def next_rung(task: Task) -> tuple[str, datetime] | None:
    """The next reminder or rung and its nominal moment."""
    first = min(task.pending, key=lambda p: (p.at, rank(p.rung)), default=None)
    return (first.rung, first.at) if first is not None else None


# -- whose turn, and the sentence


def in_focus(case: Case, at: datetime) -> Task | None:
    """The open step due first; allowances, claim, reviews only when nothing else is open (2.4)."""
    del at
    open_ones = sorted(open_tasks(case), key=_due_first)
    main = [task for task in open_ones if not case.procedure.cards[task.step].aside]
    return next(iter(main or open_ones), None)


def _due_first(task: Task) -> tuple[bool, datetime, datetime, str]:
    return (task.due_at is None, task.due_at or task.offered_at, task.offered_at, task.step)


def turn_of(case: Case, task: Task | None) -> str:
    """host, origin, partner, person, or nobody."""
    office = case.work.offices.get(task.holder) if task is not None else None
    return turn_of_role(office.role) if office is not None else NOBODY


def turn_of_role(role: str) -> str:
    """Whose turn it is when an office of this role holds the step."""
    return "person" if role in PERSONS else TURNS.get(side_of(role), "partner")


def waits_for(case: Case, at: datetime, *, kept: bool = False) -> Waiting:
    """What the case waits for, in one sentence: step, whose turn, since when, what comes next.

    A sentence that is `kept` is read on later days: it counts none.
    """
    if case.ended:
        return Waiting(f"The case is {case.state}; nothing is asked of anybody.", NOBODY)
    task = in_focus(case, at)
    prefix = "On hold. " if case.work.on_hold else ""
    if task is None:
        return _idle(case, at, prefix)
    coming = next_rung(task)
    return Waiting(
        text=prefix + _sentence(case, task, at, coming, kept=kept),
        turn=turn_of(case, task),
        step=task.step,
        attempt=task.attempt,
        holder=task.holder,
        since=task.started_at,
        due_at=task.due_at,
        next_rung=coming[0] if coming else "",
        next_rung_at=coming[1] if coming else None,
    )


def only_missing(case: Case, at: datetime) -> tuple[str, ...]:
    """What alone keeps steps from beginning: a consent not given, a handover not planned."""
    found: dict[str, str] = {}
    for card in case.procedure.cards.values():
        newest = case.work.newest(card.id)
        if (newest is not None and newest.state != "waiting") or not card.after:
            continue
        missing = conditions.missing(case, card, at)
        if missing == ("handover_planned",):
            found |= _before_a_handover(case, at)
        elif len(missing) == 1 and missing[0].startswith("consent:"):
            found.setdefault(missing[0].replace(":", " "), card.id)
    return tuple(f"{what} (for {step})" for what, step in found.items())


def _before_a_handover(case: Case, at: datetime) -> dict[str, str]:
    """A plan to cross is the next thing only once the gates asked for it are open (4.3)."""
    if gates.first_shut(case, case.procedure.gates.get("plan_handover", ()), at) is not None:
        return {}
    if facts.holds(case, "consent:return", at):
        return {"a planned day": "handover"}
    return {"consent return": "handover"}


def _idle(case: Case, at: datetime, prefix: str) -> Waiting:
    stalled = " and counts as stalled" if case.work.idle_reported else ""
    since = case.work.idle_since
    word = f" since {calendar_here(case).local_date(since)}" if since else ""
    missing = ", ".join(only_missing(case, at)) or "a decision on what comes next"
    text = f"No step is open{word}{stalled}: nobody's turn. It wants {missing}."
    return Waiting(prefix + text, NOBODY, since=since, next_rung_at=idle_at(case))


def _sentence(
    case: Case, task: Task, at: datetime, coming: tuple[str, datetime] | None, *, kept: bool
) -> str:
    calendar = calendar_of_task(case, task)
    card = case.procedure.cards[task.step]
    office = case.work.offices.get(task.holder)
    role = office.role if office is not None else task.role
    parts = [
        f"Waits for {card.title} ({task.step}): turn of {task.holder}"
        + (f" ({role})" if role != task.holder else ""),
        f"since {calendar.local_date(task.started_at)}",
    ]
    if task.left is not None:
        parts.append(f"held with {task.left} left")
    elif task.due_at is not None:
        parts.append(f"due {calendar.local_date(task.due_at)}")
        if task.due_at < at and not kept:
            parts.append(f"{late_days(case, task, at)} days late")
    silent = sorted(t.step for t in open_tasks(case) if is_unknown(case, t, at))
    if silent:
        parts.append(f"how the person is: {UNKNOWN} ({', '.join(silent)})")
    if task.escalation == "open":
        parts.append(f"escalated to {task.rung}, a decision is open")
    elif rank(task.rung) > 0:
        parts.append(f"reached {task.rung}")
    if coming is not None:
        parts.append(f"next {coming[0]} {calendar.local_date(coming[1])}")
    return ", ".join(parts) + "."


# -- what will happen if nobody acts


def forecast(case: Case, at: datetime, days: int = 400) -> tuple[Foreseen, ...]:
    """`advance` run forward: every reminder and rung of the next `days`, in order."""
    until = at + timedelta(days=days)
    coming: list[Event] = []
    while True:
        moment = next_wake(case)
        if moment is None or moment > until:
            break
        happened = advance(case, None, moment)
        if not happened:
            break
        coming.extend(happened)
        case = fold(case, happened)
    return tuple(_foreseen(coming))


def _foreseen(events: list[Event]) -> Iterator[Foreseen]:
    for event in events:
        if isinstance(event, e.Reminded) and not event.quiet:
            yield Foreseen(event.step, "E0", event.at, event.to)
        elif isinstance(event, e.RungFired):
            yield Foreseen(event.step, event.rung, event.at, event.to)


# -- what somebody sees


def seen_by(case: Case, office: str, view: str, at: datetime) -> frozenset[str]:
    """The data words and shown states that an office sees in a view; nothing is the default."""
    found = case.work.offices.get(office)
    if found is None or found.excluded:
        return frozenset()
    if is_other_side(case, office) and view in {"case", "stalled"}:
        return frozenset()
    held = [task for task in open_tasks(case) if task.holder == office]
    if view in {"task", "inbox"} and not held:
        return frozenset()
    if view == "stalled" and not is_stalled(case, at):
        return frozenset()
    words = set(case.procedure.views.get(view, ()))
    if view in {"task", "inbox"}:
        for task in held:
            if view == "task":
                words |= _request_words(case, task, office, at)
            words |= {task.step, step_state(case, task.step, at)}
            if is_unknown(case, task, at):
                words.add(UNKNOWN)
    if view in {"case", "stalled"}:
        words |= _case_words(case, at)
    return frozenset(words)


def _request_words(case: Case, task: Task, office: str, at: datetime) -> set[str]:
    offer = Message(0, "offer", task.step, office, (), at)
    asked = may_leave(case, offer, at)
    return set(asked.carries) if asked.may else set()


def _case_words(case: Case, at: datetime) -> set[str]:
    words = {shown_state(case), *case.person.flags, *case.person.bars}
    for attempts in case.work.tasks.values():
        task = attempts[-1]
        words |= {task.step, step_state(case, task.step, at)}
        words |= {task.outcome, task.rung} - {"", "none"}
        if is_unknown(case, task, at):
            words.add(UNKNOWN)
    return words
