"""Turns what was written in an older shape into the present one, when it is read. Writes nothing.

The ledger keeps what was written, and its digests are of that: an upcaster never touches a row.
One entry for each change of shape, never removed while a ledger, a row or a run may hold the older.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]
Upcaster: TypeAlias = Callable[[Body], Body]

# -- events

# By the name an event had when it was written; each leaves a body of the present shape as it is.
# There is none yet: every event still has its first shape.
UPCASTERS: dict[str, Upcaster] = {}
MOST_STEPS = 100  # a body that is still not of the present shape then never will be


def upcast(body: Body, name_key: str) -> Body:
    """Return an event's JSON in the present shape; raises ValueError when upcasters go in circles.

    An upcaster may rename the event: then that name's upcaster is asked next.
    """
    for _ in range(MOST_STEPS):
        change = UPCASTERS.get(str(body.get(name_key)))
        changed = body if change is None else change(body)
        if changed == body:
            return body
        body = changed
    raise ValueError(f"the upcasters of {body.get(name_key)!r} never come to an end")


# -- folded states: rows of `states`, and snapshots between two runs

# By the edition that brought a new shape; each turns a case of the shape before into that shape.
# What holds its default is left out of a body. An entry here is all it takes: from then on every
# case that is written says so. There is none yet.
CASES: dict[int, Upcaster] = {}
STATES: dict[str, dict[int, Upcaster]] = {"case": CASES}  # by kind of subject
SHAPE = "shape"  # the key of a kept state that names its shape; one of the first shape has none
FIRST_SHAPE = 1


def state_shape(kind: str) -> int:
    """The shape in which this program writes states of a kind: the newest edition with its own.

    It says nothing of how a subject behaves: one of an old edition is written in this shape as well.
    """
    return max(STATES.get(kind, {}), default=FIRST_SHAPE)


def upcast_state(kind: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a state's JSON in the present shape; raises ValueError for one from a newer program."""
    written, present, changes = (
        body.get(SHAPE, FIRST_SHAPE),
        state_shape(kind),
        STATES.get(kind, {}),
    )
    if written == present:
        return body
    if written not in {FIRST_SHAPE, *changes}:
        raise ValueError(f"this program does not know shape {written!r} of a {kind}")
    changed = {name: value for name, value in body.items() if name != SHAPE}
    for edition in sorted(changes):
        if edition > written:
            changed = changes[edition](changed)
    return {SHAPE: present, **changed}
