"""What can come back instead of an answer when a subject is asked to do something.

EngineError
├── ActRefused       a plain no, with the slug and status of stories.md 2.7; nothing changed
├── NoSuchSubject    there never was such a subject
├── EngineAway       the engine cannot be reached; nothing happened
└── OutcomeUnknown   it may still happen; sending it again with the same key is safe
"""

from __future__ import annotations


class EngineError(Exception):
    """A subject could not be asked, or said no."""


class ActRefused(EngineError):  # noqa: N818 - an answer, not a fault
    """The act may not happen. `detail` is a plain sentence without anything personal."""

    def __init__(self, slug: str, status: int, title: str, detail: str) -> None:
        """Keep what a problem report needs."""
        super().__init__(detail)
        self.slug = slug
        self.status = status
        self.title = title
        self.detail = detail


class NoSuchSubject(EngineError):  # noqa: N818
    """Neither the engine nor the ledger knows this subject."""


class EngineAway(EngineError):  # noqa: N818
    """The engine cannot be reached; nothing happened. `retry_after` in seconds."""

    def __init__(self, retry_after: int = 5) -> None:
        """Say when to come back."""
        super().__init__("The engine cannot be reached; nothing was changed.")
        self.retry_after = retry_after


class OutcomeUnknown(EngineError):  # noqa: N818
    """No answer in time: it may still happen. Repeating it with the same key is safe."""

    def __init__(self, retry_after: int = 5) -> None:
        """Say when to come back."""
        super().__init__(
            "This is still being processed. Sending it again with the same key is safe."
        )
        self.retry_after = retry_after
