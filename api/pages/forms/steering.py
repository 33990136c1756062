"""The forms that steer a case: what each asks, when it fits, and under which heading it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from api.pages.forms.base import Field, Form, Option
from api.pages.forms.case import HELD_BY_A_PERSON, CaseForms
from api.pages.forms.task import TASK_FORMS, approver
from domain.case.acts.person import BARS, FLAGS
from domain.case.acts.steering import FACTS
from domain.case.core import ACTS
from domain.rules.crossings import crossings_of
from domain.work.procedure import Card
from domain.work.state import Task

# How a field of an act is asked for on a page, by its kind (`domain/act.py`).
KIND_OF_FIELD = {
    "word": "line",
    "line": "line",
    "text": "area",
    "day": "day",
    "day_or_moment": "moment",
}


@dataclass(frozen=True, slots=True)
class Steering:
    """An act on a case, and the heading under which its form stands."""

    group: str
    form: Callable[[CaseForms], Form]


@dataclass(frozen=True, slots=True)
class Group:
    """Some forms under one heading."""

    title: str
    forms: tuple[Form, ...]

    @property
    def is_open(self) -> bool:
        """True when one of its forms has something to say."""
        return any(form.is_open for form in self.forms)


def of_case(case_forms: CaseForms, wrong: Form | None = None) -> list[Group]:
    """The forms by which this caller may steer the case now; `wrong` takes its own form's place."""
    shown: dict[str, list[Form]] = {}
    for act, steering in steering_acts().items():
        if wrong is not None and wrong.do == act:
            shown.setdefault(steering.group, []).append(wrong)
        elif case_forms.may(act) and _fits(case_forms, act):
            form = steering.form(case_forms)
            if _can_be_filled(form):
                shown.setdefault(steering.group, []).append(form)
    t = case_forms.context.words
    return [Group(t(f"steering.{group}"), tuple(forms)) for group, forms in shown.items()]


def form_of(case_forms: CaseForms, act: str) -> Form | None:
    """The form of an act, whether or not it fits now: sent twice it is answered the same."""
    found = steering_acts().get(act)
    return found.form(case_forms) if found is not None and case_forms.may(act) else None


def _can_be_filled(form: Form) -> bool:
    return all(f.options for f in form.fields if f.kind == "select" and f.required)


# -- steps to choose from


def _step(case_forms: CaseForms, act: str) -> Field:
    """The steps on which this act is open."""
    return case_forms.choice(
        "step",
        case_forms.steps(lambda card, _: case_forms.can(act, card.id).is_open),
        required=True,
    )


def purposes(case_forms: CaseForms, names: Iterable[str]) -> list[Option]:
    """What consents are for, as the rules call it."""
    titles = case_forms.context.services.rulebook.table("releases.toml").get("purposes", {})
    return [Option(name, str(titles.get(name, {}).get("title", name))) for name in names]


# -- the forms


def _happened(case_forms: CaseForms) -> Field:
    return case_forms.field("happened", "moment", hint="hints.happened")


def _consent(case_forms: CaseForms) -> Form:
    return case_forms.form(
        "consent",
        case_forms.choice(
            "purpose", purposes(case_forms, case_forms.case.procedure.purposes), required=True
        ),
        case_forms.choice(
            "for", case_forms.words_of("people", HELD_BY_A_PERSON), hint="hints.consent_for"
        ),
        case_forms.choice("receiver", case_forms.offices(), hint="hints.receiver"),
        case_forms.field("until", "day", hint="hints.until_consent"),
        _happened(case_forms),
    )


def _withdraw_consent(case_forms: CaseForms) -> Form:
    given = dict.fromkeys(
        c.purpose for c in case_forms.case.person.consents if c.withdrawn_at is None
    )
    purpose = case_forms.choice("purpose", purposes(case_forms, given), required=True)
    return case_forms.form("withdraw_consent", purpose, _happened(case_forms))


def _flag(case_forms: CaseForms) -> Form:
    flags = case_forms.words_of(
        "flags", (name for name in FLAGS if name not in case_forms.case.person.flags)
    )
    return case_forms.form("flag", case_forms.choice("flag", flags, required=True))


def _unflag(case_forms: CaseForms) -> Form:
    flags = case_forms.words_of("flags", case_forms.case.person.flags)
    return case_forms.form("unflag", case_forms.choice("flag", flags, required=True))


def _bar(case_forms: CaseForms) -> Form:
    kinds = case_forms.words_of(
        "bars", (kind for kind in BARS if kind not in case_forms.case.person.bars)
    )
    return case_forms.form(
        "bar",
        case_forms.choice("kind", kinds, required=True),
        case_forms.choice("owner", case_forms.offices(), hint="hints.owner"),
        case_forms.field("review", "day", required=True),
        case_forms.reason(required=False),
    )


def _lift_bar(case_forms: CaseForms) -> Form:
    mine = [
        bar.kind
        for bar in case_forms.case.person.bars.values()
        if bar.owner == case_forms.caller.office
    ]
    return case_forms.form(
        "lift_bar", case_forms.choice("kind", case_forms.words_of("bars", mine), required=True)
    )


def _plan_handover(case_forms: CaseForms) -> Form:
    return case_forms.form(
        "plan_handover",
        case_forms.field("date", "moment", required=True),
        case_forms.choice("crossing", _crossings(case_forms), required=True, hint="hints.crossing"),
        case_forms.choice("receiving", case_forms.offices(), hint="hints.receiving"),
    )


def _crossings(case_forms: CaseForms) -> list[Option]:
    """Those of the corridor, as the rules have them; one that is shut says so."""
    t, case = case_forms.context.words, case_forms.case
    return [
        Option(
            one.id,
            t("plan.shut_crossing", crossing=one.name)
            if case.crossings.get(one.id) == "closed"
            else one.name,
        )
        for one in crossings_of(case_forms.context.services.rulebook, case.procedure.corridor)
    ]


def _hold(case_forms: CaseForms) -> Form:
    until = case_forms.field("until", "day", required=True, hint="hints.until_hold")
    return case_forms.form("hold", case_forms.reason(), until)


def _extend(case_forms: CaseForms) -> Form:
    due = case_forms.field("due", "day", required=True)
    return case_forms.form("extend", _step(case_forms, "extend"), due, case_forms.reason())


def _reassign(case_forms: CaseForms) -> Form:
    to = case_forms.choice("to", case_forms.offices(), required=True)
    return case_forms.form("reassign", _step(case_forms, "reassign"), to, case_forms.reason())


def _correct(case_forms: CaseForms) -> Form:
    return case_forms.form(
        "correct",
        case_forms.radio("fact", case_forms.words_of("facts", FACTS)),
        case_forms.choice("step", case_forms.steps(_has_outcome), hint="hints.step_corrected"),
        case_forms.field("value", "line", required=True, hint="hints.value"),
        case_forms.reason(),
    )


def _close(case_forms: CaseForms) -> Form:
    reason = case_forms.reason(required=False)
    return case_forms.form("close", approver(case_forms, required=True), reason, danger=True)


def _has_outcome(card: Card, task: Task | None) -> bool:
    del card
    return task is not None and task.state == "done"


def _newer_rules(case_forms: CaseForms) -> bool:
    ready = case_forms.context.services.procedures.get(case_forms.case.procedure.corridor)
    return ready is not None and ready.digest != case_forms.case.procedure_digest


def _fits(case_forms: CaseForms, act: str) -> bool:
    """True where the core has the act open; one on a step where some step has it open."""
    if ACTS[act].about != "case":
        return not case_forms.case.ended
    if act == "adopt_rules" and not _newer_rules(case_forms):
        return False
    return case_forms.can(act).is_open


STEERING: dict[str, Steering] = {
    "consent": Steering("person", _consent),
    "withdraw_consent": Steering("person", _withdraw_consent),
    "flag": Steering("person", _flag),
    "unflag": Steering("person", _unflag),
    "bar": Steering("person", _bar),
    "lift_bar": Steering("person", _lift_bar),
    "correct": Steering("person", _correct),
    "extend": Steering("tasks", _extend),
    "reassign": Steering("tasks", _reassign),
    "withdraw": Steering("tasks", lambda d: d.form("withdraw", _step(d, "withdraw"))),
    "return": Steering(
        "tasks", lambda d: d.form("return", _step(d, "return"), d.reason(required=False))
    ),
    "skip": Steering("tasks", lambda d: d.form("skip", _step(d, "skip"), d.reason())),
    "plan_handover": Steering("road", _plan_handover),
    "depart": Steering("road", lambda d: d.form("depart", _happened(d))),
    "hold": Steering("case", _hold),
    "resume": Steering("case", lambda d: d.form("resume")),
    "adopt_rules": Steering("case", lambda d: d.form("adopt_rules")),
    "close": Steering("case", _close),
    "cancel": Steering("case", lambda d: d.form("cancel", d.reason(), danger=True)),
    "reopen": Steering("case", lambda d: d.form("reopen", d.reason(required=False))),
}


# -- an act without a form of its own


def steering_acts() -> dict[str, Steering]:
    """Every act that steers a case; one that nobody wrote a form for has one out of its fields."""
    asked_at_tasks = {*TASK_FORMS, "decide"}
    more = (name for name, act in ACTS.items() if act.permission and name not in asked_at_tasks)
    return {**STEERING, **{name: _of_fields(name) for name in more if name not in STEERING}}


def _of_fields(name: str) -> Steering:
    return Steering("case", lambda case_forms: case_forms.form(name, *_fields(case_forms, name)))


def _fields(case_forms: CaseForms, name: str) -> Iterator[Field]:
    act = ACTS[name]
    for key, kind in act.kinds.items():
        required = key in act.needed
        if kind == "step":
            yield _step(case_forms, name)
        elif kind == "office":
            yield case_forms.choice(key, case_forms.offices(), required=required)
        elif kind == "user":
            yield approver(case_forms, required=required)
        elif kind in KIND_OF_FIELD:
            yield case_forms.field(key, KIND_OF_FIELD[kind], required=required)
    if "reason" in act.needs:
        yield case_forms.reason()
