"""Names for what is asked: of the act, and of what it says. Keyed, so that they tell nothing."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from api.deps import Services
from workflows.encoding import canonical


def key_of(services: Services, user: str, idempotency_key: str) -> str:
    """The name of an act: nobody can make another person's, and it tells nothing."""
    return keyed(services, "act", user, idempotency_key)


def content_of(services: Services, *parts: Any) -> str:
    """A digest of what was asked; keyed, so that no name or reason can be guessed from it."""
    return keyed(services, "content", canonical(parts))


def keyed(services: Services, *words: str) -> str:
    """Keyed hash of words, in 64 hexadecimal digits."""
    text = "\x1f".join(words).encode()
    return hmac.new(services.hash_key, text, hashlib.sha256).hexdigest()
