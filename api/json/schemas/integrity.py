"""What is shown of whether ledger, rows and engine agree. No case's contents, and nobody's name."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.integrity import Findings
from api.json.schemas.base import Shape


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


def integrity_shape(found: Findings) -> IntegrityShape:
    """Return what was found as an answer."""
    return IntegrityShape(
        engine="ok" if found.engine_answered else "away",
        cases=found.cases,
        items=[
            DifferenceShape(case_id=one.case_id, reference=one.reference, what=one.what)
            for one in found.disagreements
        ],
    )
