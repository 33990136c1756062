"""The least a durable entity can be: one synchronous update with a validator, and a number.

It is the yardstick, so it has no timer, writes nothing and knows nothing of cases.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import workflow


@dataclass(frozen=True)
class Bare:
    """What is asked of it: about as many messages as an act of ours names."""

    do: str
    by: str
    user: str
    step: str
    outcome: str


@workflow.defn(name="bare")
class BareEntity:
    """Counts until it is told to end."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._version = 0
        self._ended = False

    @workflow.run
    async def run(self) -> int:
        """Wait for the end."""
        await workflow.wait_condition(lambda: self._ended)
        return self._version

    @workflow.update(name="act")
    def act(self, asked: Bare) -> int:
        """Count."""
        self._version += 1
        self._ended = asked.do == "end"
        return self._version

    @act.validator
    def _may_act(self, asked: Bare) -> None:
        if not asked.do:
            raise ValueError("nothing was asked")
