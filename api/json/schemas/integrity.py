"""What is shown of whether ledger, rows and engine agree. No case's contents, and nobody's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from api.json.schemas.base import Shape
from engine.integrity import IntegrityReport


class DifferenceShape(Shape):
    """One case on which two memories disagree."""

    case_id: str
    reference: str | None = Field(description="None where no case of that id was ever opened.")
    what: str = Field(description="What is wrong and what mends it, in plain words.")


class IntegrityShape(Shape):
    """What was found; nothing in `items` means that all agree."""

    engine: Literal["ok", "away"] = Field(
        description="`away`: the engine did not answer, so nothing is known of runs."
    )
    cases: int = Field(description="How many cases were looked at.")
    items: list[DifferenceShape]


def integrity_shape(looked: IntegrityReport, references: Mapping[str, str]) -> IntegrityShape:
    """Return what was found as an answer."""
    return IntegrityShape(
        engine="ok" if looked.engine else "away",
        cases=looked.subjects,
        items=[
            DifferenceShape(
                case_id=one.subject_id, reference=references.get(one.subject_id), what=one.what
            )
            for one in looked.differences
        ],
    )
