"""How far somebody sees in a list. Asked in SQL, before a page is cut: no page comes short."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, select

from records.tables import case_offices, cases


@dataclass(frozen=True, slots=True)
class Scope:
    """Cases in which `office` holds a role, in one of `corridors`; None sets no bound.

    No corridor at all shows nothing.
    """

    office: str | None = None
    corridors: Collection[str] | None = None


def visible(query: Select[Any], scope: Scope) -> Select[Any]:
    """Keep what lies within the scope; the query reads `cases`, or a table joined with it."""
    if scope.corridors is not None:
        query = query.where(cases.c.corridor.in_(sorted(scope.corridors)))
    if scope.office is None:
        return query
    held = select(case_offices.c.case_id).where(case_offices.c.office == scope.office)
    return query.where(cases.c.case_id.in_(held))


def visible_by_link(query: Select[Any], office: str, scope: Scope) -> Select[Any]:
    """The same for a list ordered by the link of a case with its office, which has an index."""
    linked = query.join(case_offices, case_offices.c.case_id == cases.c.case_id)
    return visible(linked.where(case_offices.c.office == office), replace(scope, office=None))
