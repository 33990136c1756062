"""Slows down whoever tries out passwords. It remembers hashes for minutes, in memory, no names."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

TRIES_OF_A_NAME = 5
TRIES_OF_AN_ADDRESS = 30  # an office stands behind one address
WITHIN = timedelta(minutes=5)
REMEMBERED = 10_000


@dataclass(slots=True)
class _Tries:
    count: int
    since: datetime


class Throttle:
    """Counts wrong passwords, for the name that was tried and for the address that tried it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, address: str, at: datetime) -> int:
        """For how many seconds one more try is too many; 0 when it is not."""
        with self._lock:
            shut = [
                self._since(key, at) + WITHIN - at
                for key, most in (
                    (_key("name", name), TRIES_OF_A_NAME),
                    (_key("address", address), TRIES_OF_AN_ADDRESS),
                )
                if self._count(key, at) >= most
            ]
        return ceil(max(shut, default=timedelta()).total_seconds())

    def wrong(self, name: str, address: str, at: datetime) -> None:
        """Count one wrong try."""
        with self._lock:
            for key in (_key("name", name), _key("address", address)):
                self._tries[key] = _Tries(self._count(key, at) + 1, self._since(key, at))
                self._tries.move_to_end(key)
            while len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)

    def right(self, name: str) -> None:
        """Forget the tries of a name that got in."""
        with self._lock:
            self._tries.pop(_key("name", name), None)

    def _count(self, key: str, at: datetime) -> int:
        found = self._tries.get(key)
        return 0 if found is None or at - found.since >= WITHIN else found.count

    def _since(self, key: str, at: datetime) -> datetime:
        found = self._tries.get(key)
        return at if found is None or at - found.since >= WITHIN else found.since


def _key(kind: str, word: str) -> str:
    return hashlib.sha256(f"{kind}\n{word}".encode(errors="replace")).hexdigest()
