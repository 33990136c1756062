"""Conditions of steps in a case: `domain/work/conditions.py`, asked with the facts of a case."""

from __future__ import annotations

from functools import partial

from domain.case.hooks import HOOKS
from domain.work import conditions

applies = partial(conditions.applies, HOOKS)
missing = partial(conditions.missing, HOOKS)
