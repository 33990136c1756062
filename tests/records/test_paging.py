from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from domain.rules.book import digest_of
from records import cases, escalations, stalled, tables, tasks, timeline
from records.paging import MOST, BadCursor, Page
from tests.builders import MONDAY, STALLED, Life, a_life, an_opening, office_of
from tests.records.writing import write

AS_OF = MONDAY + timedelta(days=100)
LISTS: dict[str, Callable[..., Page[Any]]] = {
    "cases": cases.list_page,
    "cases of an office": lambda c, **k: cases.list_page(c, office=office_of("host.case"), **k),
    "tasks": lambda c, **k: tasks.of_office(c, office_of("origin.tracing"), **k),
    "escalations": lambda c, **k: escalations.open_for(c, office_of("host.committee"), **k),
    "stalled": lambda c, **k: stalled.page(c, AS_OF, **k),
}


def tied(count: int) -> list[Life]:
    """Cases that are the same in everything but their id."""
    return [a_life(*STALLED) for _ in range(count)]


@pytest.mark.parametrize("name", LISTS)
def test_it_shows_each_row_once_while_others_come(connection: Connection, name: str) -> None:
    lives = tied(9)
    write(connection, *lives)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = LISTS[name](connection, limit=2, cursor=cursor)
        seen += [getattr(item, "case_id", "") or item.subject_id for item in page.items]
        if page.next is None:
            break
        cursor = page.next
        if len(seen) <= 6:
            write(connection, *tied(1))
    assert len(seen) == len(set(seen))
    assert {life.case.id for life in lives} <= set(seen)


def test_it_narrows_cases(connection: Connection) -> None:
    other = replace(an_opening().procedure, corridor="la-th")
    away = a_life(opening=an_opening(other, procedure_digest=digest_of(other)))
    write(connection, a_life(*STALLED), away)

    def found(**words: str) -> list[str]:
        return [row.case_id for row in cases.list_page(connection, limit=9, **words).items]

    assert found(corridor="la-th") == [away.case.id]
    assert found(status="open", turn="host") == [away.case.id]
    assert found(status="closed") == []
    assert found(office="a-stranger") == []
    assert len(found(office=office_of("host.case"))) == 2


SEEN: dict[str, Callable[..., Page[Any]]] = {
    "cases": lambda c, **k: cases.list_page(c, corridors={"th-la"}, **k),
    "cases of an office": lambda c, **k: cases.list_page(
        c, office=office_of("host.case"), corridors={"th-la"}, **k
    ),
    "stalled": lambda c, **k: stalled.page(c, AS_OF, corridors={"th-la"}, **k),
    "stalled of an office": lambda c, **k: stalled.page(
        c, AS_OF, office=office_of("host.case"), corridors={"th-la"}, **k
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_it_fills_every_page_where_each_second_row_is_out_of_sight(
    connection: Connection, name: str
) -> None:
    other = replace(an_opening().procedure, corridor="la-th")
    lives = tied(9)
    for life in lives:
        away = an_opening(other, procedure_digest=digest_of(other))
        write(connection, life, a_life(*STALLED, opening=away))
    sizes, seen, cursor = list[int](), list[str](), None
    while cursor is not None or not sizes:
        page = SEEN[name](connection, limit=3, cursor=cursor)
        sizes.append(len(page.items))
        seen += [row.case_id for row in page.items]
        cursor = page.next
    assert sizes == [3, 3, 3]
    assert sorted(seen) == sorted(life.case.id for life in lives)


def test_it_shows_nothing_to_who_sees_no_corridor(connection: Connection) -> None:
    write(connection, *tied(2))
    assert cases.list_page(connection, limit=9, corridors=()).items == ()
    assert stalled.page(connection, AS_OF, limit=9, corridors=()).items == ()


def test_it_keeps_tasks_of_a_state_before_it_cuts_the_page(connection: Connection) -> None:
    lives = tied(6)
    write(connection, *lives)
    office = office_of("origin.tracing")
    accepted = [life.case.id for life in lives[::2]]
    connection.execute(
        update(tables.tasks)
        .where(tables.tasks.c.subject_id.in_(accepted), tables.tasks.c.holder == office)
        .values(state="accepted")
    )
    everything = tasks.of_office(connection, office, limit=MOST).items
    for state in ("offered", "accepted"):
        wanted = [row for row in everything if row.state == state]
        page = tasks.of_office(connection, office, limit=2, state=state)
        assert len(wanted) > 2
        assert list(page.items) == wanted[:2]
        assert page.next is not None


@given(st.text(max_size=80))
def test_it_refuses_a_cursor_it_never_gave_out(words: str) -> None:
    with pytest.raises(BadCursor):
        cases.BY_OPENING.page(cases._listed(), words, 5)


@pytest.mark.parametrize("cursor", ["WyIyMDI2LTAxLTAxIiwieCJd", "W10", "bnVsbA", "W1tdLFtdXQ"])
def test_it_refuses_a_cursor_of_another_shape(connection: Connection, cursor: str) -> None:
    with pytest.raises(BadCursor):
        cases.list_page(connection, limit=5, cursor=cursor)


def test_it_never_gives_more_than_it_can(connection: Connection) -> None:
    write(connection, *tied(3))
    assert len(cases.list_page(connection, limit=0).items) == 1
    assert len(cases.list_page(connection, limit=10**9).items) == 3
    assert MOST == 200


def test_it_pages_a_timeline(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        rows, after = timeline.page(connection, life.case.id, after_seq=after, limit=4)
        seen += [row.seq for row in rows]
    assert seen == list(range(1, life.case.version + 1))
