"""Terms of posts: one holder at a time, and access that ends with the term, to the moment."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from records import offices, posts, users
from records.offices import KnownOffice
from records.posts import DEPUTY, HEAD, Holders, Term
from tests.builders import MONDAY

DAY = timedelta(days=1)
JUST_BEFORE = timedelta(microseconds=1)
OFFICE = "psdhs"


@pytest.fixture
def staffed(connection: Connection) -> Connection:
    offices.load(connection, [KnownOffice(OFFICE, "PSDHS", "host.province", country="TH")])
    for user in ("anan", "mali", "noi"):
        users.create(connection, user, user.title(), MONDAY, None)
    posts.begin(connection, Term(OFFICE, HEAD, "anan", MONDAY), "coordinator")
    return connection


def roles(connection: Connection, user: str, at: object) -> list[str]:
    return [m.role for m in users.memberships_of(connection, user, at)]  # type: ignore[arg-type]


def test_it_ends_one_term_and_its_access_when_the_next_begins(staffed: Connection) -> None:
    then = MONDAY + DAY
    posts.begin(staffed, Term(OFFICE, HEAD, "mali", then), "manager")
    before = then - JUST_BEFORE
    assert posts.holders(staffed, before) == {OFFICE: Holders("anan")}
    assert posts.holders(staffed, then) == {OFFICE: Holders("mali")}
    assert (roles(staffed, "anan", before), roles(staffed, "anan", then)) == (["coordinator"], [])
    assert (roles(staffed, "mali", before), roles(staffed, "mali", then)) == ([], ["manager"])


def test_it_leaves_a_post_vacant_when_a_term_ends_by_itself(staffed: Connection) -> None:
    until = MONDAY + 2 * DAY
    posts.begin(staffed, Term(OFFICE, HEAD, "mali", MONDAY + DAY, until), "manager")
    posts.begin(staffed, Term(OFFICE, DEPUTY, "noi", MONDAY), "coordinator")
    assert posts.holders(staffed, until) == {OFFICE: Holders("mali", "noi", vacant=True)}
    assert roles(staffed, "mali", until - JUST_BEFORE) == ["manager"]
    assert roles(staffed, "mali", until) == []


def test_a_deputy_who_becomes_head_is_no_deputy_any_more(staffed: Connection) -> None:
    posts.begin(staffed, Term(OFFICE, DEPUTY, "noi", MONDAY), "coordinator")
    posts.begin(staffed, Term(OFFICE, HEAD, "noi", MONDAY + DAY), "coordinator")
    assert posts.holders(staffed, MONDAY + DAY) == {OFFICE: Holders("noi")}
    assert roles(staffed, "noi", MONDAY + DAY) == ["coordinator"]


def test_what_was_planned_falls_when_something_else_is_said(staffed: Connection) -> None:
    posts.begin(staffed, Term(OFFICE, HEAD, "mali", MONDAY + 9 * DAY), "manager")
    posts.begin(staffed, Term(OFFICE, HEAD, "noi", MONDAY + DAY), "manager")
    assert posts.holders(staffed, MONDAY + 10 * DAY) == {OFFICE: Holders("noi")}
    assert roles(staffed, "mali", MONDAY + 10 * DAY) == []


def test_two_terms_of_one_post_never_overlap(staffed: Connection) -> None:
    with pytest.raises(IntegrityError, match="posts_never_overlap"), staffed.begin_nested():
        posts.take(staffed, Term(OFFICE, HEAD, "mali", MONDAY + DAY))
    posts.take(staffed, Term(OFFICE, DEPUTY, "mali", MONDAY + DAY))


def test_nobody_holds_what_nobody_ever_held(staffed: Connection) -> None:
    assert posts.holders(staffed, MONDAY - DAY) == {}
    assert posts.terms_of(staffed, "nowhere") == []
    assert posts.role_of_last(staffed, OFFICE, DEPUTY) == ""
    assert posts.role_of_last(staffed, OFFICE, HEAD) == "coordinator"
    assert not posts.lock(staffed, "nowhere")
