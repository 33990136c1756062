"""The dated timeline of a played story, every expectation marked; as text and for machines.

It decides nothing: what held and what did not is in `Played`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from domain.event import Event
from story.history import History
from story.model import Act, Expect, Never, Value, World
from story.player import Done, Judged, Played
from story.telling import tell

MARKS = {True: "  ok", False: "FAIL", None: "    "}
WORLD, ACT, EVENT, EXPECTED = range(4)  # the order within one moment


@dataclass(frozen=True)
class Line:
    """One line of the timeline; `holds` is None for what just happened."""

    at: datetime
    kind: str  # world act event expect never
    person: str
    text: str
    holds: bool | None = None
    place: str = ""
    more: tuple[str, ...] = ()  # what was expected, what was so, the events around


def lines_of(played: Played) -> list[Line]:
    """The whole timeline in order: world, acts, what followed, expectations; then the nevers."""
    found: list[tuple[datetime, int, int, Line]] = []
    for number, done in enumerate(played.done):
        kind = WORLD if isinstance(done.what, World) else ACT
        found.append((done.at, kind, number, _done(done)))
    for person, history in played.histories.items():
        for number, line in enumerate(_events(person, history)):
            found.append((line.at, EVENT, number, line))
    for number, judged in enumerate(played.judged):
        if isinstance(judged.what, Expect):
            found.append((judged.at, EXPECTED, number, _judged(played, judged)))
    ordered = [line for *_, line in sorted(found, key=lambda item: item[:3])]
    return ordered + [_judged(played, one) for one in played.judged if isinstance(one.what, Never)]


def as_text(played: Played, *, only_failures: bool = False) -> str:
    """The timeline for a terminal: a head, the lines, and one line that says how it went."""
    story = played.story
    zone = story.zone
    corridors = ", ".join(segment.corridor for segment in story.segments)
    out = [f"{story.title} ({story.path.name}, {corridors}, on the {played.stage})"]
    many = len(story.persons) > 1
    for line in lines_of(played):
        if only_failures and line.holds is not False:
            continue
        who = f"{line.person}: " if many and line.person else ""
        place = f"   {line.place}" if line.place and line.holds is False else ""
        at = line.at.astimezone(zone)
        shown = f"{at:%Y-%m-%d %H:%M}" + (f":{at:%S}" if at.second else "")
        out.append(f"{MARKS[line.holds]}  {shown}  {who}{line.text}{place}")
        out.extend(f"        {more}" for more in line.more)
    out.append(_summary(played))
    return "\n".join(out)


def as_json(played: Played) -> dict[str, Any]:
    """The same for machines; moments in ISO 8601."""
    return {
        "title": played.story.title,
        "file": str(played.story.path),
        "stage": played.stage,
        "result": played.result,
        "timeline": [
            {key: _plain(value) for key, value in asdict(line).items()} for line in lines_of(played)
        ],
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _summary(played: Played) -> str:
    wrong = sum(not one.holds for one in played.done)
    wrong += sum(not one.holds for one in played.judged)
    expected = f"{len(played.judged)} expectations, {len(played.done)} acts and changes"
    return f"{played.result}: {expected}" + (f", {wrong} not as said" if wrong else "")


# -- lines


def _events(person: str, history: History) -> Iterator[Line]:
    for event in history.events:
        text = tell(event, history.at(event.at).case)
        if text:
            yield Line(event.at, "event", person, text)


def _done(done: Done) -> Line:
    what = done.what
    if isinstance(what, World):
        return Line(done.at, "world", "", _world(what), done.holds or None, what.place, _said(done))
    text = _act(what)
    if what.refused is not None:
        text += f" (must be refused with {what.refused})"
    holds: bool | None = done.holds
    if done.holds and what.refused is None:
        holds = None
    who = ", ".join(what.who)
    return Line(done.at, "act", who, text, holds, what.place, _said(done))


def _said(done: Done) -> tuple[str, ...]:
    return (f"{done.said}",) if done.said else ()


def _act(act: Act) -> str:
    words = [f"{act.by} >", act.do]
    for name in (
        "step", "outcome", "decision", "purpose", "receiver", "flag", "kind", "fact", "value",
        "to", "due", "until", "review", "date", "valid_until", "crossing", "receiving",
    ):  # fmt: skip
        value = getattr(act, name)
        if value is not None:
            words.append(
                _value(value) if name in ("step", "outcome") else f"{name} {_value(value)}"
            )
    if act.for_:
        words.append(f"for {act.for_}")
    if act.user:
        words.append(f"signed {act.user}")
    return " ".join(words)


def _world(world: World) -> str:
    words = [f"{world.by} > {world.about} {world.subject}"]
    for name in ("status", "head", "deputy", "excluded"):
        value = getattr(world, name)
        if value is not None:
            words.append(f"{name} {value}")
    if world.vacant:
        words.append("vacant")
    return " ".join(words)


def _judged(played: Played, judged: Judged) -> Line:
    what = judged.what
    kind = "never" if isinstance(what, Never) else "expect"
    text = ("never " if kind == "never" else "expect ") + words_of(what.words)
    more: tuple[str, ...] = ()
    if not judged.holds:
        so = [
            f"{one.word}: expected {_value(one.expected)}; so was {one.found}"
            for one in judged.findings
            if kind == "never" or not one.holds
        ]
        if kind == "never":
            so.insert(0, "it was so at this moment")
        more = (*so, *(f"  around: {line}" for line in _around(played, judged)))
    return Line(judged.at, kind, judged.person, text, judged.holds, what.place, more)


def words_of(words: Mapping[str, Value]) -> str:
    """The words of an expectation as a person would say them."""
    return ", ".join(f"{word} {_value(value)}" for word, value in words.items())


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " + ".join(_value(one) for one in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def _around(played: Played, judged: Judged) -> list[str]:
    """The three events around a failure: about its step where it names one."""
    history = played.histories[judged.person]
    step = str(judged.what.words.get("step") or judged.what.words.get("watch") or "")
    about = [x for x in history.events if step and getattr(x, "step", "") == step.split("/", 1)[-1]]
    about = about or [x for x in history.events if step and getattr(x, "step", "") == step]
    events: list[Event] = about or list(history.events)
    told = [x for x in events if tell(x, history.at(x.at).case)]
    before = [x for x in told if x.at <= judged.at]
    after = [x for x in told if x.at > judged.at]
    chosen = (before[-2:] + after)[:3] if after else before[-3:]
    zone = played.story.zone
    return [
        f"{x.at.astimezone(zone):%Y-%m-%d %H:%M} {tell(x, history.at(x.at).case)}" for x in chosen
    ]
