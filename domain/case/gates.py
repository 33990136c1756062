"""The gates: what must be open at the moment of departure (domain.md 2.4, stories.md 4.4).

What opens a gate stands in `rules/gates.toml`; here is how such a rule is asked. A gate is opened
by an answer, a consent or the world; never by skip, waive or override.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from domain.case import consent
from domain.case.state import Case
from domain.work.calendars import appointment_day, calendar_here
from domain.work.papers import lasts
from domain.work.procedure import GateRule
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
NO_BAR = "no_bar"  # asked like a gate, but none: no bar stands
BAR = "bar"  # the fact that may shut a gate whatever was answered


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
    rule = case.procedure.gate_rules.get(gate, GateRule())
    for fact in rule.opened_by:
        word, _, rest = fact.partition(":")
        if word == "consent":
            return _consent(case, rest, at, leaving=leaving)
        if word == "handover_planned":
            return _crossing(case)
    return _answers(case, gate, rule, at)


def first_shut(
    case: Case, asked: tuple[str, ...], at: datetime, *, leaving: bool = False
) -> tuple[str, str] | None:
    """The first of `asked` that is shut and why, or None when all are open."""
    for gate in asked:
        if gate == NO_BAR:
            if case.person.bars:
                return "legal", ", ".join(sorted(case.person.bars))
            continue
        found = state(case, gate, at, leaving=leaving)
        if not found.open:
            return gate, found.why
    return None


# -- by consent, and by the world


def _consent(case: Case, purpose: str, at: datetime, *, leaving: bool) -> Gate:
    live = list(consent.live(case, purpose, at))
    if not live:
        return _shut(consent.why_not(case, purpose, at))
    confirmed = max(c.confirmed_at for c in live)
    limit = case.procedure.consent_confirmed_within
    if leaving and (at - confirmed).total_seconds() > limit.amount * 3600:
        return _shut(f"lapsed: not confirmed in the last {limit}")
    return OPEN


def _crossing(case: Case) -> Gate:
    handover = case.newest_handover
    if handover is None:
        return OPEN
    if case.crossings.get(handover.crossing) == "closed":
        return _shut("closed")
    return OPEN if handover.stands else _shut(handover.ended)


# -- by answers to steps


@dataclass(frozen=True, slots=True)
class Answer:
    """A step whose answer opens a gate, and the outcomes that do."""

    step: str
    outcomes: tuple[str, ...]

    def opens(self, outcome: str) -> bool:
        """True for an outcome that is wanted."""
        return outcome in self.outcomes


def _wanted(rule: GateRule) -> tuple[Answer, ...]:
    parts = (fact.partition(":") for fact in rule.opened_by)
    return tuple(Answer(step, tuple(outcomes.split("|"))) for step, _, outcomes in parts)


def _answers(case: Case, gate: str, rule: GateRule, at: datetime) -> Gate:
    wanted = _wanted(rule)
    if rule.of_handover:
        return _of_handover(case, gate, wanted)
    why = sorted(case.person.bars) if BAR in rule.unless else []
    if rule.chain:
        why += _missing_in_chain(case, wanted)
    else:
        why += [word for answer in wanted for word in _missing(case, rule, answer, at)]
    return _shut(", ".join(why)) if why else OPEN


def _missing(case: Case, rule: GateRule, answer: Answer, at: datetime) -> Iterator[str]:
    """What is missing of one answer; nothing where it opens the gate."""
    task = (case.work.newest_done if rule.stands else case.work.newest)(answer.step)
    if task is None or task.state != "done":
        yield _asked_for(case, answer)
    elif not answer.opens(task.outcome):
        yield f"{task.step} {task.outcome}" if rule.stands else _asked_for(case, answer)
    elif rule.lasts and (lapsed := _lapsed(case, rule, task, at)):
        yield lapsed
    else:
        yield from _also(case, rule, task)


def _asked_for(case: Case, answer: Answer) -> str:
    """The step that is missing, with its last outcome where it was asked again because of it."""
    done = case.work.newest_done(answer.step)
    if done is None or answer.opens(done.outcome):
        return answer.step
    return f"{answer.step} {done.outcome}"


def _lapsed(case: Case, rule: GateRule, task: Task, at: datetime) -> str:
    """Empty while the result stands on the planned day and today (3.5)."""
    today = calendar_here(case).local_date(at)
    if lasts(case, task, appointment_day(case, at)) and lasts(case, task, today):
        return ""
    newest = case.work.newest(task.step)
    asked_anew = rule.stands and newest is not None and newest.is_open
    return task.step if asked_anew and not lapsed(case, task, today) else f"{task.step} lapsed"


def lapsed(case: Case, task: Task, today: date) -> bool:
    """True when the result ended before today."""
    return not lasts(case, task, today)


def _also(case: Case, rule: GateRule, task: Task) -> Iterator[str]:
    """An answer that wants another with it, as fit_with_escort wants a bed."""
    other = rule.also.get(f"{task.step}:{task.outcome}")
    if other is None:
        return
    step, _, wanted = other.partition(":")
    found = _of_plan(case, step) if case.handover is not None else case.work.newest(step)
    outcome = found.outcome if found is not None and found.state == "done" else ""
    if outcome != wanted:
        yield f"{step} {outcome}".strip()


def _missing_in_chain(case: Case, wanted: tuple[Answer, ...]) -> list[str]:
    """Steps that ask one another: the last alone opens; an answer that is not wanted shuts."""
    if not wanted or wanted[-1].opens(case.work.outcome(wanted[-1].step)):
        return []
    for answer in reversed(wanted):
        outcome = case.work.outcome(answer.step)
        if outcome and not answer.opens(outcome):
            return [f"{answer.step} {outcome}"]
    missing = (answer for answer in wanted if not answer.opens(case.work.outcome(answer.step)))
    return [_asked_for(case, next(missing, wanted[-1]))]


# -- by answers given for the plan that stands


def _of_plan(case: Case, step: str) -> Task | None:
    """The newest attempt of a dated step, if it belongs to the plan that stands."""
    task, handover = case.work.newest(step), case.handover
    if task is None or handover is None or task.handover_no != handover.number:
        return None
    return task


def _of_handover(case: Case, gate: str, wanted: tuple[Answer, ...]) -> Gate:
    for answer in wanted:
        newest = case.work.newest(answer.step)
        if newest is not None and newest.outcome and not answer.opens(newest.outcome):
            return _shut(f"{answer.step} {newest.outcome}")
    why = [answer.step for answer in wanted if not _given_for_plan(case, answer)]
    closed = _closed_by(case, gate) if why else ""
    why = [closed, *why] if closed else why
    return _shut(", ".join(why)) if why else OPEN


def _given_for_plan(case: Case, answer: Answer) -> bool:
    task = _of_plan(case, answer.step)
    return task is not None and task.state == "done" and answer.opens(task.outcome)


def _closed_by(case: Case, gate: str) -> str:
    """The newest outcome that shut the gate until something newer opens it (`closes`)."""
    for step in reversed(tuple(case.work.tasks)):
        task = case.work.newest_done(step)
        if task is None:
            continue
        rule = case.procedure.cards[step].outcomes.get(task.outcome)
        if rule is not None and gate in rule.closes:
            return f"{step} {task.outcome}"
    return ""
