"""The contract of work on many subjects: names, what is asked and answered, and every limit of it.

Changing a name or a field here breaks broadcasts that are under way: only add.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypedDict

from temporalio.common import RetryPolicy

BROADCAST_WORKFLOW = "broadcast"
TOLD = "told"  # query: how far this broadcast is

BEGIN = "begin_broadcast"
TELL_PAGE = "tell_page"
FINISH = "finish_broadcast"

PAGES_OF_A_RUN = 40  # then the run continues as new, so that its history stays short


class Options(TypedDict, total=False):
    """How an activity is called."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# A server that is away is waited for, however long: a fact that was written is never lost.
_FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=0,
)
SHORT = Options(start_to_close_timeout=timedelta(seconds=10), retry_policy=_FOR_EVER)
ONE_PAGE = Options(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=timedelta(seconds=10),  # a worker that died keeps nobody waiting longer
    retry_policy=_FOR_EVER,
)


def broadcast_id(fact_id: str) -> str:
    """The engine's name for the broadcast of a fact; there is one at a time."""
    return f"broadcast/{fact_id}"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the subjects that were asked in this broadcast."""

    done: int = 0
    refused: int = 0
    ended: int = 0
    failed: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.done + other.done,
            self.refused + other.refused,
            self.ended + other.ended,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A fact to be told to every open case it concerns. `after` and `counts`: from the run before."""

    fact_id: str
    after: str = ""
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a fact may be told now: None, or so many seconds to wait before asking again."""

    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The subjects of a fact whose ids lie behind this one."""

    fact_id: str
    after: str


@dataclass(frozen=True, slots=True)
class PageTold:
    """What became of one page; `last` is the id to go on behind, empty when there are no more."""

    last: str
    counts: Counts


class BroadcastPorts(Protocol):
    """What a broadcast needs from the world. Each may be called again after a kill."""

    async def begin_broadcast(self, fact_id: str) -> Readiness:
        """Let a fact take effect when its moment has come, after those before it."""
        ...

    async def tell_page(self, page: Page) -> PageTold:
        """Send the act to each subject of a page, at a bounded rate, and note what became of it."""
        ...

    async def finish_broadcast(self, fact_id: str) -> None:
        """Note that every subject was asked."""
        ...
