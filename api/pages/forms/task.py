"""The forms of a task and of a decision: which questions they ask, and for whom they are shown.

A form is shown where the rules would let the act through; the core still has the last word.
"""

from __future__ import annotations

from dataclasses import replace

from api.pages.forms.base import Field, Form, Option
from api.pages.forms.case import CaseForms
from domain.case import steps
from domain.case.acts import checks
from domain.case.acts.escalation import DECISIONS
from domain.case.acts.task import ALARMS
from domain.case.core import command_of
from domain.work.procedure import Card, Outcome
from domain.work.state import Task
from domain.work.tasks import owner_of

RESULT = "result."
TASK_FORMS = ("accept", "complete", "promise", "note", "alarm", "decline")
OPEN_TO_OTHERS = frozenset({"note", "alarm"})  # of the case, though they do not hold the step


# -- a task


def forms_of_task(case_forms: CaseForms, card: Card, task: Task | None) -> list[Form]:
    """What this caller can do with one step: as its holder, or recording for whoever holds it."""
    case = case_forms.case
    if (
        card.watch
        or case.ended
        or not case_forms.context.services.policy.may(case_forms.caller, "tasks.act")
    ):
        return []
    holder = holder_of(case_forms, card)
    holds = holder == case_forms.caller.office
    for_other = "" if holds or not records_for(case_forms, card, holder) else holder
    del task
    shown = {
        do: (holds and case_forms.can(do, card.id).is_open)
        or (do == "complete" and bool(for_other) and case_forms.can(do, card.id, for_other).is_open)
        or (do in OPEN_TO_OTHERS and case_forms.can(do, card.id).is_open)
        for do in TASK_FORMS
    }
    made = (task_form(case_forms, card, do, for_other) for do, show in shown.items() if show)
    return [form for form in made if form is not None]


def task_form(case_forms: CaseForms, card: Card, do: str, for_other: str = "") -> Form | None:
    """The form of an act on a task, whatever its state; the core refuses what cannot be."""
    match do:
        case "accept":
            return case_forms.form(do, always_open=True)
        case "complete":
            return complete(case_forms, card, for_other)
        case "promise":
            return case_forms.form(do, case_forms.field("date", "day", required=True))
        case "note":
            return case_forms.form(do, case_forms.field("note", "area", required=True))
        case "alarm":
            kind = case_forms.radio(
                "kind", case_forms.words_of("alarms", ALARMS), label="fields.alarm_kind"
            )
            return case_forms.form(do, kind, case_forms.reason(required=False), danger=True)
        case "decline":
            return case_forms.form(do, case_forms.reason(), danger=True)
    return None


def holder_of(case_forms: CaseForms, card: Card) -> str:
    """The office that holds a step, or would."""
    return checks.holder_of(case_forms.case, card, owner_of(case_forms.case, card))


def records_for(case_forms: CaseForms, card: Card, holder: str) -> bool:
    """True when this office may write down what the holder answered by letter or phone."""
    asked = command_of(
        "complete", by=case_forms.caller.office, user=case_forms.caller.user, for_=holder
    )
    return checks.records_for(case_forms.case, card, asked, holder)


def complete(case_forms: CaseForms, card: Card, for_other: str) -> Form:
    """How a step ended, with the questions of its kind."""
    t = case_forms.context.words
    form = case_forms.form(
        "complete",
        case_forms.radio(
            "outcome", [_outcome(case_forms, outcome) for outcome in card.outcomes.values()]
        ),
        *_of_kind(case_forms, card),
        case_forms.field("happened", "moment", hint="hints.happened"),
        *([case_forms.field("result.channel", "line", hint="hints.channel")] if for_other else []),
        case_forms.reason(required=False),
        always_open=True,
    )
    if not for_other:
        return form
    intro = t("acts.complete.for_other", office=case_forms.context.office(for_other))
    hidden = (*form.fields, case_forms.hidden("for", for_other))
    return replace(form, title=t("acts.complete.title_for_other"), intro=intro, fields=hidden)


def _outcome(case_forms: CaseForms, outcome: Outcome) -> Option:
    t = case_forms.context.words
    needs = ", ".join(t(f"fields.{field_name(need)}") for need in outcome.needs)
    hint = t("hints.needs", fields=needs) if needs else ""
    return Option(outcome.name, t.word("outcomes", outcome.name), hint)


def field_name(need: str) -> str:
    """The field of the request that a card's `needs` means."""
    return f"{RESULT}{need}" if need in steps.RESULT else need


def _of_kind(case_forms: CaseForms, card: Card) -> list[Field]:
    needed = list(dict.fromkeys(n for o in card.outcomes.values() for n in o.needs))
    found: list[Field] = []
    for need in needed:
        name = field_name(need)
        if need == "approved_by":
            found.append(approver(case_forms))
        elif need in {"valid_until", "until", "review"}:
            found.append(case_forms.field(name, "day", hint=f"hints.{need}"))
        else:
            found.append(case_forms.field(name, "line", hint=f"hints.{need}"))
    if card.kind == "review":
        found.append(case_forms.field("until", "day", hint="hints.until_review"))
        kinds = [
            t.about for t in case_forms.case.work.tasks.get(card.id, ()) if t.is_open and t.about
        ]
        if len(kinds) > 1:
            found.append(
                case_forms.choice("kind", case_forms.words_of("bars", kinds), required=True)
            )
    if card.repeat_after and card.consent == "notify_state":
        found.append(case_forms.field("result.evidence", "area", hint="hints.evidence"))
    return found


def approver(case_forms: CaseForms, *, required: bool = False) -> Field:
    """Who approves: somebody else who works in this case."""
    others = [
        Option(user, name) for user, name in case_forms.people if user != case_forms.caller.user
    ]
    return case_forms.choice("approved_by", others, required=required, hint="hints.approved_by")


# -- a decision


def decision_form(case_forms: CaseForms, card: Card) -> Form:
    """How an escalation ends."""
    t = case_forms.context.words
    able = {body.decision for body in case_forms.can("decide", card.id).bodies}
    options = [
        Option(name, t(f"decisions.{name}"), t.get(f"decisions.{name}_hint"))
        for name in DECISIONS
        if name in able or not able  # decided meanwhile: what was sent is still answered
    ]
    return case_forms.form(
        "decide",
        case_forms.radio("decision", options),
        case_forms.field("due", "day", hint="hints.due_decided"),
        case_forms.choice("to", case_forms.offices(), hint="hints.to_decided"),
        case_forms.reason(),
        always_open=True,
    )
