"""Plays a story on a stage and judges it: every act, every expectation, everything that never is.

One player for core and engine; it looks only at the events that a stage gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from pathlib import Path

from domain.case.commands import OpenCase
from domain.case.state import Case
from domain.rules.book import Rulebook, digest_of
from domain.work import events as e
from domain.work.procedure import Procedure
from story.expect import Finding, Looker
from story.history import History, LedgerPosition
from story.model import Act, Expect, Never, Person, Story, Value, World
from story.opening import opening_for, procedure_of
from story.stage import CoreStage, Stage
from story.timeline import Moment, before_opening, moments_of
from story.translate import Translator

# Words whose answer changes with the days although nothing happens.
TIME_ALONE = frozenset({"late_days", "age_days", "gate", "sentence_has", "seen_by"})
ReadRules = Callable[[Path], Rulebook]


@dataclass(frozen=True)
class Done:
    """An act or a change of the world as it was played; `said` is the answer that was not due."""

    at: datetime
    what: Act | World
    holds: bool
    said: str = ""


@dataclass(frozen=True)
class Judged:
    """An expectation of one person, judged; for a `[[never]]` the moment it was so after all."""

    at: datetime
    what: Expect | Never
    person: str
    findings: tuple[Finding, ...]
    holds: bool


@dataclass
class Played:
    """One story, played: what happened to whom, and what held."""

    story: Story
    stage: str
    histories: dict[str, History] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when every act went as said and every expectation held."""
        return all(one.holds for one in self.done) and all(one.holds for one in self.judged)

    @property
    def result(self) -> str:
        """`ok` or `failed`."""
        return "ok" if self.ok else "failed"


def play(
    story: Story, rulebook: Rulebook, stage: Stage | None = None, read: ReadRules | None = None
) -> Played:
    """Play a story from its opening to its last moment, then judge it.

    `read` reads the folder of a `[[world]] rules`. Raises StoryFileError when the file asks for
    something that the rules do not have.
    """
    return _Playing(story, rulebook, stage or CoreStage(), read).play()


class _Playing:
    """One playing of one story."""

    def __init__(
        self, story: Story, rulebook: Rulebook, stage: Stage, read: ReadRules | None
    ) -> None:
        self.story = story
        self.rulebook = rulebook
        self.stage = stage
        self.read = read
        self.translator = Translator(story)
        self.persons = {person.id: person for person in story.persons}
        self.procedures: dict[str, Procedure] = {}
        self.active: Rulebook | None = None  # a newer rulebook than the one cases opened with
        self.played = Played(story, stage.name)

    def play(self) -> Played:
        early = before_opening(self.story)
        for world in early:
            if world.about == "rules":
                self.rulebook = self._rules_of(world)
        openings = {}
        for person in self.persons.values():
            procedure = procedure_of(self.story, person, self.rulebook)
            openings[person.id] = opening_for(self.story, person, procedure, self.rulebook, early)
        self._learn_procedures(openings)
        for name, opening in openings.items():
            self.stage.open(name, opening, self.story.opens)
            self.played.histories[name] = History(opening, self.procedures)
        for moment in moments_of(self.story):
            self._moment(moment)
        self._judge()
        return self.played

    # -- rules that become active later

    def _rules_of(self, world: World) -> Rulebook:
        folder = (self.story.path.parent / world.subject).resolve()
        return self.read(folder) if self.read is not None else self.rulebook

    def _learn_procedures(self, openings: dict[str, OpenCase]) -> None:
        """Every plan a case may be moved to, so that its events can be folded."""
        for opening in openings.values():
            self.procedures[opening.procedure_digest] = opening.procedure
        for world in self.story.worlds:
            if world.about == "rules":
                for person in self.persons.values():
                    procedure = procedure_of(self.story, person, self._rules_of(world))
                    self.procedures[digest_of(procedure)] = procedure

    def _newer_procedure(self, person: Person) -> tuple[Procedure, str] | None:
        if self.active is None:
            return None
        procedure = procedure_of(self.story, person, self.active)
        return procedure, digest_of(procedure)

    # -- one moment: the world, acts in file order, timers

    def _moment(self, moment: Moment) -> None:
        for disturb in moment.disturbs:
            self.stage.disturb(disturb.do, disturb.at)
        for world in moment.worlds:
            self._world(world, moment.at)
        for act in moment.acts:
            self._act(act)
        for person in self.persons:
            self.stage.run_to(person, moment.at)
            self._read(person)

    def _read(self, person: str) -> Case:
        history = self.played.histories[person]
        history.read(self.stage.events(person))
        return history.case

    def _world(self, world: World, at: datetime) -> None:
        said = ""
        if world.about == "rules":
            self.active = self._rules_of(world)
        for name, person in self.persons.items():
            case = self._read(name)
            command = self.translator.world(world, case, person, self.rulebook)
            refusal = self.stage.act(name, command, at) if command is not None else None
            if refusal is not None:
                said = f"refused with {refusal.slug}: {refusal.sentence}"
        self.played.done.append(Done(at, world, not said, said))

    def _act(self, act: Act) -> None:
        said = ""
        for name in act.who:
            case = self._read(name)
            rules = self._newer_procedure(self.persons[name])
            command = self.translator.act(act, case, rules)
            before = len(self.played.histories[name].events)
            refusal = self.stage.act(name, command, act.at)
            self._read(name)
            if refusal is None and act.refused is not None:
                said = f"was taken, although it had to be refused with {act.refused}"
            elif refusal is not None and refusal.slug != act.refused:
                said = f"refused with {refusal.slug}: {refusal.sentence}"
            elif refusal is not None and self._changed(name, before, act.at):
                said = f"refused with {refusal.slug}, but something changed"
        self.played.done.append(Done(act.at, act, not said, said))

    def _changed(self, name: str, before: int, at: datetime) -> bool:
        """Anything new at that very moment; what was due earlier may have caught up."""
        return any(event.at >= at for event in self.played.histories[name].events[before:])

    # -- judging

    def _judge(self) -> None:
        for expect in self.story.expects:
            for person in expect.who:
                self.played.judged.append(self._expected(expect, person))
        for never in self.story.nevers:
            for person in never.who:
                self.played.judged.append(self._never(never, person))

    def _expected(self, expect: Expect, person: str) -> Judged:
        """At its moment, or, with `within`, at some moment soon after."""
        history = self.played.histories[person]
        last = expect.at + (expect.within if expect.within is not None else self.stage.patience)
        first = self._look(expect.words, history.at(expect.at))
        for at in (expect.at, *history.moments(expect.at, last)):
            findings = self._look(expect.words, history.at(at))
            if all(one.holds for one in findings):
                return Judged(expect.at, expect, person, findings, holds=True)
        return Judged(expect.at, expect, person, first, holds=False)

    def _look(self, words: Mapping[str, Value], position: LedgerPosition) -> tuple[Finding, ...]:
        return tuple(Looker(self.story, words, position).findings())

    def _never(self, never: Never, person: str) -> Judged:
        first = max(self.story.opens, never.from_ or self.story.opens)
        last = min(self.story.last_moment, never.until or self.story.last_moment)
        history = self.played.histories[person]
        if set(never.words) <= {"step"}:
            return self._never_made(never, person, history, (first, last))
        for at in self._moments_to_check(never, history, first, last):
            looker = Looker(self.story, never.words, history.at(at), first, never=True)
            findings = tuple(looker.findings())
            if findings and all(one.holds for one in findings):
                return Judged(at, never, person, findings, holds=False)
        return Judged(last, never, person, (), holds=True)

    def _never_made(
        self, never: Never, person: str, history: History, window: tuple[datetime, datetime]
    ) -> Judged:
        step = Looker(self.story, never.words, history.at(window[1])).step
        for event in history.events:
            made = isinstance(event, e.TaskOffered) and event.step == step
            if made and window[0] <= event.at <= window[1]:
                finding = Finding("step", step, "it was made", holds=True)
                return Judged(event.at, never, person, (finding,), holds=False)
        return Judged(window[1], never, person, (), holds=True)

    def _moments_to_check(
        self, never: Never, history: History, first: datetime, last: datetime
    ) -> list[datetime]:
        """Whenever anything happened, both ends, and for words of time every midnight."""
        found = {first, last, *history.moments(first, last)}
        if TIME_ALONE & set(never.words):
            for offset in _offsets(history.case):
                found.update(_midnights(first, last, offset))
        return sorted(found)


def _offsets(case: Case) -> set[int]:
    """The zones of the countries that count in this case, in minutes."""
    return {case.procedure.calendar(country).zone_minutes for country in case.procedure.calendars}


def _midnights(first: datetime, last: datetime, minutes: int) -> list[datetime]:
    zone = timezone(timedelta(minutes=minutes))
    midnight = datetime.combine(first.astimezone(zone).date(), time(0, 0), zone)
    count = (last - midnight).days + 1
    days = (midnight + timedelta(days=n) for n in range(1, count + 1))
    return [day for day in days if first <= day <= last]
