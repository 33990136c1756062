"""The ways an act can be refused, as a tree, in the order in which they are looked for.

Refused
├── UnknownStep UnknownOutcome InTheFuture NotYours DoNotNotify NeedsNewEvidence AlreadyPaid
├── Conflict MissingField InvalidField OwnRequest NoConsent NotWaivable ClosedGate LegalOpen
└── WrongState NobodyThere

A refusal changes nothing. Its text never holds anything personal: steps, offices, dates only.
"""

from __future__ import annotations

from typing import ClassVar


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """An act that may not happen now; `slug` is the word of stories.md 2.7."""

    slug: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "") -> None:
        """Keep the plain sentence for the user; the class's title stands where none is given."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class UnknownStep(Refused):
    """The corridor has no such step, or it does not apply to this person."""

    slug = "unknown-step"
    status = 404
    title = "This case has no such step"


class UnknownOutcome(Refused):
    """The step exists but cannot end this way."""

    slug = "unknown-outcome"
    status = 422
    title = "This step has no such outcome"


class InTheFuture(Refused):
    """Something is said to have happened after the moment it is recorded."""

    slug = "in-the-future"
    status = 422
    title = "That moment has not come yet"


class NotYours(Refused):
    """The office, or the person, does not hold what it wants to change."""

    slug = "not-yours"
    status = 403
    title = "This is not yours to do"


class DoNotNotify(Refused):
    """The person asked that her country is not told (domain.md P3)."""

    slug = "do-not-notify"
    status = 409
    title = "The person asked that her country is not told"


class NeedsNewEvidence(Refused):
    """A refused verification is not asked again without something new (stories.md 4.12)."""

    slug = "needs-new-evidence"
    status = 409
    title = "A refused verification needs new evidence before it is asked again"


class AlreadyPaid(Refused):
    """Nothing is paid twice."""

    slug = "already-paid"
    status = 409
    title = "This has been paid already"


class Conflict(Refused):
    """Somebody else ended it at the same moment."""

    slug = "conflict"
    status = 409
    title = "Somebody else completed this at the same moment"


class MissingField(Refused):
    """A field that this act needs was not given."""

    slug = "missing-field"
    status = 422
    title = "A field is missing"


class InvalidField(Refused):
    """A field was given with a value it cannot have."""

    slug = "invalid-field"
    status = 422
    title = "A field cannot have this value"


class OwnRequest(Refused):
    """The same person made the request, in whatever post (features.md P11)."""

    slug = "own-request"
    status = 403
    title = "Nobody decides their own request"


class NoConsent(Refused):
    """What would leave has no live consent (domain.md P1)."""

    slug = "no-consent"
    status = 409
    title = "There is no live consent for this"


class NotWaivable(Refused):
    """The rules do not let this office waive this step."""

    slug = "not-waivable"
    status = 409
    title = "This step cannot be waived"


class ClosedGate(Refused):
    """A gate, or the best-interests decision, stands in the way."""

    slug = "closed-gate"
    status = 409
    title = "A gate is closed"


class LegalOpen(Refused):
    """A bar, claim, unpaid order or lapsed protection order still stands."""

    slug = "legal-open"
    status = 409
    title = "A legal matter is still open"


class WrongState(Refused):
    """A step before is not done, it is too early, or it is over."""

    slug = "wrong-state"
    status = 409
    title = "This cannot be done in the present state"


class NobodyThere(Refused):
    """Nobody in that office can take it."""

    slug = "nobody-there"
    status = 409
    title = "Nobody holds that post"


IN_ORDER: tuple[type[Refused], ...] = (
    UnknownStep,
    UnknownOutcome,
    InTheFuture,
    NotYours,
    DoNotNotify,
    NeedsNewEvidence,
    AlreadyPaid,
    Conflict,
    MissingField,
    InvalidField,
    OwnRequest,
    NoConsent,
    NotWaivable,
    ClosedGate,
    LegalOpen,
    WrongState,
    NobodyThere,
)
BY_SLUG: dict[str, type[Refused]] = {kind.slug: kind for kind in IN_ORDER}
