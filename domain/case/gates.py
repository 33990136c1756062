"""The ten gates: what must be open at the moment of departure (domain.md 2.4, stories.md 4.4).

A gate is opened by an outcome, a consent or the world; never by skip, waive or override.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from domain.case import consent
from domain.case.state import Case
from domain.work.calendars import appointment_day, calendar_here
from domain.work.papers import lasts
from domain.work.state import Task

ALL = (
    "consent",
    "identity",
    "document",
    "legal",
    "safety",
    "fitness",
    "receiving",
    "reintegration",
    "compensation",
    "crossing",
)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a gate is open, and what shut it."""

    open: bool
    why: str = ""


OPEN = Gate(open=True)


def _shut(why: str) -> Gate:
    return Gate(open=False, why=why)


def state(case: Case, gate: str, at: datetime, *, leaving: bool = False) -> Gate:
    """A gate now; `leaving`: as asked at departure. One that does not apply is open."""
    if gate not in case.procedure.gates.get("applies", ALL):
        return OPEN
    if gate == "consent":
        return _consent(case, at, leaving=leaving)
    return _GATES[gate](case, at)


def first_shut(
    case: Case, asked: tuple[str, ...], at: datetime, *, leaving: bool = False
) -> tuple[str, str] | None:
    """The first of `asked` that is shut and why, or None when all are open."""
    for gate in asked:
        if gate == "no_bar":
            if case.person.bars:
                return "legal", ", ".join(sorted(case.person.bars))
            continue
        found = state(case, gate, at, leaving=leaving)
        if not found.open:
            return gate, found.why
    return None


def _consent(case: Case, at: datetime, *, leaving: bool) -> Gate:
    live = list(consent.live(case, "return", at))
    if not live:
        return _shut(consent.why_not(case, "return", at))
    confirmed = max(c.confirmed_at for c in live)
    limit = case.procedure.consent_confirmed_within
    if leaving and (at - confirmed).total_seconds() > limit.amount * 3600:
        return _shut(f"lapsed: not confirmed in the last {limit}")
    return OPEN


def _identity(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    steps = case.procedure.recipients.get("identity", ("verification",))
    task = case.work.newest(steps[-1])
    if task is not None and task.state == "done" and task.outcome == "confirmed":
        return OPEN
    for step in reversed(steps):
        newest = case.work.newest(step)
        if newest is not None and newest.state == "done" and newest.outcome != "confirmed":
            return _shut(f"{step} {newest.outcome}")
    missing = next((s for s in steps if case.work.outcome(s) != "confirmed"), steps[-1])
    return _shut(_missing(case, missing, "confirmed"))


def _missing(case: Case, step: str, opens: str) -> str:
    """The step that is missing, with its last outcome where it was asked again because of it."""
    done = case.work.newest_done(step)
    return step if done is None or done.outcome == opens else f"{step} {done.outcome}"


def _document(case: Case, at: datetime) -> Gate:
    task = case.work.newest("travel_document")
    if task is None or task.state != "done" or task.outcome != "issued":
        return _shut(_missing(case, "travel_document", "issued"))
    if not lasts(case, task, appointment_day(case, at)):
        return _shut("travel_document lapsed")
    today = calendar_here(case).local_date(at)
    return OPEN if lasts(case, task, today) else _shut("travel_document lapsed")


def _legal(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    why = sorted(case.person.bars)
    if case.work.outcome("exit_clearance") != "cleared":
        why.append(_missing(case, "exit_clearance", "cleared"))
    return _shut(", ".join(why)) if why else OPEN


def _of_handover(case: Case, step: str) -> Task | None:
    """The newest attempt of a dated step, if it belongs to the plan that stands."""
    task = case.work.newest(step)
    handover = case.handover
    if task is None or handover is None or task.handover_no != handover.number:
        return None
    return task


def _safety(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    steps = ("final_safety_host", "final_safety_origin")
    for step in steps:
        newest = case.work.newest(step)
        if newest is not None and newest.outcome == "no_go":
            return _shut(f"{step} no_go")
    why = []
    for step in steps:
        task = _of_handover(case, step)
        if task is None or task.state != "done" or task.outcome != "go":
            why.append(step)
    unsafe = _unsafe(case) if why else ""
    return _shut(", ".join([unsafe, *why] if unsafe else why)) if why else OPEN


def _unsafe(case: Case) -> str:
    """The newest outcome that shut the gate safety until both sides say go again."""
    for step in reversed(tuple(case.work.tasks)):
        task = case.work.newest_done(step)
        if task is None:
            continue
        rule = case.procedure.cards[step].outcomes.get(task.outcome)
        if rule is not None and "safety" in rule.closes:
            return f"{step} {task.outcome}"
    return ""


def _fitness(case: Case, at: datetime) -> Gate:
    task = case.work.newest_done("fitness")
    newest = case.work.newest("fitness")
    if task is None:
        return _shut("fitness")
    if task.outcome == "not_fit":
        return _shut("fitness not_fit")
    day = appointment_day(case, at)
    today = calendar_here(case).local_date(at)
    if not lasts(case, task, day) or not lasts(case, task, today):
        still_open = newest is not None and newest.is_open
        return _shut("fitness lapsed" if lapsed(case, task, today) or not still_open else "fitness")
    if task.outcome != "fit_with_escort":
        return OPEN
    bed = _of_handover(case, "bed") if case.handover is not None else case.work.newest("bed")
    outcome = bed.outcome if bed is not None and bed.state == "done" else ""
    return OPEN if outcome == "confirmed" else _shut(f"bed {outcome}".strip())


def lapsed(case: Case, task: Task, today: date) -> bool:
    """True when the result ended before today."""
    return not lasts(case, task, today)


def _receiving(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    task = _of_handover(case, "notice_acceptance")
    if task is not None and task.state == "done" and task.outcome == "accepted":
        return OPEN
    newest = case.work.newest("notice_acceptance")
    refused = newest is not None and newest.outcome == "refused"
    return _shut("notice_acceptance refused" if refused else "notice_acceptance")


def _reintegration(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    if case.work.outcome("return_plan") == "agreed":
        return OPEN
    return _shut(_missing(case, "return_plan", "agreed"))


def _compensation(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    return OPEN if case.work.outcome("compensation_rights") else _shut("compensation_rights")


def _crossing(case: Case, at: datetime) -> Gate:  # noqa: ARG001
    handover = case.newest_handover
    if handover is None:
        return OPEN
    if case.crossings.get(handover.crossing) == "closed":
        return _shut("closed")
    return OPEN if handover.stands else _shut(handover.ended)


_GATES: dict[str, Callable[[Case, datetime], Gate]] = {
    "identity": _identity,
    "document": _document,
    "legal": _legal,
    "safety": _safety,
    "fitness": _fitness,
    "receiving": _receiving,
    "reintegration": _reintegration,
    "compensation": _compensation,
    "crossing": _crossing,
}
