"""Every kind of subject this program knows: a new one is imported here, and registered with it.

Whoever reads what is kept asks this page for kinds and events, so that none is missing.
"""

from __future__ import annotations

from domain.case.kind import CASE
from domain.subject import EVENTS, KINDS, AnyKind, State, SubjectKind, kind_named

__all__ = ["CASE", "EVENTS", "KINDS", "AnyKind", "State", "SubjectKind", "kind_named"]
