"""Where the subjects written last stand, so that they need not be read again before the next write.

It may be wrong at any time, for others write too: whoever uses it must find out while writing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from records.loading import LedgerPosition


class PositionCache:
    """A bounded memory, shared by threads; the subjects not used for longest leave first."""

    def __init__(self, most: int) -> None:
        """Remember at most so many subjects."""
        self._most = most
        self._positions: OrderedDict[str, LedgerPosition] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, subject_ids: Iterable[str]) -> dict[str, LedgerPosition]:
        """Return where those of these subjects stand that are remembered."""
        with self._lock:
            found = {one: self._positions[one] for one in subject_ids if one in self._positions}
            for subject_id in found:
                self._positions.move_to_end(subject_id)
        return found

    def keep(self, positions: Mapping[str, LedgerPosition]) -> None:
        """Remember these; an ended one is let go, for it is hardly ever written again."""
        with self._lock:
            for subject_id, stands in positions.items():
                self._positions.pop(subject_id, None)
                if stands.state is not None and not stands.state.ended:
                    self._positions[subject_id] = stands
            while len(self._positions) > self._most:
                self._positions.popitem(last=False)

    def forget(self, subject_ids: Iterable[str]) -> None:
        """Let these go: nobody knows where they stand."""
        with self._lock:
            for subject_id in subject_ids:
                self._positions.pop(subject_id, None)
