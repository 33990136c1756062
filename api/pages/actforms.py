"""The forms of a task and of a decision: which questions they ask, and for whom they are shown.

A form is shown where the rules would let the act through; the core still has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from api.case_access import SeenCase
from api.pages.forms import Field, Form, Option, new_key
from api.pages.look import Look
from api.policy import Caller, permission_of
from domain.case import reading, steps
from domain.case.acts import checks
from domain.case.acts.escalation import DECISIONS
from domain.case.acts.task import ALARMS
from domain.case.core import command_of
from domain.case.possible import Possible, possible_act
from domain.case.state import Case
from domain.work.procedure import Card, Outcome
from domain.work.state import Task
from domain.work.tasks import owner_of

RESULT = "result."
HELD_BY_A_PERSON = ("person", "guardian")
TASK_FORMS = ("accept", "complete", "promise", "note", "alarm", "decline")
OPEN_TO_OTHERS = frozenset({"note", "alarm"})  # of the case, though they do not hold the step


@dataclass(frozen=True)
class Desk:
    """One caller before one case: what the forms need to know. `people`: id and name of users."""

    look: Look
    caller: Caller
    looked: SeenCase
    people: tuple[tuple[str, str], ...] = ()

    @property
    def case(self) -> Case:
        """The case."""
        return self.looked.case

    @cached_property
    def zone_name(self) -> str:
        """The zone in which moments are typed, as people call it."""
        return self.look.moment(self.looked.at).rpartition("(")[2].rstrip(")")

    def may(self, act: str) -> bool:
        """True when the account's role includes the act, and the office's role in this case too."""
        policy = self.look.services.policy
        patterns = self.case.procedure.access.get(act)
        return policy.may(self.caller, permission_of(act)) and (
            patterns is None or checks.roles_match(self.case, self.caller.office, patterns)
        )

    def can(self, act: str, step: str = "", for_: str = "") -> Possible:
        """Whether the act is open here, by the core's own checks; what refuses it if not."""
        office, user = self.caller.office, self.caller.user
        return possible_act(act, self.case, office, user, self.looked.at, step=step, for_=for_)

    def name_of(self, word: str) -> str:
        """A step or an office of this case as people call it; other words stay."""
        card = self.case.card(word)
        if card is not None:
            return card.title
        return self.look.office(word) if word in self.case.work.offices else word

    # -- questions

    def field(self, name: str, kind: str, *, required: bool = False, hint: str = "") -> Field:
        """A question with the label that the words have for its name."""
        t = self.look.words
        said = t(hint, zone=self.zone_name) if hint else ""
        if kind == "moment" and not hint:
            said = t("hints.zone", zone=self.zone_name)
        return Field(name, kind, t(f"fields.{name}"), said, required)

    def choice(
        self, name: str, options: Iterable[Option], *, required: bool = False, hint: str = ""
    ) -> Field:
        """A question with a list of answers."""
        t = self.look.words
        return Field(
            name,
            "select",
            t(f"fields.{name}"),
            t(hint) if hint else "",
            required,
            tuple(options),
        )

    def radio(self, name: str, options: Iterable[Option], *, label: str = "") -> Field:
        """A question with a few answers, all of them to be seen at once."""
        said = self.look.words(label or f"fields.{name}")
        return Field(name, "radio", said, required=True, options=tuple(options))

    def hidden(self, name: str, value: str) -> Field:
        """What the page knows already and the act must say."""
        return Field(name, "hidden", name, typed=(value,))

    def reason(self, *, required: bool = True) -> Field:
        """Why, in one's own words."""
        return self.field("reason", "area", required=required, hint="hints.reason")

    def words_of(self, group: str, names: Iterable[str]) -> list[Option]:
        """Words of the rules as options."""
        return [Option(name, self.look.words.word(group, name)) for name in names]

    def offices(self) -> list[Option]:
        """Every office that holds a role in this case and may act in it."""
        held: dict[str, list[str]] = {}
        for role, office in self.case.work.roles.items():
            known = self.case.work.offices.get(office)
            if known is not None and not known.excluded and office not in HELD_BY_A_PERSON:
                held.setdefault(office, []).append(role)
        return [Option(office, self.look.office(office)) for office in held]

    def steps(self, wanted: Callable[[Card, Task | None], bool]) -> list[Option]:
        """The steps of the plan for which that is so."""
        found = []
        for card in self.case.procedure.cards.values():
            task = reading.shown_task(self.case, card.id)
            if not card.watch and wanted(card, task):
                found.append(Option(card.id, card.title))
        return found

    def form(
        self, do: str, *fields: Field, danger: bool = False, always_open: bool = False
    ) -> Form:
        """A form with the texts that the words have for this act."""
        t = self.look.words
        return Form(
            do=do,
            title=t(f"acts.{do}.title"),
            submit=t(f"acts.{do}.submit"),
            intro=t.get(f"acts.{do}.intro"),
            fields=(*fields, self.hidden("by", self.caller.office)),
            version=self.case.version,
            key=new_key(),
            danger=danger,
            always_open=always_open,
        )


# -- a task


def of_task(desk: Desk, card: Card, task: Task | None) -> list[Form]:
    """What this caller can do with one step: as its holder, or recording for whoever holds it."""
    case = desk.case
    if card.watch or case.ended or not desk.look.services.policy.may(desk.caller, "tasks.act"):
        return []
    holder = holder_of(desk, card)
    holds = holder == desk.caller.office
    for_other = "" if holds or not records_for(desk, card, holder) else holder
    del task
    shown = {
        do: (holds and desk.can(do, card.id).is_open)
        or (do == "complete" and bool(for_other) and desk.can(do, card.id, for_other).is_open)
        or (do in OPEN_TO_OTHERS and desk.can(do, card.id).is_open)
        for do in TASK_FORMS
    }
    made = (task_form(desk, card, do, for_other) for do, show in shown.items() if show)
    return [form for form in made if form is not None]


def task_form(desk: Desk, card: Card, do: str, for_other: str = "") -> Form | None:
    """The form of an act on a task, whatever its state; the core refuses what cannot be."""
    match do:
        case "accept":
            return desk.form(do, always_open=True)
        case "complete":
            return complete(desk, card, for_other)
        case "promise":
            return desk.form(do, desk.field("date", "day", required=True))
        case "note":
            return desk.form(do, desk.field("note", "area", required=True))
        case "alarm":
            kind = desk.radio("kind", desk.words_of("alarms", ALARMS), label="fields.alarm_kind")
            return desk.form(do, kind, desk.reason(required=False), danger=True)
        case "decline":
            return desk.form(do, desk.reason(), danger=True)
    return None


def holder_of(desk: Desk, card: Card) -> str:
    """The office that holds a step, or would."""
    return checks.holder_of(desk.case, card, owner_of(desk.case, card))


def records_for(desk: Desk, card: Card, holder: str) -> bool:
    """True when this office may write down what the holder answered by letter or phone."""
    asked = command_of("complete", by=desk.caller.office, user=desk.caller.user, for_=holder)
    return checks.records_for(desk.case, card, asked, holder)


def complete(desk: Desk, card: Card, for_other: str) -> Form:
    """How a step ended, with the questions of its kind."""
    t = desk.look.words
    form = desk.form(
        "complete",
        desk.radio("outcome", [_outcome(desk, outcome) for outcome in card.outcomes.values()]),
        *_of_kind(desk, card),
        desk.field("happened", "moment", hint="hints.happened"),
        *([desk.field("result.channel", "line", hint="hints.channel")] if for_other else []),
        desk.reason(required=False),
        always_open=True,
    )
    if not for_other:
        return form
    intro = t("acts.complete.for_other", office=desk.look.office(for_other))
    hidden = (*form.fields, desk.hidden("for", for_other))
    return replace(form, title=t("acts.complete.title_for_other"), intro=intro, fields=hidden)


def _outcome(desk: Desk, outcome: Outcome) -> Option:
    t = desk.look.words
    needs = ", ".join(t(f"fields.{field_name(need)}") for need in outcome.needs)
    hint = t("hints.needs", fields=needs) if needs else ""
    return Option(outcome.name, t.word("outcomes", outcome.name), hint)


def field_name(need: str) -> str:
    """The field of the request that a card's `needs` means."""
    return f"{RESULT}{need}" if need in steps.RESULT else need


def _of_kind(desk: Desk, card: Card) -> list[Field]:
    needed = list(dict.fromkeys(n for o in card.outcomes.values() for n in o.needs))
    found: list[Field] = []
    for need in needed:
        name = field_name(need)
        if need == "approved_by":
            found.append(approver(desk))
        elif need in {"valid_until", "until", "review"}:
            found.append(desk.field(name, "day", hint=f"hints.{need}"))
        else:
            found.append(desk.field(name, "line", hint=f"hints.{need}"))
    if card.kind == "review":
        found.append(desk.field("until", "day", hint="hints.until_review"))
        kinds = [t.about for t in desk.case.work.tasks.get(card.id, ()) if t.is_open and t.about]
        if len(kinds) > 1:
            found.append(desk.choice("kind", desk.words_of("bars", kinds), required=True))
    if card.repeat_after and card.consent == "notify_state":
        found.append(desk.field("result.evidence", "area", hint="hints.evidence"))
    return found


def approver(desk: Desk, *, required: bool = False) -> Field:
    """Who approves: somebody else who works in this case."""
    others = [Option(user, name) for user, name in desk.people if user != desk.caller.user]
    return desk.choice("approved_by", others, required=required, hint="hints.approved_by")


# -- a decision


def decide(desk: Desk, card: Card) -> Form:
    """How an escalation ends."""
    t = desk.look.words
    able = {body.decision for body in desk.can("decide", card.id).bodies}
    options = [
        Option(name, t(f"decisions.{name}"), t.get(f"decisions.{name}_hint"))
        for name in DECISIONS
        if name in able or not able  # decided meanwhile: what was sent is still answered
    ]
    return desk.form(
        "decide",
        desk.radio("decision", options),
        desk.field("due", "day", hint="hints.due_decided"),
        desk.choice("to", desk.offices(), hint="hints.to_decided"),
        desk.reason(),
        always_open=True,
    )
