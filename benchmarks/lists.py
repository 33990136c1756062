"""The lists people look at, at ten thousand cases and at many more: milliseconds, indexes used.

The rows are made by SQL in a database of their own: their shape is right, their contents are not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from benchmarks.acts import script
from benchmarks.figures import Report, percentile
from benchmarks.installation import Installation
from records import cases, escalations, procedures, stalled, tasks
from records.session import single_statements, system, transaction

SMALL, LARGE, MILLION = 10_000, 100_000, 1_000_000
OFFICES = 200  # partners: each holds one case in two hundred
LATE_OF = 20  # one open case in twenty stands still
ASKED = 40
PAGE = 50
NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)

_ROWS = (
    """INSERT INTO subjects (id, kind, reference, clock_offset, rehearsal, world_seen)
       SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'case', 'R' || n, 0, false, 0
       FROM generate_series(1, CAST(:count AS integer)) n""",
    """INSERT INTO cases (case_id, version, procedure_digest, corridor, status,
           on_hold, place, turn, waits_for, waits_step, waits_holder, since, due_at, rung,
           next_rung, next_rung_at, late_at, opened_at, now_at, ended_at)
       SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 30, :plan, 'th-la', CASE WHEN n % 10 = 0 THEN 'closed' ELSE 'open' END, false, 'TH',
           'origin', 'The tracing office has not answered; it was due 12 days ago.', 'tracing',
           'office-' || n % CAST(:offices AS integer), CAST(:now AS timestamptz) - interval '30 days', due, 'E1', 'E2',
           CAST(:now AS timestamptz) + interval '3 days', CASE WHEN n % 10 = 0 THEN NULL ELSE due END,
           CAST(:now AS timestamptz) - n * interval '3 minutes', CAST(:now AS timestamptz) - interval '10 days',
           CASE WHEN n % 10 = 0 THEN CAST(:now AS timestamptz) - interval '9 days' END
       FROM (SELECT n, CASE WHEN n % CAST(:late_of AS integer) = 1 THEN CAST(:now AS timestamptz) - n * interval '1 minute' / 10
                       ELSE CAST(:now AS timestamptz) + interval '1 day' + n * interval '1 minute' / 10 END AS due
             FROM generate_series(1, CAST(:count AS integer)) n) made""",
    """INSERT INTO states (subject_id, version, edition, status, ended_at, procedure_digests, state)
       SELECT case_id, version, 1, status, ended_at, ARRAY[CAST(:plan AS text)],
           json_build_object('state', repeat(md5(case_id::text), 30))
       FROM cases""",
    """INSERT INTO case_offices (case_id, office, roles, opened_at)
       SELECT case_id, office, ARRAY['host.case'], opened_at
       FROM cases, LATERAL (VALUES (waits_holder), ('desk-' || cases.version % 3)) o(office)""",
    """INSERT INTO tasks (subject_id, step, attempt, title, state, is_open, watch, role, holder,
           made_for, offered_at, started_at, due_at, due_or_never, rung, rung_to, deciders,
           escalation, next_rung, next_rung_at, promised_on, outcome, happened_at, ended_at,
           ended_by, ended_for, valid_until)
       SELECT case_id, step, 1, 'Answer of the tracing office',
           CASE WHEN now THEN 'offered' ELSE 'done' END, now, false, 'origin.tracing',
           waits_holder, '', opened_at, opened_at, due_at, due_at, rung, '{}', '{}', '', 'E2',
           next_rung_at, NULL, '', NULL, NULL, '', '', NULL
       FROM cases, LATERAL (VALUES ('report', false), ('request', false),
           ('tracing', ended_at IS NULL)) made(step, now)""",
    """INSERT INTO escalations (subject_id, number, step, attempt, state, rung, deciders, holder,
           opened_at, ended_at, decision, decided_by, reason)
       SELECT case_id, 20, 'tracing', 1, CASE WHEN late_at < CAST(:now AS timestamptz) THEN 'open' ELSE 'decided' END,
           'E2', ARRAY['committee-' || (hashtext(waits_holder) & 15)], waits_holder,
           opened_at, NULL, '', '', ''
       FROM cases WHERE ended_at IS NULL AND hashtext(case_id::text) % 5 = 0""",
)


@dataclass(frozen=True)
class List:
    """One list as somebody opens it."""

    name: str
    ask: Callable[[Connection], Any]


def _lists(middle: str) -> tuple[List, ...]:
    """`middle`: the cursor of a page in the middle of the stalled list."""
    office = "office-7"
    return (
        List("stalled, first page", lambda c: stalled.page(c, NOW, limit=PAGE)),
        List("stalled, middle page", lambda c: stalled.page(c, NOW, limit=PAGE, cursor=middle)),
        List("stalled of one office", lambda c: stalled.page(c, NOW, limit=PAGE, office=office)),
        List("a partner's tasks", lambda c: tasks.of_office(c, office, limit=PAGE)),
        List("cases of one office", lambda c: cases.list_page(c, limit=PAGE, office=office)),
        List("cases, newest first", lambda c: cases.list_page(c, limit=PAGE)),
        List(
            "what a committee may decide",
            lambda c: escalations.open_for(c, "committee-3", limit=PAGE),
        ),
        List("one case by reference", lambda c: cases.find(c, "R-4321")),
    )


async def run(installation: Installation, *, quick: bool, million: bool = False) -> list[Report]:
    """At two sizes, each in a database of its own (`quick`: at 500 and 5,000).

    `million`: the larger has a million cases, which takes minutes to make.
    """
    small, large = (500, 5_000) if quick else (SMALL, MILLION if million else LARGE)
    return await asyncio.to_thread(_run, installation, small, large)


def _run(installation: Installation, small: int, large: int) -> list[Report]:
    report = Report(f"lists: {small:,} cases and {large:,}")
    for count in (small, large):
        database = installation.new_database()
        begun = time.perf_counter()
        _fill(database, count)
        report.add(f"made {count:,} cases", time.perf_counter() - begun, "s")
        _measure(database, count, report)
    for one in _lists(""):
        report.ratio(one.name, f"{large:,}: {one.name}", f"{small:,}: {one.name}")
    return [report]


def _fill(database: Engine, count: int) -> None:
    """Make so many cases in a fresh database."""
    opening = script().opening
    with single_statements(database, system("benchmark")) as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET lock_timeout = 0"))
        procedures.keep(connection, opening.procedure, opening.procedure_digest)
        given = {
            "count": count,
            "plan": opening.procedure_digest,
            "now": NOW,
            "offices": OFFICES,
            "late_of": LATE_OF,
        }
        for statement in _ROWS:
            named = {name: value for name, value in given.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("RESET ALL"))


def _measure(database: Engine, count: int, report: Report) -> None:
    with transaction(database, system("benchmark")) as connection:
        middle = _middle(connection)
        for one in _lists(middle):
            one.ask(connection)  # the first time reads from the disk
            taken = []
            for _ in range(ASKED):
                begun = time.perf_counter()
                one.ask(connection)
                taken.append((time.perf_counter() - begun) * 1000)
            for part in (0.05, 0.5, 0.95):
                report.add(f"{count:,}: {one.name}", percentile(taken, part), "ms")
            for scan in _scans(connection, one):
                report.remarks.append(f"{count:,}: {one.name}: {scan}")


def _middle(connection: Connection) -> str:
    late = connection.scalar(
        text("SELECT count(*) FROM cases WHERE ended_at IS NULL AND late_at <= :now"), {"now": NOW}
    )
    row = connection.execute(
        text(
            "SELECT late_at, case_id::text AS case_id FROM cases WHERE ended_at IS NULL AND late_at <= :now"
            " ORDER BY late_at, cases.case_id OFFSET :n LIMIT 1"
        ),
        {"now": NOW, "n": (late or 0) // 2},
    ).one()
    # The cursor that a page ending here would give.
    return stalled.OLDEST_FIRST._write(row)  # noqa: SLF001 - a benchmark may look inside


def _scans(connection: Connection, one: List) -> list[str]:
    """How PostgreSQL found the rows: every scan that reads a whole table, else the index."""
    asked: list[tuple[str, Any]] = []

    def hear(_c: Any, _u: Any, statement: str, given: Any, *_: Any) -> None:
        asked.append((statement, given))

    event.listen(connection, "before_cursor_execute", hear)
    one.ask(connection)
    event.remove(connection, "before_cursor_execute", hear)
    found = []
    for statement, given in asked:
        lines = connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars().all()
        named = [line.strip(" ->").split("  (")[0] for line in lines if "Scan" in line]
        found.append("; ".join(named))
    return found
