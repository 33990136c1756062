"""The text of a state as it is kept, made from the one before: most of a case stays as it was.

The text is the same, letter for letter, as one made from nothing. Only what is the very same object
as before is taken over; the core never changes a record, it makes another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from domain.kinds import AnyKind, State
from workflows.encoding import part_to_json, parts_of, state_parts

GROW = ("work", "tasks")  # the long parts that most events change, each a little


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a state, its text and, where that grows, the texts of what is in it."""

    value: Any
    text: bytes
    within: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StateJson:
    """The text of a state, and its parts for the next one."""

    parts: Mapping[str, Part] = field(default_factory=dict)

    def text(self) -> bytes:
        """One JSON object."""
        return _object((name, part.text) for name, part in self.parts.items())


NO_TEXT = StateJson()


def state_text(kind: AnyKind, state: State, before: StateJson = NO_TEXT) -> StateJson:
    """Return the text of `state`; parts that `before` holds already are not written again."""
    return StateJson(
        {
            name: _part(name, value, before.parts.get(name))
            for name, value in state_parts(kind, state)
        }
    )


def _part(name: str, value: Any, before: Part | None) -> Part:
    if before is not None and before.value is value:
        return before
    if name not in GROW:
        return Part(value, to_json(part_to_json(value)))
    known = before.within if before is not None else {}
    inside = value.items() if isinstance(value, Mapping) else parts_of(value)
    within = {key: _part(key, item, known.get(key)) for key, item in inside}
    return Part(value, _object((key, part.text) for key, part in within.items()), within)


def _object(items: Iterable[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(to_json(key) + b":" + text for key, text in items) + b"}"
