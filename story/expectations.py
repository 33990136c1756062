"""Reads what a story expects: the words of an [[expect]] or [[never]] table, each with its type.

It checks words and what must stand beside them; whether they are true is for the player.
"""

import re
from collections.abc import Callable, Mapping

from story import words
from story.model import Value, split_step
from story.names import Names
from story.table import Table, not_allowed

_DATE = r"\d{4}-\d\d-\d\d"
_NEXT = re.compile(rf"none|E[0-5] {_DATE}(T\d\d:\d\d(:\d\d)?)?")
_FORECAST = re.compile(rf"(\S+) (E[0-5]) ({_DATE})")

_CLOSED: dict[str, tuple[str, ...]] = {
    "watch": words.WATCHES,
    "state": words.STATES,
    "rung": words.RUNGS,
    "escalation": words.ESCALATIONS,
    "case": words.CASES,
    "gate": words.GATES,
    "turn": words.TURNS,
    "message": words.MESSAGES,
    "view": words.VIEWS,
    "event": words.EVENTS,
}
_NUMBERS = (
    "reminders",
    "late_days",
    "age_days",
    "times",
    "version",
    "manifest_versions",
)


def read_words(table: Table, names: Names, never: bool) -> dict[str, Value]:
    """Every expectation word of the table, in file order, checked and typed."""
    found = {key: _value(table, names, key) for key in table.values if key in words.EXPECTED}
    if not found:
        table.fail("", f"expects nothing; say what, for instance {', '.join(words.ABOUT[:5])}")
    for key in found:
        beside = words.BESIDE.get(key)
        if beside and not any(one in found for one in beside):
            table.fail(key, f"says nothing alone; it needs {' or '.join(beside)} in the same table")
    if not never:
        _says_something(table, found)
    return found


def _says_something(table: Table, found: Mapping[str, Value]) -> None:
    """A table of selectors alone would always hold, and look like a check."""
    selects = {"step", "watch"}
    if "gate" in found:
        selects.add("gate")
    if "seen_by" in found:
        selects |= {"seen_by", "view"}
    if all(key in selects for key in found):
        missing = 'open = true or false, or "why"' if "gate" in found else "a word of part 2.4"
        table.fail("", f"selects {', '.join(found)} but expects nothing of it; add {missing}")


def _value(table: Table, names: Names, key: str) -> Value:
    value = _read(table, names, key)
    if value is None:
        table.fail(key, "must have a value")
    return value


def _read(table: Table, names: Names, key: str) -> Value | None:
    if key in _CLOSED:
        return table.word(key, _CLOSED[key], key)
    if key in _NUMBERS:
        return table.number(key)
    if key in ("due", "old", "new"):
        return table.day_or_moment(key)
    return _OTHERS[key](table, names)


def _outcome(table: Table, names: Names) -> Value | None:
    return names.outcome(table, names.step(table))


def _next(table: Table, _: Names) -> Value | None:
    value = table.text("next")
    if value is not None and not _NEXT.fullmatch(value):
        table.fail("next", 'must be a rung and its date like "E2 2026-03-30", or "none"')
    return value


def _forecast(table: Table, names: Names) -> Value | None:
    lines = table.texts("forecast")
    for line in lines or ():
        match = _FORECAST.fullmatch(line)
        if not match:
            table.fail("forecast", f'"{line}" must be like "tracing E2 2026-03-30"')
        known = (*names.steps, *words.WATCHES)
        if split_step(match[1])[1] not in known:
            table.fail("forecast", not_allowed(match[1], known, "step"))
    return lines


def _parties(key: str) -> Callable[[Table, Names], Value | None]:
    def read(table: Table, names: Names) -> Value | None:
        several = table.texts(key)
        for one in several or ():
            names.check_party(table, key, one)
        return several

    return read


def _shown(key: str) -> Callable[[Table, Names], Value | None]:
    def read(table: Table, names: Names) -> Value | None:
        several = table.texts(key)
        for one in several or ():
            outcomes = {o for all_ in names.steps.values() for o in all_}
            if one in words.SHOWN or one in outcomes or one in names.steps:
                continue
            if one.startswith(words.CONFLICT):
                names.flag(table, key, one)
                continue
            table.fail(key, not_allowed(one, (*words.DATA, *sorted(words.SHOWN)), "data word"))
        return several

    return read


def _flag(table: Table, names: Names) -> Value | None:
    several = table.texts("flag")
    for one in several or ():
        names.flag(table, "flag", one)
    return several


def _bar(table: Table, _: Names) -> Value | None:
    several = table.texts("bar")
    for one in several or ():
        if one not in (*words.BARS, "none"):
            table.fail("bar", not_allowed(one, (*words.BARS, "none"), "kind of bar"))
    return several


def _group(table: Table, _: Names) -> Value | None:
    counts: dict[str, int] = {}
    for word, count in table.mapping("group").items():
        if word not in words.GROUP_COUNTS:
            table.fail("group", not_allowed(word, words.GROUP_COUNTS, "count"))
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            table.fail("group", f"the count of {word} must be a whole number")
        counts[word] = count
    return counts


_OTHERS: dict[str, Callable[[Table, Names], Value | None]] = {
    "step": lambda table, names: names.step(table),
    "holder": lambda table, names: names.party(table, "holder"),
    "seen_by": lambda table, names: names.party(table, "seen_by"),
    "outcome": _outcome,
    "next": _next,
    "forecast": _forecast,
    "to": _parties("to"),
    "by": lambda table, _: table.text("by"),  # a party, a role, or a user: who changed it
    "carries": _shown("carries"),
    "lacks": _shown("lacks"),
    "shows": _shown("shows"),
    "flag": _flag,
    "bar": _bar,
    "group": _group,
    "open": lambda table, _: table.truth("open"),
    "why": lambda table, _: table.texts("why"),
    "sentence_has": lambda table, _: table.texts("sentence_has"),
    "segment": lambda table, names: table.word("segment", names.corridors, "corridor"),
}
