"""Sums of money: an exact amount and a currency (stories.md 1: `amount = "300000.00"`)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from domain.act import Command
from domain.case.state import Case
from domain.case.steps.kind import StepKind
from domain.errors import InvalidField, MissingField
from domain.work.procedure import Card, Outcome

AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217


def check(case: Case, card: Card, outcome: Outcome, command: Command[Any], at: datetime) -> None:
    """Amount and currency are there where the outcome needs them, and mean something."""
    del case, card, at
    for name in ("amount", "currency"):
        if name in outcome.needs and not command.body.result.get(name):
            raise MissingField(f"`{name}` is missing")
    amount = command.body.result.get("amount")
    if amount and (not AMOUNT.fullmatch(amount) or float(amount) == 0):
        raise InvalidField('`amount` is written like "300000.00" and is more than nothing')
    currency = command.body.result.get("currency")
    if currency and not CURRENCY.fullmatch(currency):
        raise InvalidField("`currency` is three capital letters, as THB")


KIND = StepKind("money", check, result={"amount": AMOUNT, "currency": CURRENCY})
