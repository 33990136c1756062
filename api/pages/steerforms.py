"""The forms that steer a case: what each asks, when it fits, and under which heading it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from api.pages.actforms import HELD_BY_A_PERSON, TASK_FORMS, Desk, approver
from api.pages.forms import Field, Form, Option
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
    form: Callable[[Desk], Form]


@dataclass(frozen=True, slots=True)
class Group:
    """Some forms under one heading."""

    title: str
    forms: tuple[Form, ...]

    @property
    def is_open(self) -> bool:
        """True when one of its forms has something to say."""
        return any(form.is_open for form in self.forms)


def of_case(desk: Desk, wrong: Form | None = None) -> list[Group]:
    """The forms by which this caller may steer the case now; `wrong` takes its own form's place."""
    shown: dict[str, list[Form]] = {}
    for act, steering in steering_acts().items():
        if wrong is not None and wrong.do == act:
            shown.setdefault(steering.group, []).append(wrong)
        elif desk.may(act) and _fits(desk, act):
            form = steering.form(desk)
            if _can_be_filled(form):
                shown.setdefault(steering.group, []).append(form)
    t = desk.look.words
    return [Group(t(f"steering.{group}"), tuple(forms)) for group, forms in shown.items()]


def form_of(desk: Desk, act: str) -> Form | None:
    """The form of an act, whether or not it fits now: sent twice it is answered the same."""
    found = steering_acts().get(act)
    return found.form(desk) if found is not None and desk.may(act) else None


def _can_be_filled(form: Form) -> bool:
    return all(f.options for f in form.fields if f.kind == "select" and f.required)


# -- steps to choose from


def _step(desk: Desk, act: str) -> Field:
    """The steps on which this act is open."""
    return desk.choice(
        "step", desk.steps(lambda card, _: desk.can(act, card.id).is_open), required=True
    )


def purposes(desk: Desk, names: Iterable[str]) -> list[Option]:
    """What consents are for, as the rules call it."""
    titles = desk.look.services.rulebook.table("releases.toml").get("purposes", {})
    return [Option(name, str(titles.get(name, {}).get("title", name))) for name in names]


# -- the forms


def _happened(desk: Desk) -> Field:
    return desk.field("happened", "moment", hint="hints.happened")


def _consent(desk: Desk) -> Form:
    return desk.form(
        "consent",
        desk.choice("purpose", purposes(desk, desk.case.procedure.purposes), required=True),
        desk.choice("for", desk.words_of("people", HELD_BY_A_PERSON), hint="hints.consent_for"),
        desk.choice("receiver", desk.offices(), hint="hints.receiver"),
        desk.field("until", "day", hint="hints.until_consent"),
        _happened(desk),
    )


def _withdraw_consent(desk: Desk) -> Form:
    given = dict.fromkeys(c.purpose for c in desk.case.person.consents if c.withdrawn_at is None)
    purpose = desk.choice("purpose", purposes(desk, given), required=True)
    return desk.form("withdraw_consent", purpose, _happened(desk))


def _flag(desk: Desk) -> Form:
    flags = desk.words_of("flags", (name for name in FLAGS if name not in desk.case.person.flags))
    return desk.form("flag", desk.choice("flag", flags, required=True))


def _unflag(desk: Desk) -> Form:
    flags = desk.words_of("flags", desk.case.person.flags)
    return desk.form("unflag", desk.choice("flag", flags, required=True))


def _bar(desk: Desk) -> Form:
    kinds = desk.words_of("bars", (kind for kind in BARS if kind not in desk.case.person.bars))
    return desk.form(
        "bar",
        desk.choice("kind", kinds, required=True),
        desk.choice("owner", desk.offices(), hint="hints.owner"),
        desk.field("review", "day", required=True),
        desk.reason(required=False),
    )


def _lift_bar(desk: Desk) -> Form:
    mine = [bar.kind for bar in desk.case.person.bars.values() if bar.owner == desk.caller.office]
    return desk.form("lift_bar", desk.choice("kind", desk.words_of("bars", mine), required=True))


def _plan_handover(desk: Desk) -> Form:
    return desk.form(
        "plan_handover",
        desk.field("date", "moment", required=True),
        desk.choice("crossing", _crossings(desk), required=True, hint="hints.crossing"),
        desk.choice("receiving", desk.offices(), hint="hints.receiving"),
    )


def _crossings(desk: Desk) -> list[Option]:
    """Those of the corridor, as the rules have them; one that is shut says so."""
    t, case = desk.look.words, desk.case
    return [
        Option(
            one.id,
            t("plan.shut_crossing", crossing=one.name)
            if case.crossings.get(one.id) == "closed"
            else one.name,
        )
        for one in crossings_of(desk.look.services.rulebook, case.procedure.corridor)
    ]


def _hold(desk: Desk) -> Form:
    until = desk.field("until", "day", required=True, hint="hints.until_hold")
    return desk.form("hold", desk.reason(), until)


def _extend(desk: Desk) -> Form:
    due = desk.field("due", "day", required=True)
    return desk.form("extend", _step(desk, "extend"), due, desk.reason())


def _reassign(desk: Desk) -> Form:
    to = desk.choice("to", desk.offices(), required=True)
    return desk.form("reassign", _step(desk, "reassign"), to, desk.reason())


def _correct(desk: Desk) -> Form:
    return desk.form(
        "correct",
        desk.radio("fact", desk.words_of("facts", FACTS)),
        desk.choice("step", desk.steps(_has_outcome), hint="hints.step_corrected"),
        desk.field("value", "line", required=True, hint="hints.value"),
        desk.reason(),
    )


def _close(desk: Desk) -> Form:
    reason = desk.reason(required=False)
    return desk.form("close", approver(desk, required=True), reason, danger=True)


def _has_outcome(card: Card, task: Task | None) -> bool:
    del card
    return task is not None and task.state == "done"


def _newer_rules(desk: Desk) -> bool:
    ready = desk.look.services.procedures.get(desk.case.procedure.corridor)
    return ready is not None and ready.digest != desk.case.procedure_digest


def _fits(desk: Desk, act: str) -> bool:
    """True where the core has the act open; one on a step where some step has it open."""
    if ACTS[act].about != "case":
        return not desk.case.ended
    if act == "adopt_rules" and not _newer_rules(desk):
        return False
    return desk.can(act).is_open


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
    return Steering("case", lambda desk: desk.form(name, *_fields(desk, name)))


def _fields(desk: Desk, name: str) -> Iterator[Field]:
    act = ACTS[name]
    for key, kind in act.kinds.items():
        required = key in act.needed
        if kind == "step":
            yield _step(desk, name)
        elif kind == "office":
            yield desk.choice(key, desk.offices(), required=required)
        elif kind == "user":
            yield approver(desk, required=required)
        elif kind in KIND_OF_FIELD:
            yield desk.field(key, KIND_OF_FIELD[kind], required=required)
    if "reason" in act.needs:
        yield desk.reason()
