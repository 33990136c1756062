"""Pages of a list by key, not by count: rows that come or go meanwhile never shift a page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, tuple_

T = TypeVar("T")
MOST = 200


class BadCursor(ValueError):  # noqa: N818 - the word callers use
    """A cursor that this list never gave out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next ones; None at the end."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """The columns a list is ordered by, the last of them unique, and how a cursor spells each."""

    columns: tuple[ColumnElement[Any], ...]
    kinds: tuple[type, ...]
    newest_first: bool = False

    def page(self, query: Select[Any], cursor: str | None, limit: int) -> Select[Any]:
        """Order `query`, start after `cursor`, and ask for one row more than `limit`."""
        if cursor is not None:
            place = tuple_(*self.columns)
            values = zip(self._read(cursor), self.columns, strict=True)
            after = tuple_(*(literal(value, column.type) for value, column in values))
            query = query.where(place < after if self.newest_first else place > after)
        order = [c.desc() if self.newest_first else c.asc() for c in self.columns]
        return query.order_by(*order).limit(bounded(limit) + 1)

    def cut(self, rows: Sequence[Any], limit: int, show: Callable[[Any], T]) -> Page[T]:
        """Turn the rows of `page` into a page; `show` makes one of its items."""
        shown = rows[: bounded(limit)]
        more = len(rows) > len(shown)
        return Page(tuple(show(row) for row in shown), self._write(shown[-1]) if more else None)

    def _write(self, row: Any) -> str:
        values = [getattr(row, column.key or "") for column in self.columns]
        told = [v.isoformat() if isinstance(v, datetime) else v for v in values]
        text = json.dumps(told, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _read(self, cursor: str) -> list[Any]:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            told = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if not isinstance(told, list) or len(told) != len(self.kinds):
                raise BadCursor("this cursor is not one of this list")
            return [_value(item, kind) for item, kind in zip(told, self.kinds, strict=True)]
        except (ValueError, TypeError, binascii.Error, RecursionError) as e:
            raise BadCursor("this cursor is not one of this list") from e


def bounded(limit: int) -> int:
    """At least one row, at most two hundred."""
    return max(1, min(limit, MOST))


def _value(item: Any, kind: type) -> Any:
    if kind is datetime and isinstance(item, str):
        moment = datetime.fromisoformat(item)
        if moment.tzinfo is None:
            raise BadCursor("a moment needs its offset")
        return moment
    if kind is UUID and isinstance(item, str):
        return str(UUID(item))
    plain_text = kind is str and isinstance(item, str) and "\x00" not in item
    plain_number = kind is int and isinstance(item, int) and abs(item) < 2**31
    if plain_text or plain_number:
        return item
    raise BadCursor("this cursor is not one of this list")
