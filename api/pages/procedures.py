"""The parts of a case's page: its plan by track, gates, what comes if nobody acts, consents."""

from __future__ import annotations

from dataclasses import dataclass

from api.pages.forms.case import CaseForms
from api.pages.forms.steering import purposes
from api.pages.stalled import decide_url
from api.pages.tasks import task_url
from domain.case import consent, gates, reading
from domain.case.state import Case
from domain.work.calendars import calendar_for, calendar_here
from domain.work.ladder import rank
from domain.work.procedure import Card
from domain.work.state import Task
from domain.work.subject import open_tasks

OPEN = frozenset({"offered", "accepted", "held"})
FORECAST_DAYS = 400
FORESEEN_AT_ONCE = 8
# How a step stands for a reader: now, to come, over, or not for this person.
PHASES = {
    "offered": "now",
    "accepted": "now",
    "held": "now",
    "waiting": "next",
    "done": "done",
    "skipped": "done",
}
NOT_FOR_HER = "other"
NO_CONSENT = "no consent "  # how the core begins it


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the plan, ready to be read."""

    title: str
    phase: str
    state: str
    url: str
    lines: tuple[str, ...]
    late: bool


@dataclass(frozen=True, slots=True)
class Track:
    """Steps that belong together."""

    title: str
    steps: tuple[Step, ...]
    others: tuple[Step, ...]  # not for this person

    @property
    def now(self) -> int:
        """How many of its steps are open now."""
        return sum(step.phase == "now" for step in self.steps)

    @property
    def done(self) -> int:
        """How many are over."""
        return sum(step.phase == "done" for step in self.steps)


def state_of(case: Case) -> str:
    """The case's state as people read it."""
    return reading.shown_state(case)


def turn(case_forms: CaseForms) -> str:
    """Whose turn it is."""
    return reading.waits_for(case_forms.case, case_forms.looked.at).turn


def tracks(case_forms: CaseForms) -> list[Track]:
    """The plan, in the order of the rules; watches only while they run."""
    found: dict[str, list[Step]] = {}
    for card in case_forms.case.procedure.cards.values():
        task = reading.shown_task(case_forms.case, card.id)
        if card.watch and (task is None or not task.is_open):
            continue
        found.setdefault(card.track, []).append(_step(case_forms, card, task))
    word = case_forms.context.words.word
    return [
        Track(
            word("tracks", name),
            tuple(step for step in steps if step.phase != NOT_FOR_HER),
            tuple(step for step in steps if step.phase == NOT_FOR_HER),
        )
        for name, steps in found.items()
    ]


def _step(case_forms: CaseForms, card: Card, task: Task | None) -> Step:
    state = reading.step_state(case_forms.case, card.id, case_forms.looked.at)
    phase = PHASES.get(state, NOT_FOR_HER)
    t = case_forms.context.words
    due = task.due_at if task is not None and task.is_open else None
    shown = "watched" if card.watch else state
    lines = tuple(_lines(case_forms, task, phase)) if task is not None else ()
    linked = phase != NOT_FOR_HER and not card.watch
    url = task_url(case_forms.looked.row.reference, card.id) if linked else ""
    late = due is not None and due < case_forms.looked.at
    return Step(card.title, phase, t.word("states", shown), url, lines, late)


def _lines(case_forms: CaseForms, task: Task, phase: str) -> list[str]:
    context, t, at = case_forms.context, case_forms.context.words, case_forms.looked.at
    zone = calendar_for(case_forms.case, task.made_for).zone
    found: list[str] = []
    if phase == "done":
        if task.outcome and task.happened_at is not None:
            day = context.day(task.happened_at, zone)
            found.append(t("plan.outcome", outcome=t.word("outcomes", task.outcome), day=day))
        return found
    if phase != "now":
        return found
    found.append(t("plan.with", office=context.office(task.holder)))
    if task.left is not None:
        found.append(t("sentence.held", left=str(task.left)))
    elif task.due_at is not None:
        due = context.day(task.due_at, zone)
        found.append(t("sentence.due", due=due, distance=context.distance(task.due_at, at, zone)))
    if reading.is_unknown(case_forms.case, task, at):
        found.append(t("sentence.unknown"))
    if task.promised_on is not None:
        found.append(t("plan.promised", day=context.day(task.promised_on)))
    if task.escalation == "open":
        found.append(t("sentence.escalated", rung=t.word("rungs", task.rung)))
    elif rank(task.rung) > 0:
        found.append(t("sentence.reached", rung=t.word("rungs", task.rung)))
    return found


def mine(case_forms: CaseForms) -> list[tuple[str, str]]:
    """What the visitor's own offices can do here now, as text and address: tasks and decisions."""
    case, visitor, reference = (
        case_forms.case,
        case_forms.context.visitor,
        case_forms.looked.row.reference,
    )
    if visitor is None:
        return []
    found = [
        (case.procedure.cards[task.step].title, task_url(reference, task.step))
        for task in open_tasks(case)
        if task.holder in visitor.offices
    ]
    policy = case_forms.context.services.policy
    deciding = {c.office for c in visitor.callers if policy.may(c, "escalations.decide")}
    for attempts in case.work.tasks.values():
        for task in attempts:
            if task.escalation == "open" and deciding & set(task.deciders):
                title = case.procedure.cards[task.step].title
                said = case_forms.context.words("case.decide", title=title)
                found.append((said, decide_url(reference, task.step)))
    return found


# -- gates, forecast, consents, handover


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate and what shuts it."""

    title: str
    open: bool
    why: str


def gates_of(case_forms: CaseForms) -> list[Gate]:
    """The gates that must be open at departure."""
    table = case_forms.context.services.rulebook.table("gates.toml").get("gate", {})
    found = []
    for name in case_forms.case.procedure.gates.get("applies", gates.ALL):
        state = gates.state(case_forms.case, name, case_forms.looked.at)
        title = str(table.get(name, {}).get("title", name))
        found.append(Gate(title, state.open, _why(case_forms, state.why)))
    return found


def _why(case_forms: CaseForms, why: str) -> str:
    """What shut it: steps by their titles, an outcome or another word as people read it."""
    return ", ".join(_one_why(case_forms, part) for part in why.split(", ")) if why else ""


def _one_why(case_forms: CaseForms, why: str) -> str:
    step, _, rest = why.partition(" ")
    t = case_forms.context.words
    if why.startswith(NO_CONSENT):
        purpose = purposes(case_forms, [why.removeprefix(NO_CONSENT)])[0].label
        return t("whys.no_consent", purpose=purpose)
    if step not in case_forms.case.procedure.cards:
        return t.get(f"bars.{why}") or t.get(f"whys.{why}") or why.replace("_", " ")
    title = case_forms.case.procedure.cards[step].title
    return t("plan.why", title=title, outcome=t.word("outcomes", rest)) if rest else title


def forecast(case_forms: CaseForms) -> list[tuple[str, str, str, bool]]:
    """What comes if nobody acts: day, what, whom it reaches, and whether it is shown at once."""
    context, t = case_forms.context, case_forms.context.words
    found = []
    for number, seen in enumerate(
        reading.forecast(case_forms.case, case_forms.looked.at, FORECAST_DAYS)
    ):
        card = case_forms.case.procedure.cards.get(seen.step)
        if card is None:
            continue
        what = t("plan.foreseen", rung=t.word("rungs", seen.rung), title=card.title)
        found.append(
            (context.day(seen.at), what, context.offices(list(seen.to)), number < FORESEEN_AT_ONCE)
        )
    return found


def consents(case_forms: CaseForms) -> list[tuple[str, str, bool]]:
    """Every consent given: for what, until when or how it ended, whether it counts now."""
    context, t, case = case_forms.context, case_forms.context.words, case_forms.case
    found = []
    for given in case.person.consents:
        title = purposes(case_forms, [given.purpose])[0].label
        live = consent.is_live(case, given, case_forms.looked.at)
        if given.withdrawn_at is not None:
            said = t("plan.consent_withdrawn", day=context.day(given.withdrawn_at))
        else:
            said = t("plan.consent_until", day=context.day(given.until))
        if given.receiver:
            said = t("plan.consent_to", said=said, office=context.office(given.receiver))
        found.append((title, said, live))
    return found


def handover(case_forms: CaseForms) -> str:
    """The plan to cross that stands, in a sentence."""
    procedure, context = case_forms.case.handover, case_forms.context
    if procedure is None:
        return ""
    zone = calendar_here(case_forms.case).zone
    return context.words(
        "plan.handover",
        moment=context.moment(procedure.at, zone),
        crossing=context.crossing(procedure.crossing) or context.words("plan.no_crossing"),
        office=context.office(procedure.receiving),
    )
