"""Changes that leave no event, done once for each key: tokens, the record of a person.

Acts on a case never come through here: the ledger remembers theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from api import keys
from api.deps import Services
from api.errors import KeyReused
from api.policy import Caller
from records import used_keys
from records.used_keys import Change


@dataclass(frozen=True, slots=True)
class Once:
    """One change under one key of one person; both stand here as keyed digests."""

    key: str
    content: str

    @classmethod
    def of(cls, services: Services, caller: Caller, idempotency_key: str, *asked: Any) -> Once:
        """Name a change by who asks with which key, and by what is asked."""
        key = keys.key_of(services, caller.user, idempotency_key)
        return cls(key, keys.content_of(services, *asked))

    def before(self, connection: Connection, at: datetime) -> Change | None:
        """What came of this change when it was done before; None: do it, in this transaction.

        Raises KeyReused when the key was used for something else.
        """
        known = used_keys.claim(connection, self.key, self.content, at)
        if known is not None and known.content != self.content:
            raise KeyReused
        return known

    def made(self, connection: Connection, made: str) -> None:
        """Remember the id of what the change made."""
        used_keys.note_made(connection, self.key, made)
