"""Facts of the world and cases: which open case a fact concerns, which were told, which were missed.

What was said stands in `world.py`; a row here is one case that was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from records.tables import cases, states, subjects, world_broadcasts, world_facts, world_newcomers
from records.world import (
    CALENDAR,
    CROSSING,
    FINISHED,
    POST,
    RULES,
    TELLING,
    Fact,
    newest_of,
)

DONE = "done"
REFUSED = "refused"
ENDED = "ended"
FAILED = "failed"
SETTLED = (DONE, REFUSED)  # of these a case is not asked again


@dataclass(frozen=True, slots=True)
class Told:
    """How far a fact has come: cases told, those that refused, had ended, or could not be asked.

    `left` have not been told yet; a case that could not be asked is among them.
    """

    done: int = 0
    refused: int = 0
    ended: int = 0
    failed: int = 0
    left: int = 0

    @property
    def concerned(self) -> int:
        """Every case that the fact was, or is to be, told."""
        return self.done + self.refused + self.ended + self.left


@dataclass(frozen=True, slots=True)
class Concerned:
    """An open case that must be told."""

    case_id: str
    reference: str
    edition: int


def note(
    connection: Connection, fact_id: str, case_id: str, outcome: str, at: datetime, why: str = ""
) -> None:
    """Note what became of telling one case; the newest attempt counts."""
    statement = insert(world_broadcasts).values(
        fact_id=fact_id, case_id=case_id, outcome=outcome, why=why, at=at
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["fact_id", "case_id"],
            set_={"outcome": outcome, "why": why, "at": at},
        )
    )


def left(
    connection: Connection, fact: Fact, *, after: str = "", limit: int | None = None
) -> list[Concerned]:
    """Return open cases that this fact concerns and that have not been told, by id."""
    query = _left(fact).order_by(cases.c.case_id)
    if after:
        query = query.where(cases.c.case_id > after)
    return [Concerned(*row) for row in connection.execute(query.limit(limit))]


def _left(fact: Fact) -> Select[Any]:
    settled = (
        select(world_broadcasts.c.case_id)
        .where(
            world_broadcasts.c.fact_id == fact.id,
            world_broadcasts.c.case_id == cases.c.case_id,
            world_broadcasts.c.outcome.in_(SETTLED),
        )
        .exists()
    )
    return (
        select(cases.c.case_id, subjects.c.reference, states.c.edition)
        .join_from(cases, subjects, cases.c.case_id == subjects.c.id)
        .join(states, states.c.subject_id == cases.c.case_id)
        .where(
            cases.c.ended_at.is_(None),
            subjects.c.world_seen < (fact.number or 0),
            concerned_by(fact.kind, fact.subject, fact.body),
            ~settled,
        )
    )


# The crossing of the newest handover of the leg under way.
_OF_HANDOVER = states.c.state["segments"][-1]["newest_handover"]["crossing"]


def concerned_by(kind: str, subject: str, body: Mapping[str, Any]) -> ColumnElement[bool]:
    """Which cases such a fact speaks of, as a condition on their rows."""
    if kind == CROSSING:
        planned: ColumnElement[bool] = _OF_HANDOVER.as_string() == subject
        return or_(cases.c.corridor.in_(list(body["corridors"])), planned)
    if kind == CALENDAR:
        return cases.c.corridor.in_(list(body["corridors"]))
    if kind == POST:
        bound: ColumnElement[bool] = (
            states.c.state["work"]["offices"][subject].as_string().is_not(None)
        )
        return bound
    if kind == RULES:
        return and_(cases.c.corridor == subject, cases.c.procedure_digest != body["digest"])
    named = body.get("cases")
    older = states.c.edition < int(subject)
    return older if named is None else and_(older, cases.c.case_id.in_(list(named)))


def open_cases(
    connection: Connection, kind: str, subject: str, body: Mapping[str, Any]
) -> list[Concerned]:
    """Return every open case that such a fact would concern, whatever it knows; for previews."""
    found = connection.execute(
        select(cases.c.case_id, subjects.c.reference, states.c.edition)
        .join_from(cases, subjects, cases.c.case_id == subjects.c.id)
        .join(states, states.c.subject_id == cases.c.case_id)
        .where(cases.c.ended_at.is_(None), concerned_by(kind, subject, body))
        .order_by(cases.c.case_id)
    )
    return [Concerned(*row) for row in found]


def told(connection: Connection, facts: Iterable[Fact]) -> dict[str, Told]:
    """Return how far each of these facts has come."""
    found: dict[str, Told] = {}
    for fact in facts:
        counted = connection.execute(
            select(world_broadcasts.c.outcome, func.count())
            .where(world_broadcasts.c.fact_id == fact.id)
            .group_by(world_broadcasts.c.outcome)
        )
        counts = {outcome: count for outcome, count in counted}  # noqa: C416 - rows are no pairs
        found[fact.id] = Told(
            **counts, left=_how_many_left(connection, fact, counts.get(FAILED, 0))
        )
    return found


def _how_many_left(connection: Connection, fact: Fact, failed: int) -> int:
    if fact.number is None or fact.state == FINISHED:
        return failed
    return connection.scalar(select(func.count()).select_from(_left(fact).subquery())) or 0


def outcome_of(connection: Connection, fact_id: str, case_id: str) -> tuple[str, str] | None:
    """Return what became of telling one case, and the word of a refusal; None: not asked yet."""
    row = connection.execute(
        select(world_broadcasts.c.outcome, world_broadcasts.c.why).where(
            world_broadcasts.c.fact_id == fact_id, world_broadcasts.c.case_id == case_id
        )
    ).one_or_none()
    return None if row is None else (row.outcome, row.why)


# -- whom a broadcast passed by


def missed(connection: Connection) -> list[str]:
    """Return facts that were told, and of which some open case has still not heard.

    It was admitted before, and opened after they were told; or was opened once more since; or
    could not be asked. Of several facts about one subject only the newest is looked at. A move to
    another edition is an operator's, who asks again where it failed.
    """
    newcomers = list(connection.scalars(select(world_newcomers.c.case_id)))
    being_told = _being_told(connection)
    facts = newest_of(connection, CROSSING, CALENDAR, POST, RULES)
    finished = [fact for fact in facts if fact.state == FINISHED]
    failed = _not_asked(connection)
    passed = [fact.id for fact in finished if newcomers and _has_left(connection, fact, newcomers)]
    if not passed and not being_told and newcomers:
        connection.execute(delete(world_newcomers).where(world_newcomers.c.case_id.in_(newcomers)))
    return [fact.id for fact in finished if fact.id in {*passed, *failed}]


def _being_told(connection: Connection) -> bool:
    """Whether a broadcast is under way: it may have passed a newcomer by already."""
    found = connection.execute(
        select(world_facts.c.id).where(world_facts.c.state == TELLING).limit(1)
    )
    return found.first() is not None


def _not_asked(connection: Connection) -> set[str]:
    """Facts that some open case gave no answer to."""
    found = connection.scalars(
        select(world_broadcasts.c.fact_id)
        .join(cases, cases.c.case_id == world_broadcasts.c.case_id)
        .where(world_broadcasts.c.outcome == FAILED, cases.c.ended_at.is_(None))
        .distinct()
    )
    return set(found)


def _has_left(connection: Connection, fact: Fact, case_ids: Sequence[str]) -> bool:
    query = _left(fact).where(cases.c.case_id.in_(case_ids)).limit(1)
    return connection.execute(query).first() is not None


def behind(connection: Connection, case_id: str) -> bool:
    """Whether some fact took effect after this case was admitted."""
    newer = (
        select(subjects.c.id)
        .where(
            subjects.c.id == case_id,
            subjects.c.world_seen
            < select(func.coalesce(func.max(world_facts.c.number), 0)).scalar_subquery(),
        )
        .limit(1)
    )
    return connection.execute(newer).first() is not None
