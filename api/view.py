"""The JSON shapes of answers. Lists and timelines hold no name, contact, birth date or free text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain import gates, preview, views
from domain.case import Case, Task
from domain.plan import Card, Outcome, Plan
from domain.ruleregister import RegisteredOffice
from records.cases import CaseView
from records.escalations import EscalationView
from records.paging import Page
from records.stalled import late_days
from records.tasks import TaskView

T = TypeVar("T")
NO_RUNG = "none"


class Shape(BaseModel):
    """An answer; it never changes after it was made."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @field_validator("*", mode="after")
    @classmethod
    def _in_utc(cls, value: Any) -> Any:
        """A moment is written in one way, whoever computed it: the same act, the same answer."""
        return value.astimezone(UTC) if isinstance(value, datetime) else value


class PageOf(Shape, Generic[T]):
    """Some rows; `next` goes into `cursor` for those that follow, and is null at the end."""

    items: list[T]
    next: str | None = None


def page_of(page: Page[Any], shown: Iterable[T]) -> PageOf[T]:
    """Return a page of the records as an answer."""
    return PageOf(items=list(shown), next=page.next)


# -- a change was made


class Waits(Protocol):
    """What case rows and folded cases have in common."""

    @property
    def case_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def turn(self) -> str: ...
    @property
    def waits_for(self) -> str: ...
    @property
    def waits_step(self) -> str: ...
    @property
    def waits_holder(self) -> str: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def next_rung(self) -> str: ...
    @property
    def next_rung_at(self) -> datetime | None: ...
    @property
    def now_at(self) -> datetime: ...


class Done(Shape):
    """A change was made. `version` goes into `at_least` of reads and `version` of later acts."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {
                "case": "018f6b1e-7a1c-7c00-8000-3f1d2c9a4b5e",
                "reference": "K7QFM-2XDRT",
                "version": 14,
                "status": "open",
                "turn": "host",
                "waits_for": "Waits for Family found and assessed (tracing): turn of "
                "la-vientiane-province (origin.tracing), since 2026-02-24, due 2026-04-10, "
                "next E0 2026-03-19.",
                "step": "tracing",
                "holder": "la-vientiane-province",
                "due_at": "2026-04-10T09:30:00Z",
                "next_rung": "E0",
                "next_rung_at": "2026-03-19T01:30:00Z",
                "recorded_at": "2026-02-24T03:00:00Z",
            }
        },
    )

    case: str
    reference: str
    version: int
    status: str
    turn: str
    waits_for: str
    step: str
    holder: str
    due_at: datetime | None
    next_rung: str
    next_rung_at: datetime | None
    recorded_at: datetime


def done_of(row: Waits, reference: str) -> Done:
    """Return the answer to a change, from the case as it was after it."""
    return Done(
        case=row.case_id,
        reference=reference,
        version=row.version,
        status=row.status,
        turn=row.turn,
        waits_for=row.waits_for,
        step=row.waits_step,
        holder=row.waits_holder,
        due_at=row.due_at,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        recorded_at=row.now_at,
    )


# -- cases


class CaseItem(Shape):
    """A case in a list: what it waits for and whose turn it is. Nothing about the person."""

    case: str
    reference: str
    corridor: str
    status: str = Field(examples=["open"])
    turn: str = Field(examples=["origin"])
    waits_for: str
    step: str
    holder: str
    since: datetime | None
    due_at: datetime | None
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    opened_at: datetime
    version: int


def case_item(row: CaseView) -> CaseItem:
    """Return a row of the list of cases."""
    return CaseItem(
        case=row.case_id,
        reference=row.reference,
        corridor=row.corridor,
        status=row.status,
        turn=row.turn,
        waits_for=row.waits_for,
        step=row.waits_step,
        holder=row.waits_holder,
        since=row.since,
        due_at=row.due_at,
        rung=row.rung,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        opened_at=row.opened_at,
        version=row.version,
    )


DISAGREE = "the records disagree"
STUCK = "the engine cannot run this case"


class StalledItem(CaseItem):
    """A case that stands still. Step, holder, turn and rungs are those of what blocks it."""

    blocker: str = Field(
        description="What has been due longest; empty when nothing is asked; "
        "`the records disagree` when the engine and the ledger contradict each other, "
        "`the engine cannot run this case` when every try fails."
    )
    age_days: int = Field(description="Days since the case began.")
    late_days: int = Field(description="Days since it began to stand still.")


def stalled_item(
    row: CaseView, blocker: TaskView | None, as_of: datetime, own_now: datetime
) -> StalledItem:
    """Return a row of the stalled list."""
    shown = case_item(row).model_dump()
    if blocker is not None:
        shown |= {
            "step": blocker.step,
            "holder": blocker.holder,
            "turn": views.turn_of_role(blocker.role),
            "since": blocker.started_at,
            "due_at": blocker.due_at,
            "rung": blocker.rung,
            "next_rung": blocker.next_rung,
            "next_rung_at": blocker.next_rung_at,
        }
    return StalledItem(
        **shown,
        blocker=_alarm(row) or (blocker.title if blocker is not None else ""),
        age_days=max(0, (own_now - row.opened_at).days),
        late_days=late_days(row, as_of),
    )


def _alarm(row: CaseView) -> str:
    if row.disagrees:
        return DISAGREE
    return STUCK if row.stuck else ""


class StepShape(Shape):
    """One step of the plan of a case, or a watch."""

    step: str
    title: str
    track: str
    state: str = Field(
        description="waiting, offered, accepted, done, held, skipped or not_applicable",
        examples=["offered"],
    )
    watch: bool
    role: str
    holder: str
    attempt: int
    due_at: datetime | None
    late_days: int
    reminders: int
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    escalation: str
    deciders: list[str]
    promised_on: date | None
    outcome: str
    happened_at: datetime | None
    valid_until: date | None
    unknown: bool = Field(description="Past due with no answer: how the person is, is not known.")
    outcomes: list[str]


class GateShape(Shape):
    """A gate that must be open at departure, and what shuts it."""

    gate: str
    open: bool
    why: str


class HandoverShape(Shape):
    """The plan to cross."""

    at: datetime
    crossing: str
    receiving: str
    departed_at: datetime | None


class ConsentShape(Shape):
    """A person's yes for one purpose."""

    purpose: str
    receiver: str
    until: date
    live: bool


class OfficeInCase(Shape):
    """An office of this case and the roles it holds here."""

    office: str
    roles: list[str]
    excluded: bool


class CaseShape(Shape):
    """A case: the sentence, the whole plan, the gates, what stands in the way."""

    case: str
    reference: str
    version: int
    corridor: str
    rules: str = Field(description="Version of the rules this case carries.")
    status: str
    place: str = Field(description="Country where the person is.")
    child: bool
    now: datetime = Field(description="The moment this was looked at, on the case's own clock.")
    opened_at: datetime
    waits_for: str
    turn: str
    step: str
    holder: str
    since: datetime | None
    due_at: datetime | None
    next_rung: str
    next_rung_at: datetime | None
    flags: list[str]
    bars: list[str]
    plan: list[StepShape]
    gates: list[GateShape]
    handover: HandoverShape | None
    consents: list[ConsentShape]
    offices: list[OfficeInCase]


def case_shape(case: Case, row: CaseView, at: datetime) -> CaseShape:
    """Return a whole case as of `at`, a moment on its own clock."""
    waiting = views.waits_for(case, at)
    applied = case.plan.gates.get("applies", gates.ALL)
    return CaseShape(
        case=case.id,
        reference=row.reference,
        version=case.version,
        corridor=case.plan.corridor,
        rules=case.plan.version,
        status=views.shown_state(case),
        place=case.place(),
        child=case.is_child(at),
        now=at,
        opened_at=row.opened_at,
        waits_for=waiting.text,
        turn=waiting.turn,
        step=waiting.step,
        holder=waiting.holder,
        since=waiting.since,
        due_at=waiting.due_at,
        next_rung=waiting.next_rung,
        next_rung_at=waiting.next_rung_at,
        flags=sorted(case.flags),
        bars=sorted(case.bars),
        plan=[step_shape(case, card, at) for card in case.plan.cards.values()],
        gates=[_gate(case, gate, at) for gate in applied],
        handover=_handover(case),
        consents=[
            ConsentShape(
                purpose=c.purpose,
                receiver=c.receiver,
                until=c.until,
                live=c.withdrawn_at is None and not c.lapsed,
            )
            for c in case.consents
        ],
        offices=_offices(case),
    )


def step_shape(case: Case, card: Card, at: datetime) -> StepShape:
    """Return one card of the plan as it stands in this case."""
    task = views.shown_task(case, card.id)
    coming = views.next_rung(task) if task is not None and task.is_open else None
    return StepShape(
        step=card.id,
        title=card.title,
        track=card.track,
        state=views.step_state(case, card.id, at),
        watch=card.watch,
        role=card.owner,
        holder=task.holder if task is not None else "",
        attempt=task.attempt if task is not None else 0,
        due_at=task.due_at if task is not None else None,
        late_days=views.late_days(case, task, at) if task is not None else 0,
        reminders=task.reminders if task is not None else 0,
        rung=task.rung if task is not None else NO_RUNG,
        next_rung=coming[0] if coming is not None else "",
        next_rung_at=coming[1] if coming is not None else None,
        escalation=task.escalation if task is not None else NO_RUNG,
        deciders=list(task.deciders) if task is not None else [],
        promised_on=task.promised_on if task is not None else None,
        outcome=task.outcome if task is not None else "",
        happened_at=task.happened_at if task is not None else None,
        valid_until=task.valid_until if task is not None else None,
        unknown=task is not None and views.is_unknown(case, task, at),
        outcomes=list(card.outcomes),
    )


def _gate(case: Case, gate: str, at: datetime) -> GateShape:
    found = gates.state(case, gate, at)
    return GateShape(gate=gate, open=found.open, why=found.why)


def _handover(case: Case) -> HandoverShape | None:
    plan = case.standing
    if plan is None:
        return None
    return HandoverShape(
        at=plan.at, crossing=plan.crossing, receiving=plan.receiving, departed_at=plan.departed_at
    )


def _offices(case: Case) -> list[OfficeInCase]:
    held: dict[str, list[str]] = {}
    for role, office in case.roles.items():
        held.setdefault(office, []).append(role)
    return [
        OfficeInCase(office=office, roles=roles, excluded=case.offices[office].excluded)
        for office, roles in held.items()
        if office in case.offices
    ]


class ForeseenShape(Shape):
    """A reminder or rung that comes if nobody acts."""

    step: str
    title: str
    rung: str = Field(examples=["E2"])
    at: datetime
    to: list[str]


class ForecastShape(Shape):
    """What happens, in order, if nobody acts."""

    case: str
    reference: str
    version: int
    now: datetime
    if_nobody_acts: list[ForeseenShape]


def forecast_shape(case: Case, row: CaseView, at: datetime, days: int) -> ForecastShape:
    """Return what the core foresees from `at` on."""
    return ForecastShape(
        case=case.id,
        reference=row.reference,
        version=case.version,
        now=at,
        if_nobody_acts=[
            ForeseenShape(
                step=found.step,
                title=case.plan.cards[found.step].title,
                rung=found.rung,
                at=found.at,
                to=list(found.to),
            )
            for found in views.forecast(case, at, days)
            if found.step in case.plan.cards
        ],
    )


class MovedShape(Shape):
    """An open step whose due date would move."""

    step: str
    old: datetime | None
    new: datetime


class NewerRulesShape(Shape):
    """What moving the case to the rules in force would change."""

    rules_now: str
    rules_newer: str
    same: bool = Field(description="The case follows these rules already.")
    due_dates: list[MovedShape]
    vanished: list[str] = Field(description="Open steps that the newer rules do not know.")
    begun: list[str] = Field(description="Steps that would be offered at once.")


def newer_rules_shape(case: Case, plan: Plan, digest: str, at: datetime) -> NewerRulesShape:
    """Return what the core says `adopt_rules` would do now."""
    found = preview.adopting(case, plan, digest, at)
    return NewerRulesShape(
        rules_now=case.plan.version,
        rules_newer=plan.version,
        same=digest == case.plan_digest,
        due_dates=[MovedShape(step=m.step, old=m.old, new=m.new) for m in found.moved],
        vanished=list(found.vanished),
        begun=list(found.begun),
    )


# -- tasks


class TaskItem(Shape):
    """A task in the hands of an office. Nothing about the person."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str = Field(examples=["offered"])
    holder: str
    offered_at: datetime
    due_at: datetime | None
    late_days: int
    rung: str
    next_rung: str
    next_rung_at: datetime | None
    promised_on: date | None
    on_hold: bool
    version: int


def task_item(row: TaskView, own_now: datetime) -> TaskItem:
    """Return a row of an office's list; days late are whole days here, the law's stand in it."""
    late = 0 if row.due_at is None else max(0, (own_now - row.due_at).days)
    return TaskItem(
        case=row.case_id,
        reference=row.reference,
        corridor=row.corridor,
        step=row.step,
        attempt=row.attempt,
        title=row.title,
        state=row.state,
        holder=row.holder,
        offered_at=row.offered_at,
        due_at=row.due_at,
        late_days=late,
        rung=row.rung,
        next_rung=row.next_rung,
        next_rung_at=row.next_rung_at,
        promised_on=row.promised_on,
        on_hold=row.on_hold,
        version=row.case_version,
    )


class OutcomeShape(Shape):
    """A way a step can end, and the fields that it needs."""

    outcome: str
    needs: list[str]


def outcomes_of(card: Card) -> list[OutcomeShape]:
    """Return every way this step can end."""
    return [OutcomeShape(outcome=o.name, needs=list(o.needs)) for o in card.outcomes.values()]


class TaskShape(Shape):
    """One task with what its holder needs to do it, and nothing more."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str
    holder: str
    offered_at: datetime
    due_at: datetime | None
    late_days: int
    rung: str
    promised_on: date | None
    on_hold: bool
    version: int
    outcomes: list[OutcomeShape]
    carries: list[str] = Field(description="Which data about the person this task may see.")
    about: dict[str, str] = Field(
        description="What is known of that data. Only the office that holds the task reads it.",
        examples=[{"names": "Noi S.", "sex": "female"}],
    )


def task_shape(
    case: Case,
    task: Task,
    card: Card,
    reference: str,
    at: datetime,
    carries: Iterable[str],
    about: dict[str, str],
) -> TaskShape:
    """Return one task as its holder, or somebody who sees the whole case, reads it."""
    return TaskShape(
        case=case.id,
        reference=reference,
        corridor=case.plan.corridor,
        step=task.step,
        attempt=task.attempt,
        title=card.title,
        state=views.step_state(case, task.step, at),
        holder=task.holder,
        offered_at=task.offered_at,
        due_at=task.due_at,
        late_days=views.late_days(case, task, at),
        rung=task.rung,
        promised_on=task.promised_on,
        on_hold=case.on_hold,
        version=case.version,
        outcomes=outcomes_of(card),
        carries=sorted(carries),
        about=about,
    )


# -- escalations


class EscalationItem(Shape):
    """An open question to offices, or how it ended."""

    case: str
    reference: str
    corridor: str
    step: str
    attempt: int
    title: str
    state: str = Field(examples=["open"])
    rung: str = Field(examples=["E2"])
    deciders: list[str]
    holder: str
    due_at: datetime | None
    opened_at: datetime
    ended_at: datetime | None
    decision: str
    decided_by: str


def escalation_item(row: EscalationView) -> EscalationItem:
    """Return a row of the list of escalations."""
    return EscalationItem(
        case=row.case_id,
        **{
            name: getattr(row, name)
            for name in EscalationItem.model_fields
            if name not in {"case", "deciders"}
        },
        deciders=list(row.deciders),
    )


# -- corridors and offices


class CorridorItem(Shape):
    """A way home and whose rules it follows."""

    corridor: str = Field(examples=["th-la"])
    title: str
    host: str
    origin: str
    home: str = Field(description="The side whose offices hold the case: host or origin.")
    version: str
    source: str


class CardShape(Shape):
    """One card of the rules."""

    step: str
    title: str
    track: str
    owner: str
    after: list[str]
    applies_to: list[str]
    within: str
    ladder: str
    waivable_by: list[str]
    outcomes: list[OutcomeShape]
    watch: bool
    source: str


class CorridorShape(CorridorItem):
    """A corridor with all its cards."""

    cards: list[CardShape]
    gates: list[str]


def corridor_item(plan: Plan, title: str, source: str) -> CorridorItem:
    """Return a corridor as the list shows it."""
    return CorridorItem(
        corridor=plan.corridor,
        title=title,
        host=plan.host,
        origin=plan.origin,
        home=plan.home,
        version=plan.version,
        source=source,
    )


def corridor_shape(plan: Plan, title: str, source: str) -> CorridorShape:
    """Return a corridor with its cards as a person would read them."""
    return CorridorShape(
        **corridor_item(plan, title, source).model_dump(),
        cards=[_card(card) for card in plan.cards.values()],
        gates=list(plan.gates.get("applies", gates.ALL)),
    )


def _card(card: Card) -> CardShape:
    return CardShape(
        step=card.id,
        title=card.title,
        track=card.track,
        owner=card.owner,
        after=[_need(need.any_of, need.when) for need in card.after],
        applies_to=list(card.applies_to),
        within=str(card.within) if card.within is not None else "",
        ladder=card.ladder,
        waivable_by=list(card.waivable_by),
        outcomes=[_outcome(outcome) for outcome in card.outcomes.values()],
        watch=card.watch,
        source=card.source,
    )


def _need(any_of: Iterable[str], when: Iterable[str]) -> str:
    words, conditions = " or ".join(any_of), " and ".join(when)
    return f"{words} when {conditions}" if conditions else words


def _outcome(outcome: Outcome) -> OutcomeShape:
    return OutcomeShape(outcome=outcome.name, needs=list(outcome.needs))


class OfficeShape(Shape):
    """An office of the register: where it is and how it is reached."""

    office: str = Field(examples=["th-datip"])
    name: str
    country: str
    province: str
    roles: list[str]
    under: str
    organisation: str
    channel: str
    language: str
    hours: str


def office_shape(office: RegisteredOffice) -> OfficeShape:
    """Return an office of the register."""
    return OfficeShape(
        office=office.id,
        name=office.name,
        country=office.country,
        province=office.province,
        roles=list(office.roles),
        under=office.under,
        organisation=office.organisation,
        channel=office.channel,
        language=office.language,
        hours=office.hours,
    )
