"""What a kind of step is: the fields its answers may have, and the check of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.work.procedure import Card, Outcome

Check = Callable[[Case, Card, Outcome, Command[Any], datetime], None]


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step; a card names it, or an outcome that needs one of its fields.

    `result`: fields of an answer that the core reads, and how each is written; whatever else stands
    in a result is somebody's own words. `asks`: fields of the act itself, as `valid_until`.
    """

    name: str
    check: Check
    result: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    by_need: bool = True  # an outcome that needs one of its fields makes the step of this kind
