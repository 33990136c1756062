"""The names one story file may use: its parties, persons, segments, and the words of its rules.

It answers whether a name is known and fails with a sentence when it is not; it reads no file.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from story import words
from story.model import PartyTable, Person, SegmentTable, split_role, split_step
from story.table import Table, not_allowed


@dataclass(frozen=True)
class Added:
    """Words that a rulebook adds to those of the contract; it may add, never rename."""

    steps: Mapping[str, Collection[str]] = field(default_factory=dict)
    corridors: Collection[str] = ()
    errors: Collection[str] = ()


AddedBy = Callable[[Path | None], Added]


@dataclass(frozen=True)
class Names:
    """Every name of one story file."""

    added: Added
    segments: tuple[SegmentTable, ...] = ()
    persons: tuple[Person, ...] = ()
    parties: Mapping[str, PartyTable] = field(default_factory=dict)
    added_segments: tuple[str, ...] = ()

    @property
    def steps(self) -> dict[str, tuple[str, ...]]:
        """Every step with its outcomes, those of the rulebook included."""
        every = dict(words.STEPS)
        for step, outcomes in self.added.steps.items():
            known = every.get(step, ())
            every[step] = (*known, *(one for one in outcomes if one not in known))
        return every

    @property
    def corridors(self) -> tuple[str, ...]:
        """Every corridor word."""
        return (*words.CORRIDORS, *self.added.corridors)

    @property
    def errors(self) -> tuple[str, ...]:
        """Every error word."""
        return (*words.ERRORS, *self.added.errors)

    def _here(self) -> tuple[str, ...]:
        return (*(one.corridor for one in self.segments), *self.added_segments)

    def party(self, table: Table, key: str) -> str | None:
        """A key of [parties], or a role, with its segment in front where several have it."""
        value = table.text(key)
        if value is not None:
            self.check_party(table, key, value)
        return value

    def check_party(self, table: Table, key: str, value: str) -> None:
        """Fails when the name is neither a party of this file nor a role."""
        if value in self.parties:
            return
        segment, role = split_role(value)
        if role not in words.ROLES:
            table.fail(key, not_allowed(value, (*self.parties, *words.ROLES), "party or role"))
        if segment and segment not in self._here():
            table.fail(key, not_allowed(segment, self._here(), "segment"))

    def step(self, table: Table, key: str = "step") -> str | None:
        """A step of the contract or the rules, with its segment in front where several have it."""
        value = table.text(key)
        if value is None:
            return None
        segment, name = split_step(value)
        if name not in self.steps:
            table.fail(key, not_allowed(value, self.steps, "step"))
        if segment and segment not in self._here():
            table.fail(key, not_allowed(segment, self._here(), "segment"))
        return value

    def outcomes(self, step: str) -> tuple[str, ...]:
        """The outcomes of a step as a file writes it; none when it is unknown."""
        return self.steps.get(split_step(step)[1], ())

    def outcome(self, table: Table, step: str | None) -> str | None:
        """An outcome of that step; of any step when none is named."""
        value = table.text("outcome")
        if value is None:
            return None
        every = self.outcomes(step) if step else [o for all_ in self.steps.values() for o in all_]
        if value not in every:
            table.fail("outcome", not_allowed(value, every, f"outcome of {step or 'any step'}"))
        return value

    def flag(self, table: Table, key: str, value: str) -> str:
        """A flag of 2.6; `conflict:PARTY` names a party."""
        if value.startswith(words.CONFLICT):
            self.check_party(table, key, value.removeprefix(words.CONFLICT))
        elif value not in words.FLAGS:
            table.fail(key, not_allowed(value, (*words.FLAGS, "conflict:PARTY"), "flag"))
        return value

    def who(self, table: Table, needed: bool) -> tuple[str, ...]:
        """The persons meant: an id, a list, "batch:b1" or "all"; everybody when left out.

        With `needed` (acts) it may be left out only where there is one person.
        """
        everybody = tuple(person.id for person in self.persons)
        given = table.texts("who")
        if given is None:
            if needed and len(everybody) > 1:
                table.fail("who", "is missing; with several persons an act names whom it is about")
            return everybody
        if not everybody:
            table.fail("who", "there is no person in this story")
        found: list[str] = []
        for name in given:
            found += [one for one in self._named(table, name, everybody) if one not in found]
        return tuple(found)

    def _named(self, table: Table, name: str, everybody: tuple[str, ...]) -> tuple[str, ...]:
        if name == "all":
            return everybody
        if name.startswith("batch:"):
            batch = name.removeprefix("batch:")
            found = tuple(person.id for person in self.persons if person.batch == batch)
            batches = dict.fromkeys(person.batch for person in self.persons if person.batch)
            if not found:
                table.fail("who", not_allowed(batch, batches, "batch"))
            return found
        if name not in everybody:
            table.fail("who", not_allowed(name, (*everybody, "all"), "person"))
        return (name,)
