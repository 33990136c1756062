"""Every word that a story may expect (stories.md 2.4), judged on how a case stood.

One function for each word: it says what was so, and whether that is what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from domain.case import events as e
from domain.case import gates, reading
from domain.case.state import Case
from domain.work.calendars import calendar_for, calendar_of_task
from domain.work.state import Task
from story.cast import office_id
from story.history import LedgerPosition
from story.model import Story, Value, split_step
from story.opening import flag_of
from story.selected_events import Happened, messages, recorded

SELECTORS = ("step", "watch", "message", "event", "seen_by", "view")


@dataclass(frozen=True, slots=True)
class Finding:
    """One word of an expectation: what was expected, what was so."""

    word: str
    expected: Value
    found: str
    holds: bool


class Looker:
    """Looks at one standing of a case with the words of one expectation."""

    def __init__(
        self,
        story: Story,
        words: Mapping[str, Value],
        position: LedgerPosition,
        since: datetime | None = None,
        *,
        never: bool = False,
    ) -> None:
        """`since`: only what left or happened from then on counts, where no number is given.

        `never`: a single message with all of `carries` and none of `lacks` is looked for.
        """
        self.never = never
        self.story = story
        self.words = words
        self.position = position
        self.since = since

    # -- what the words select

    @property
    def case(self) -> Case:
        """The case as it stood."""
        return self.position.case

    @property
    def at(self) -> datetime:
        """The moment looked at."""
        return self.position.at

    @cached_property
    def step(self) -> str:
        """The step or watch that is meant, without its segment; empty for none."""
        name = self.words.get("step") or self.words.get("watch") or ""
        return split_step(str(name))[1]

    @cached_property
    def task(self) -> Task | None:
        """The attempt that views speak of."""
        return reading.shown_task(self.case, self.step) if self.step else None

    @cached_property
    def happened(self) -> list[Happened]:
        """The messages or events that the words select."""
        offices = [self.office(name) for name in texts(self.words.get("to", ()))]
        if "message" in self.words:
            version = self.words.get("version")
            found = messages(self.position.events, str(self.words["message"]), self.step, offices)
            found = [m for m in found if version in (None, m.version)]
            if self.never:
                found = [m for m in found if self._carried_as_said(m)]
        else:
            found = recorded(self.position.events, str(self.words["event"]), self.step)
            found = [one for one in found if self._moved_as_said(one)]
        if self.since is not None and "times" not in self.words:
            found = [one for one in found if one.at >= self.since]
        return found

    def _carried_as_said(self, one: Happened) -> bool:
        carries = set(texts(self.words.get("carries", ())))
        lacks = set(texts(self.words.get("lacks", ())))
        return carries <= set(one.carries) and not lacks & set(one.carries)

    def _moved_as_said(self, one: Happened) -> bool:
        by = self.words.get("by")
        return (
            ("old" not in self.words or self.same_day(one.old, self.words["old"]))
            and ("new" not in self.words or self.same_day(one.new, self.words["new"]))
            and (by is None or str(by) in (one.user, one.by) or self.office(str(by)) == one.by)
        )

    # -- names and days

    def office(self, name: str) -> str:
        """The office that a party or role means."""
        return office_id(self.story, name)

    def local(self, moment: datetime) -> date:
        """The day of a moment on the acting side."""
        task = self.task
        if task is None:
            return moment.astimezone(self.story.zone).date()
        return calendar_of_task(self.case, task).local_date(moment)

    def same_day(self, moment: datetime | None, expected: Value) -> bool:
        """A plain date is compared with the day there, a moment exactly."""
        if moment is None:
            return False
        if isinstance(expected, datetime):
            return moment == expected
        return self.local(moment) == expected

    def findings(self) -> list[Finding]:
        """Every word of the expectation, judged."""
        found = []
        for word, expected in self.words.items():
            if word in SELECTORS or (word == "to" and "message" in self.words):
                continue
            if word in ("old", "new", "by", "version"):
                continue  # select; what is left of them is counted below
            if self.never and "message" in self.words and word in ("carries", "lacks"):
                continue
            so, holds = _WORDS[word](self, expected)
            found.append(Finding(word, expected, so, holds))
        if ("message" in self.words or "event" in self.words) and "times" not in self.words:
            found.append(self._is_there())
        return found

    def _is_there(self) -> Finding:
        what = "message" if "message" in self.words else "event"
        so = f"{len(self.happened)} such" if self.happened else "none such"
        return Finding(what, self.words[what], so, bool(self.happened))


def texts(value: Value) -> tuple[str, ...]:
    """The words of a value that may be one or several."""
    return value if isinstance(value, tuple) else (str(value),)


Word = Callable[[Looker, Value], tuple[str, bool]]


def _is(look: Looker, found: object, expected: Value) -> tuple[str, bool]:
    del look
    return str(found), found == expected


# -- a step or watch


def _state(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, reading.step_state(look.case, look.step, look.at), expected)


def _holder(look: Looker, expected: Value) -> tuple[str, bool]:
    if look.task is None:
        return "never made", False
    return look.task.holder, look.task.holder == look.office(str(expected))


def _due(look: Looker, expected: Value) -> tuple[str, bool]:
    due = look.task.due_at if look.task is not None else None
    if due is None:
        return "no due date", False
    shown = due.isoformat() if isinstance(expected, datetime) else look.local(due).isoformat()
    return shown, look.same_day(due, expected)


def _outcome(look: Looker, expected: Value) -> tuple[str, bool]:
    found = look.task.outcome if look.task is not None else ""
    return found or "none", found == expected


def _rung(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, look.task.rung if look.task is not None else "none", expected)


def _reminders(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, look.task.reminders if look.task is not None else 0, expected)


def _late_days(look: Looker, expected: Value) -> tuple[str, bool]:
    task = look.task
    return _is(look, reading.late_days(look.case, task, look.at) if task else 0, expected)


def _age_days(look: Looker, expected: Value) -> tuple[str, bool]:
    if look.task is None:
        return "never made", False
    return _is(look, reading.age_days(look.case, look.task, look.at), expected)


def _to(look: Looker, expected: Value) -> tuple[str, bool]:
    reached = look.task.rung_to if look.task is not None else ()
    wanted = {look.office(name) for name in texts(expected)}
    return ", ".join(reached) or "nobody", wanted <= set(reached)


def _escalation(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, look.task.escalation if look.task is not None else "none", expected)


def _next(look: Looker, expected: Value) -> tuple[str, bool]:
    coming = reading.next_rung(look.task) if look.task is not None else None
    if coming is None:
        return "none", expected == "none"
    rung, at = coming
    day = f"{rung} {look.local(at).isoformat()}"
    wanted, _, moment = str(expected).partition("T")
    holds = wanted == day
    if holds and moment:
        there = at.astimezone(look.story.zone).isoformat()
        return f"{rung} {there}", there.partition("T")[2].startswith(moment)
    return day, holds


# -- the case


def _case(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, reading.shown_state(look.case), expected)


def _gate(look: Looker, expected: Value) -> tuple[str, bool]:
    found = gates.state(look.case, str(expected), look.at)
    return "open" if found.open else f"shut: {found.why}", True


def _open(look: Looker, expected: Value) -> tuple[str, bool]:
    found = gates.state(look.case, str(look.words["gate"]), look.at)
    return "open" if found.open else f"shut: {found.why}", found.open is expected


def _why(look: Looker, expected: Value) -> tuple[str, bool]:
    found = gates.state(look.case, str(look.words["gate"]), look.at)
    why = found.why.lower()
    return found.why or "open", all(word.lower() in why for word in texts(expected))


def _sentence(look: Looker, expected: Value) -> tuple[str, bool]:
    text = reading.waits_for(look.case, look.at).text
    return text, all(word.lower() in text.lower() for word in texts(expected))


def _turn(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, reading.waits_for(look.case, look.at).turn, expected)


def _forecast(look: Looker, expected: Value) -> tuple[str, bool]:
    lines = [
        f"{one.step} {one.rung} {_day_of(look.case, one.step, one.at).isoformat()}"
        for one in reading.forecast(look.case, look.at)
    ]
    rest = iter(lines)
    wanted = [_without_segment(line) for line in texts(expected)]
    holds = all(line in rest for line in wanted)  # each after the one before it
    steps = {line.split()[0] for line in wanted}
    shown = [line for line in lines if line.split()[0] in steps]
    return ", ".join(shown[:12]) or "nothing of it", holds


def _without_segment(line: str) -> str:
    step, rest = line.split(" ", 1)
    return f"{split_step(step)[1]} {rest}"


def _day_of(case: Case, step: str, at: datetime) -> date:
    task = case.work.newest(step)
    card = case.card(step)
    office = case.work.office_of(card.owner) if card is not None else ""
    calendar = calendar_of_task(case, task) if task is not None else calendar_for(case, office)
    return calendar.local_date(at)


def _bar(look: Looker, expected: Value) -> tuple[str, bool]:
    wanted = set(texts(expected)) - {"none"}
    found = ", ".join(sorted(look.case.person.bars)) or "none"
    return found, wanted <= set(look.case.person.bars) and bool(wanted or not look.case.person.bars)


def _flag(look: Looker, expected: Value) -> tuple[str, bool]:
    wanted = {flag_of(look.story, flag) for flag in texts(expected)}
    return ", ".join(sorted(look.case.person.flags)) or "none", wanted <= set(
        look.case.person.flags
    )


def _segment(look: Looker, expected: Value) -> tuple[str, bool]:
    return _is(look, look.case.procedure.corridor, expected)


# -- what left, what happened, what is seen


def _times(look: Looker, expected: Value) -> tuple[str, bool]:
    if look.words.get("message") == "manifest":  # one version may go to several
        return _is(look, len({one.version for one in look.happened}), expected)
    return _is(look, len(look.happened), expected)


def _carries(look: Looker, expected: Value) -> tuple[str, bool]:
    """What the newest of the messages carries."""
    if not look.happened:
        return "none such", look.words.get("times") == 0
    newest = look.happened[-1].carries
    return ", ".join(newest) or "nothing", set(texts(expected)) <= set(newest)


def _shows(look: Looker, expected: Value) -> tuple[str, bool]:
    seen = _seen(look)
    wanted = {flag_of(look.story, word) for word in texts(expected)}
    return ", ".join(sorted(seen)) or "nothing", wanted <= seen


def _lacks(look: Looker, expected: Value) -> tuple[str, bool]:
    """What none of the messages carries, or what is not seen."""
    if "seen_by" in look.words:
        found = _seen(look)
    else:
        found = {word for one in look.happened for word in one.carries}
    unwanted = {flag_of(look.story, word) for word in texts(expected)}
    return ", ".join(sorted(found)) or "nothing", not unwanted & found


def _seen(look: Looker) -> set[str]:
    office = look.office(str(look.words["seen_by"]))
    view = look.words.get("view")
    every = (str(view),) if view else ("task", "case", "stalled", "inbox")
    seen = (reading.seen_by(look.case, office, one, look.at) for one in every)
    return set().union(*seen)


def _manifest_versions(look: Looker, expected: Value) -> tuple[str, bool]:
    made = {event.version for event in look.position.events if isinstance(event, e.ManifestMade)}
    return str(len(made)), isinstance(expected, int) and len(made) >= expected


_WORDS: dict[str, Word] = {
    "state": _state,
    "holder": _holder,
    "due": _due,
    "outcome": _outcome,
    "rung": _rung,
    "reminders": _reminders,
    "late_days": _late_days,
    "age_days": _age_days,
    "to": _to,
    "escalation": _escalation,
    "next": _next,
    "case": _case,
    "gate": _gate,
    "open": _open,
    "why": _why,
    "sentence_has": _sentence,
    "turn": _turn,
    "forecast": _forecast,
    "bar": _bar,
    "flag": _flag,
    "segment": _segment,
    "times": _times,
    "carries": _carries,
    "shows": _shows,
    "lacks": _lacks,
    "manifest_versions": _manifest_versions,
}
