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


# -- folded cases: rows of `cases`, and snapshots between two runs

# By the edition that brought a new shape; each turns a case of the shape before into that shape.
# What holds its default is left out of a body. An entry here is all it takes: from then on every
# case that is written says so. There is none yet.
CASES: dict[int, Upcaster] = {}
SHAPE = "shape"  # the key of a kept case that names its shape; one of the first shape has none
FIRST_SHAPE = 1


def case_shape() -> int:
    """The shape in which this program writes cases: that of the newest edition with its own.

    It says nothing of how a case behaves: one of an old edition is written in this shape as well.
    """
    return max(CASES, default=FIRST_SHAPE)


def upcast_case(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a case's JSON in the present shape; raises ValueError for one from a newer program."""
    written, present = body.get(SHAPE, FIRST_SHAPE), case_shape()
    if written == present:
        return body
    if written not in {FIRST_SHAPE, *CASES}:
        raise ValueError(f"this program does not know shape {written!r} of a case")
    changed = {name: value for name, value in body.items() if name != SHAPE}
    for edition in sorted(CASES):
        if edition > written:
            changed = CASES[edition](changed)
    return {SHAPE: present, **changed}
