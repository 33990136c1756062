"""One caller before one case: which acts are open to them, and the questions that forms ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from api.case_access import SeenCase
from api.pages.context import PageContext
from api.pages.forms.base import Field, Form, Option, new_key
from api.policy import Caller, permission_of
from domain.case import reading
from domain.case.acts import checks
from domain.case.possible import Possible, possible_act
from domain.case.state import Case
from domain.work.procedure import Card
from domain.work.state import Task

HELD_BY_A_PERSON = ("person", "guardian")


@dataclass(frozen=True)
class CaseForms:
    """One caller before one case: what the forms need to know. `people`: id and name of users."""

    context: PageContext
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
        return self.context.moment(self.looked.at).rpartition("(")[2].rstrip(")")

    def may(self, act: str) -> bool:
        """True when the account's role includes the act, and the office's role in this case too."""
        policy = self.context.services.policy
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
        return self.context.office(word) if word in self.case.work.offices else word

    # -- questions

    def field(self, name: str, kind: str, *, required: bool = False, hint: str = "") -> Field:
        """A question with the label that the words have for its name."""
        t = self.context.words
        said = t(hint, zone=self.zone_name) if hint else ""
        if kind == "moment" and not hint:
            said = t("hints.zone", zone=self.zone_name)
        return Field(name, kind, t(f"fields.{name}"), said, required)

    def choice(
        self, name: str, options: Iterable[Option], *, required: bool = False, hint: str = ""
    ) -> Field:
        """A question with a list of answers."""
        t = self.context.words
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
        said = self.context.words(label or f"fields.{name}")
        return Field(name, "radio", said, required=True, options=tuple(options))

    def hidden(self, name: str, value: str) -> Field:
        """What the page knows already and the act must say."""
        return Field(name, "hidden", name, typed=(value,))

    def reason(self, *, required: bool = True) -> Field:
        """Why, in one's own words."""
        return self.field("reason", "area", required=required, hint="hints.reason")

    def words_of(self, group: str, names: Iterable[str]) -> list[Option]:
        """Words of the rules as options."""
        return [Option(name, self.context.words.word(group, name)) for name in names]

    def offices(self) -> list[Option]:
        """Every office that holds a role in this case and may act in it."""
        held: dict[str, list[str]] = {}
        for role, office in self.case.work.roles.items():
            known = self.case.work.offices.get(office)
            if known is not None and not known.excluded and office not in HELD_BY_A_PERSON:
                held.setdefault(office, []).append(role)
        return [Option(office, self.context.office(office)) for office in held]

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
        t = self.context.words
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
