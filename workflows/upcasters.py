"""Turns events written in an older shape into the present one, when they are read. Writes nothing.

The ledger keeps what was written, and its digests are of that: an upcaster never touches a row.
One entry for each change of shape, never removed while a ledger may hold the older one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]
Upcaster: TypeAlias = Callable[[Body], Body]

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
