"""What every answer is: it never changes after it was made, and writes moments in one way.

No field of a case stands here, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator

from records.paging import Page

T = TypeVar("T")


class Shape(BaseModel):
    """An answer; it never changes after it was made."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @field_validator("*", mode="after")
    @classmethod
    def _in_utc(cls, value: Any) -> Any:
        """A moment is written in one way, whoever computed it: the same act, the same answer."""
        return value.astimezone(UTC) if isinstance(value, datetime) else value


class PageOf(Shape, Generic[T]):
    """Some rows; `next` goes into `cursor` for those that follow, and is null at the end."""

    items: list[T]
    next: str | None = None


def page_of(page: Page[Any], shown: Iterable[T]) -> PageOf[T]:
    """Return a page of the records as an answer."""
    return PageOf(items=list(shown), next=page.next)
