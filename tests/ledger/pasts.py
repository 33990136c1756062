"""A made-up past of the kept case: three shapes of it, and the upcasters between them.

In the first shape `country` was called `citizen_of`, in the second `nationality`; in both a task's
holder was its `desk`, and a case had a number `risk`, which is gone. The present one is the third.
"""

from __future__ import annotations

from typing import Any

from workflows.upcasters import Upcaster, state_shape

Body = dict[str, Any]

# Whatever real shapes there are by now, the made-up ones come after them.
FIRST, SECOND, THIRD = (state_shape("case") + more for more in range(3))


def _renamed(body: Body, old: str, new: str) -> Body:
    return {new if name == old else name: value for name, value in body.items()}


def _tasks_renamed(body: Body, old: str, new: str) -> Body:
    work = body.get("work", {})
    tasks = {
        step: [_renamed(task, old, new) for task in attempts]
        for step, attempts in work.get("tasks", {}).items()
    }
    return {**body, "work": {**work, "tasks": tasks}} if tasks else body


def _person_renamed(body: Body, old: str, new: str) -> Body:
    return {**body, "person": _renamed(body["person"], old, new)} if "person" in body else body


def _to_second(body: Body) -> Body:
    return _person_renamed(body, "citizen_of", "nationality")


def _to_third(body: Body) -> Body:
    kept = {name: value for name, value in body.items() if name != "risk"}
    return _tasks_renamed(_person_renamed(kept, "nationality", "country"), "desk", "holder")


UPCASTERS: dict[int, Upcaster] = {SECOND: _to_second, THIRD: _to_third}


def older(body: Body, shape: int) -> Body:
    """A case of the shape before all of these, as the program of an older one would keep it."""
    word = "citizen_of" if shape == FIRST else "nationality"
    old = _person_renamed(_tasks_renamed(body, "holder", "desk"), "country", word)
    return {**({"shape": SECOND} if shape == SECOND else {}), **old, "risk": 3}
