"""What stands in an address: a case, a step, an office, a corridor. The same for pages and JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api import patterns

CaseRef = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=patterns.CASE,
        description="Id of a case, or its reference as `K7QFM-2XDRT`.",
        examples=["K7QFM-2XDRT"],
    ),
]
Step = Annotated[
    str,
    Path(
        min_length=1,
        max_length=80,
        pattern=patterns.STEP,
        description="A step of the rules, as `tracing` or `follow_up/3m`.",
        examples=["tracing"],
    ),
]
OfficeId = Annotated[str, Path(max_length=80, pattern=patterns.OFFICE, examples=["th-datip"])]
CrossingId = Annotated[str, Path(max_length=80, pattern=patterns.OFFICE, examples=["nong-khai"])]
CorridorId = Annotated[str, Path(max_length=40, pattern=patterns.CORRIDOR, examples=["th-la"])]
CountryId = Annotated[str, Path(pattern=patterns.COUNTRY, examples=["LA"])]
OwnOffice = Annotated[
    str, Query(max_length=80, pattern=patterns.OFFICE, description="One of your own offices.")
]
