"""Completing a step: the checks in their order, then the outcome and all it brings about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from domain.act import Act, Command, given
from domain.case import consent, facts, gates
from domain.case import events as e
from domain.case.acts import checks
from domain.case.acts.ending import end_case, end_handover, leave_only, withdraw
from domain.case.acts.holding import resume_now
from domain.case.release import child_is_cleared
from domain.case.state import Case
from domain.case.steps import check_fields, closure, review
from domain.errors import (
    AlreadyPaid,
    ClosedGate,
    InvalidField,
    LegalOpen,
    NeedsNewEvidence,
    NoConsent,
    NotYours,
    OwnRequest,
    UnknownOutcome,
    WrongState,
)
from domain.work import events as work_events
from domain.work.calendars import calendar_of_task
from domain.work.consequences import overtake, take_back
from domain.work.ladder import rank, warnings
from domain.work.messages import write
from domain.work.procedure import Card, Outcome
from domain.work.state import Pending, Task
from domain.work.tasks import TaskOptions, offer, offered_from, owner_of
from domain.work.transition import Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """It is done, and this came of it."""

    step: str = given("step", needed=True)
    outcome: str = given("word", needed=True)
    result: Mapping[str, str] = given("result")
    valid_until: date | None = given("day")
    until: date | None = given("day")
    review: date | None = given("day")
    kind: str = given("word")
    approved_by: str = given("user")
    evidence: str = given("evidence")


def _card_and_outcome(case: Case, command: Command[Complete], at: datetime) -> tuple[Card, Outcome]:
    card = checks.card_of(case, command, at)
    outcome = card.outcomes.get(command.body.outcome)
    if outcome is None:
        raise UnknownOutcome(f"{card.id} ends as {', '.join(card.outcomes)}")
    return card, outcome


def may_complete(case: Case, command: Command[Complete], at: datetime) -> None:
    """Step, outcome and moment mean something, and this office answers for the step."""
    card, outcome = _card_and_outcome(case, command, at)
    checks.moment_of(command, at)
    task = _about(case, card, command)
    _check_actor(case, card, command, task)
    _check_not_twice(case, card, outcome, command, task, at)


def says_complete(case: Case, command: Command[Complete], at: datetime) -> None:
    """The fields of this kind of step."""
    card, outcome = _card_and_outcome(case, command, at)
    check_fields(case, card, outcome, command, at)
    task, happened = _about(case, card, command), checks.moment_of(command, at)
    if task is not None and task.is_open and happened < task.started_at and not card.early:
        raise InvalidField(f"`happened` lies before {card.id} began")


def fits_complete(case: Case, command: Command[Complete], at: datetime) -> None:
    """Two people where two are needed, consent and gates, nothing legal open, and its turn."""
    card, outcome = _card_and_outcome(case, command, at)
    _check_persons(case, card, command)
    _check_leaving(case, card, outcome, checks.moment_of(command, at))
    _check_legal(case, card, outcome)
    _check_state(case, card, outcome, _about(case, card, command), at)


def complete(transition: Transition[Case], command: Command[Complete], at: datetime) -> None:
    """Give a step its outcome."""
    card, outcome = _card_and_outcome(transition.subject, command, at)
    _do(transition, card, outcome, command, checks.moment_of(command, at), at)


def _every_outcome(case: Case, step: str) -> Iterator[Complete]:
    card = case.card(step)
    for outcome in card.outcomes if card is not None else ():
        yield Complete(step=step, outcome=outcome)


COMPLETE = Act(
    name="complete",
    takes=Complete,
    permission="tasks.act",
    about="task",
    may=may_complete,
    says=says_complete,
    fits=fits_complete,
    do=complete,
    samples=_every_outcome,
)


def _about(case: Case, card: Card, command: Command[Complete]) -> Task | None:
    """The attempt meant: of several reviews the one about this bar, else the newest."""
    attempts = case.work.tasks.get(card.id, ())
    open_ones = [t for t in attempts if t.is_open and command.body.kind in {"", t.about}]
    if open_ones:
        return open_ones[-1]
    return attempts[-1] if attempts else None


# -- checks, in the order of stories.md 2.7


def _check_actor(case: Case, card: Card, command: Command[Complete], task: Task | None) -> None:
    held = task is not None and task.state != "waiting"
    holder = task.holder if task is not None and held else owner_of(case, card)
    bar = case.person.bars.get(task.about) if task is not None and card.kind == "review" else None
    if bar is None:
        checks.acts_for(case, card, command, holder)
        return
    # Whoever set the bar or owns it reviews it; only its owner ends it (stories.md 4.1).
    reviewer = bar.owner if bar.owner in {command.by, command.for_} else holder
    checks.acts_for(case, card, command, reviewer)
    if command.body.outcome == "end" and reviewer != bar.owner:
        raise NotYours("Only the owner of a bar lifts it")


def _check_not_twice(
    case: Case,
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    task: Task | None,
    at: datetime,
) -> None:
    over = task is not None and not task.is_open and task.state != "waiting"
    repeats = over and _may_repeat(case, card, at)
    if repeats and card.consent == "notify_state" and not command.body.evidence:
        raise NeedsNewEvidence
    if over and task is not None and task.outcome == "paid" and outcome.name == "paid":
        raise AlreadyPaid
    if over and task is not None and not repeats:
        checks.not_just_ended(command, task, at)


def _may_repeat(case: Case, card: Card, at: datetime) -> bool:
    return any(facts.holds(case, fact, at) for fact in card.repeat_after)


def _check_persons(case: Case, card: Card, command: Command[Complete]) -> None:
    if any(case.work.users_by_step.get(step) == command.user for step in card.not_by):
        raise OwnRequest
    if card.kind == "closure":
        closure.check_two_people(command)


def _check_leaving(case: Case, card: Card, outcome: Outcome, happened: datetime) -> None:
    """Consent, the child's safeguards, and every gate this outcome passes."""
    sends = bool(outcome.sends) and bool(card.consent)
    if sends and consent.since(case, card.consent, happened) is None:
        raise NoConsent(consent.why_not(case, card.consent, happened))
    if sends and not _reaches(case, card, outcome, happened):
        raise NoConsent(f"the consent {card.consent} names another receiver")
    if sends and not child_is_cleared(case, happened):
        raise ClosedGate("A child needs a guardian and, where it applies, best interests")
    shut = gates.first_shut(case, outcome.gates, happened, leaving=True)
    if shut is not None:
        raise ClosedGate(f"gate {shut[0]}: {shut[1]}")


def _reaches(case: Case, card: Card, outcome: Outcome, at: datetime) -> bool:
    to = [office for role in outcome.sends_to if (office := case.work.office_of(role))]
    return not to or any(consent.covers(case, card.consent, office, at) for office in to)


def _check_legal(case: Case, card: Card, outcome: Outcome) -> None:
    if card.kind == "closure" and outcome.case == "closed":
        matter = closure.legal_matter(case)
        if matter:
            raise LegalOpen(f"Still open: {matter}")


def _check_state(case: Case, card: Card, outcome: Outcome, task: Task | None, at: datetime) -> None:
    checks.alive(case)
    opens_at = offered_from(case, card)
    if opens_at is not None and at < opens_at:
        raise WrongState(f"{card.id} is too early")
    if card.dated and case.handover is None:
        raise WrongState("No handover is planned")
    missing = next((f for f in card.requires if not facts.holds(case, f, at)), None)
    if missing is not None:
        raise WrongState(f"{missing.replace(':', ' ')} comes first")
    if card.kind == "closure":
        _check_closure(case, outcome)
        return
    if task is None or not task.is_open:
        waiting = task is None or task.state == "waiting"
        if not (card.early and waiting) and not _may_repeat(case, card, at):
            raise WrongState(f"{card.id} is not open")


def _check_closure(case: Case, outcome: Outcome) -> None:
    visits = [
        t
        for step, attempts in case.work.tasks.items()
        if case.procedure.cards[step].unknown_when_late
        for t in attempts
        if t.state == "done" and t.happened_at is not None
    ]
    newest = max(visits, key=lambda t: t.happened_at or t.offered_at, default=None)
    if newest is not None and newest.outcome == "at_risk":
        raise WrongState("The newest follow_up says at_risk")
    if outcome.case == "returned_legal_open" and case.state not in {"returned", "open"}:
        raise WrongState("Only a returned case goes on as legal open")
    if outcome.case == "returned_legal_open" and case.segment.returned_at is None:
        raise WrongState("Only a returned case goes on as legal open")


# -- what it brings about


def _do(
    transition: Transition[Case],
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    happened: datetime,
    at: datetime,
) -> None:
    task = _about(transition.subject, card, command)
    over = task is not None and not task.is_open and task.state != "waiting"
    repeated = over or (task is not None and task.attempt > 1 and task.about != "returned")
    if task is None or not task.is_open:
        task = offer(transition, card, happened, at, TaskOptions(quiet=True))
    overtake(transition, task, at)
    watched = bool(card.warns) and command.body.valid_until is not None
    transition.add(
        work_events.TaskDone(
            at=at,
            step=card.id,
            attempt=task.attempt,
            outcome=outcome.name,
            happened_at=happened,
            by=command.by,
            user=command.user,
            for_=command.for_,
            reason=command.reason,
            valid_until=command.body.valid_until,
            approved_by=command.body.approved_by,
            fields=dict(command.body.result),
            ends_at=_end_of(transition.subject, task, command) if watched else None,
            pending=_warnings(transition.subject, card, task, command, at) if watched else (),
        )
    )
    if card.paper:
        _watch_anew(transition, card, command, at)
    in_time = task.due_at is not None and happened <= task.due_at < at
    if in_time and rank(task.rung) > 0:
        transition.add(
            work_events.Recorded(at=at, what="answered_in_time", step=card.id, attempt=task.attempt)
        )
    _effects(transition, card, outcome, command, at)
    if repeated:
        _restart(transition, outcome, happened, at)
    _again(transition, card, outcome, command, task, happened, at)


def _end_of(case: Case, task: Task, command: Command[Complete]) -> datetime | None:
    until = command.body.valid_until
    return calendar_of_task(case, task).closing(until) if until is not None else None


def _warnings(
    case: Case, card: Card, task: Task, command: Command[Complete], at: datetime
) -> tuple[Pending, ...]:
    until = command.body.valid_until
    return warnings(case, card, task.made_for, until, at) if until is not None else ()


def _watch_anew(
    transition: Transition[Case], card: Card, command: Command[Complete], at: datetime
) -> None:
    """A renewal moves the warnings of the paper it renews to the new end."""
    case = transition.subject
    paper = case.work.newest_done(card.paper)
    of = case.card(card.paper)
    if paper is None or of is None or not of.warns:
        return
    overtake(transition, paper, at)
    ends = _end_of(case, paper, command)
    if ends is None:
        return
    transition.add(
        work_events.ClockSet(
            at=at,
            step=paper.step,
            attempt=paper.attempt,
            old=paper.due_at,
            due_at=ends,
            unrolled_on=command.body.valid_until,
            pending=_warnings(case, of, paper, command, at),
            clock=paper.clock,
            clock_from=at,
            how="renewed",
            given=True,
            by=command.by,
            user=command.user,
        )
    )


def _effects(
    transition: Transition[Case],
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    at: datetime,
) -> None:
    for purpose in outcome.confirms:
        transition.add(e.ConsentConfirmed(at=at, purpose=purpose))
    for role in outcome.tells:
        for office in _offices(transition.subject, role):
            write(transition, at, "told", office, step=card.id)
    if outcome.sends:
        send(transition, card, outcome, at)
    for purpose in outcome.withdraws:
        withdraw(transition, at, purpose, by=command.by, user=command.user)
    if outcome.ends_handover:
        end_handover(transition, at, f"{card.id} {outcome.name}")
    for step in outcome.offers:
        _offer_now(transition, step, at)
    _move_case(transition, card, outcome, command, at)
    _end_subject(transition, card, outcome, command, at)


def follow_correction(
    transition: Transition[Case],
    card: Card,
    task: Task,
    outcome: str,
    command: Command[Any],
    at: datetime,
) -> None:
    """What the right outcome brings about; what only the wrong one had offered waits again (4.10)."""
    wrong, right = card.outcomes.get(task.outcome), card.outcomes[outcome]
    if wrong is right:
        return
    for step in wrong.offers if wrong is not None else ():
        offered = transition.subject.work.newest(step)
        if offered is not None and offered.is_open and offered.about == "offered":
            take_back(transition, offered, at, "corrected")
    happened = task.happened_at or at
    completing: Command[Complete] = completed_by(command, card.id, outcome)
    _effects(transition, card, right, completing, at)
    _again(transition, card, right, completing, task, happened, at)


def completed_by(command: Command[Any], step: str, outcome: str, **more: Any) -> Command[Complete]:
    """The completion that another act stands for: who signs it stays the same."""
    body: Any = Complete(step=step, outcome=outcome, **more)
    return replace(command, do="complete", body=body)


def _offices(case: Case, role: str) -> list[str]:
    roles = case.procedure.recipients.get(role, (role,))
    return [office for r in roles if (office := case.work.office_of(r))]


def send(transition: Transition[Case], card: Card, outcome: Outcome, at: datetime) -> None:
    """The message that leaves with an outcome; a manifest gets its version first."""
    version = 0
    if outcome.sends == "manifest":
        version = transition.subject.segment.manifest_version + 1
        transition.add(e.ManifestMade(at=at, version=version, empty=False))
    to: list[str] = []
    for role in outcome.sends_to:
        to += _offices(transition.subject, role)
    for office in dict.fromkeys(to):
        write(transition, at, outcome.sends, office, step=card.id, version=version)


def _offer_now(transition: Transition[Case], step: str, at: datetime) -> None:
    """Offer a step whose own start has not come, as closure after not_victim."""
    card = transition.subject.card(step)
    newest = transition.subject.work.newest(step)
    if card is None or (newest is not None and newest.is_open):
        return
    options = TaskOptions(about="offered")
    offer(transition, card, at, at, options)


def _move_case(
    transition: Transition[Case],
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    at: datetime,
) -> None:
    case = transition.subject
    if outcome.case == "closed":
        end_case(
            transition,
            at,
            "closed",
            f"{card.id} {outcome.name}",
            by=command.by,
            user=command.user,
            reason=command.reason,
        )
        return
    if outcome.case == "returned_legal_open":
        leave_only(transition, at, outcome.skips_all_but)
    if outcome.case and outcome.case != case.state:
        transition.add(
            e.CaseMoved(
                at=at,
                state=outcome.case,
                why=f"{card.id} {outcome.name}",
                by=command.by,
                user=command.user,
            )
        )


def _end_subject(
    transition: Transition[Case],
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    at: datetime,
) -> None:
    """A review that says `end` ends what it reviewed."""
    if card.kind != "review" or outcome.name != "end":
        return
    if card.id == "hold_review":
        resume_now(transition, command, at)
    else:
        done = transition.subject.work.newest_done(card.id)
        kind = done.about if done is not None else command.body.kind
        if kind in transition.subject.person.bars:
            transition.add(e.BarLifted(at=at, kind=kind, by=command.by, user=command.user))


def _restart(
    transition: Transition[Case], outcome: Outcome, happened: datetime, at: datetime
) -> None:
    """A request made once more asks its answers once more."""
    for step in outcome.restarts:
        card = transition.subject.card(step)
        newest = transition.subject.work.newest(step)
        if card is not None and not (newest is not None and newest.is_open):
            offer(transition, card, happened, at, TaskOptions(about="again"))


def _again(
    transition: Transition[Case],
    card: Card,
    outcome: Outcome,
    command: Command[Complete],
    task: Task,
    happened: datetime,
    at: datetime,
) -> None:
    if not outcome.again or transition.subject.ended:
        return
    if card.kind == "review":
        day = review.next_day(command.body)
        offer(transition, card, at, at, TaskOptions(holder=task.holder, day=day, about=task.about))
        return
    newest = transition.subject.work.newest(card.id)
    if newest is not None and newest.is_open:
        return
    until = command.body.valid_until if card.paper else None
    options = TaskOptions(made_for=task.made_for, about="again", valid_until=until)
    offer(transition, card, happened, at, options)
