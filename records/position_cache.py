"""Where the cases written last stand, so that they need not be read again before the next write.

It may be wrong at any time, for others write too: whoever uses it must find out while writing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from records.loading import LedgerPosition


class PositionCache:
    """A bounded memory, shared by threads; the cases not used for longest leave first."""

    def __init__(self, most: int) -> None:
        """Remember at most so many cases."""
        self._most = most
        self._cases: OrderedDict[str, LedgerPosition] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, case_ids: Iterable[str]) -> dict[str, LedgerPosition]:
        """Return where those of these cases stand that are remembered."""
        with self._lock:
            found = {c: self._cases[c] for c in case_ids if c in self._cases}
            for case_id in found:
                self._cases.move_to_end(case_id)
        return found

    def keep(self, cases: Mapping[str, LedgerPosition]) -> None:
        """Remember these; an ended case is let go, for it is hardly ever written again."""
        with self._lock:
            for case_id, stands in cases.items():
                self._cases.pop(case_id, None)
                if stands.case is not None and not stands.case.ended:
                    self._cases[case_id] = stands
            while len(self._cases) > self._most:
                self._cases.popitem(last=False)

    def forget(self, case_ids: Iterable[str]) -> None:
        """Let these go: nobody knows where they stand."""
        with self._lock:
            for case_id in case_ids:
                self._cases.pop(case_id, None)
