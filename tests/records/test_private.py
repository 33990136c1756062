"""What must stay apart: words, names, secrets."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from records import offices, people, posts, private_texts, sessions, tokens, users
from records.offices import KnownOffice
from records.people import Person
from records.posts import Holders, Term
from records.tables import metadata
from records.users import Membership
from tests.builders import MONDAY, STALLED, a_life, an_act
from tests.records.writing import admit, write

KEY = b"k" * 32
WORDS = (
    "ครอบครัวย้ายไปแล้ว · ຄອບຄົວຍ້າຍໄປແລ້ວ · မိသားစု ပြောင်းသွားပြီ · គ្រួសារបានផ្លាស់ទី · Gia đình đã chuyển đi 🙏"
)


def everything(connection: Connection) -> str:
    """Every value of every table, as text."""
    told = []
    for table in metadata.sorted_tables:
        rows = connection.execute(text(f"SELECT t::text FROM {table.name} t")).scalars()  # noqa: S608
        told += list(rows)
    return "\n".join(told)


def test_it_keeps_words_of_every_script(connection: Connection) -> None:
    life = a_life()
    admit(connection, life)
    name = private_texts.keep(connection, KEY, life.case.id, WORDS, MONDAY)
    assert private_texts.read(connection, life.case.id, [name, "text:none"]) == {name: WORDS}
    person = Person("နော် ဖော့", "โทร 081", date(2009, 1, 1), "female", MONDAY)
    people.keep(connection, life.case.id, person)
    assert people.read(connection, life.case.id) == person


def test_it_names_a_text_so_that_nobody_can_guess_it(connection: Connection) -> None:
    life, other = a_life(), a_life()
    admit(connection, life)
    admit(connection, other)
    name = private_texts.keep(connection, KEY, life.case.id, WORDS, MONDAY)
    assert private_texts.keep(connection, KEY, life.case.id, WORDS, MONDAY) == name
    assert private_texts.keep(connection, KEY, other.case.id, WORDS, MONDAY) != name
    assert private_texts.name_of(b"x" * 32, life.case.id, WORDS) != name
    assert private_texts.read(connection, other.case.id, [name]) == {}


def test_it_sweeps_only_texts_that_no_event_names(connection: Connection) -> None:
    life = a_life()
    admit(connection, life)
    case_id, late = life.case.id, MONDAY + timedelta(days=2)
    named = private_texts.keep(connection, KEY, case_id, "named", MONDAY)
    lost = private_texts.keep(connection, KEY, case_id, "lost", MONDAY)
    young = private_texts.keep(connection, KEY, case_id, "young", late)
    skip = an_act("skip", "host.case", step="ask", reason=named)
    write(connection, a_life((1, skip), opening=life.opening))
    assert private_texts.sweep(connection, MONDAY + timedelta(days=1)) == 1
    assert set(private_texts.read(connection, case_id, [named, lost, young])) == {named, young}


def test_it_never_sweeps_a_text_that_was_written_again(connection: Connection) -> None:
    life = a_life()
    admit(connection, life)
    name = private_texts.keep(connection, KEY, life.case.id, "again", MONDAY)
    private_texts.keep(connection, KEY, life.case.id, "again", MONDAY + timedelta(days=2))
    assert private_texts.sweep(connection, MONDAY + timedelta(days=1)) == 0
    assert private_texts.read(connection, life.case.id, [name])


def test_it_takes_back_only_what_nobody_else_wrote(connection: Connection) -> None:
    life = a_life()
    admit(connection, life)
    case_id, later = life.case.id, MONDAY + timedelta(seconds=1)
    mine = private_texts.keep(connection, KEY, case_id, "mine", MONDAY)
    ours = private_texts.keep(connection, KEY, case_id, "ours", MONDAY)
    private_texts.keep(connection, KEY, case_id, "ours", MONDAY)
    theirs = private_texts.keep(connection, KEY, case_id, "theirs", MONDAY)
    private_texts.keep(connection, KEY, case_id, "theirs", later)
    for at in (MONDAY, later):
        private_texts.take_back(connection, case_id, [mine, ours, theirs], at)
    assert set(private_texts.read(connection, case_id, [mine, ours, theirs])) == {ours, theirs}


def test_it_prints_no_name_by_accident() -> None:
    assert "Noi" not in repr(Person("Noi", "081", None, None, MONDAY))


def test_it_keeps_people_in_one_table_only(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    people.keep(connection, life.case.id, Person("Noi Keo", "081 234", None, None, MONDAY))
    assert everything(connection).count("Noi Keo") == 1


def test_it_says_no_name_in_an_error(connection: Connection) -> None:
    stranger = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(IntegrityError) as refused:
        people.keep(connection, stranger, Person("Noi Keo", "081 234", None, None, MONDAY))
    connection.rollback()
    with pytest.raises(IntegrityError) as other:
        private_texts.keep(connection, KEY, stranger, "what she told", MONDAY)
    told = f"{refused.value} {refused.value!r} {other.value} {other.value!r}"
    assert "Noi" not in told
    assert "081" not in told
    assert "she told" not in told


def staff(connection: Connection) -> None:
    offices.load(connection, [KnownOffice("psdhs", "PSDHS Ubon", "host.province", country="TH")])
    users.create(connection, "mali", "Mali", MONDAY, "correct horse battery")


def test_it_keeps_no_secret_in_the_clear(connection: Connection) -> None:
    staff(connection)
    later = MONDAY + timedelta(days=30)
    issued = tokens.issue(
        connection,
        user_id="mali",
        office_id="psdhs",
        scopes=["cases:read"],
        created_at=MONDAY,
        expires_at=later,
    )
    cookie = sessions.start(connection, "mali", MONDAY, later)
    kept = everything(connection)
    secret = issued.token.split("_", 2)[2]
    assert issued.prefix in kept
    for hidden in (issued.token, secret, cookie, "correct horse battery"):
        assert hidden not in kept
        assert hidden not in repr(issued)


def test_it_knows_a_token_until_it_ends_or_is_revoked(connection: Connection) -> None:
    staff(connection)
    later = MONDAY + timedelta(days=30)
    issued = tokens.issue(
        connection,
        user_id="mali",
        office_id="psdhs",
        scopes=["tasks:write", "cases:read"],
        created_at=MONDAY,
        expires_at=later,
    )
    holder = tokens.check(connection, issued.token, MONDAY)
    assert holder is not None
    assert (holder.user_id, holder.office_id) == ("mali", "psdhs")
    assert holder.scopes == {"tasks:write", "cases:read"}
    assert tokens.check(connection, issued.token, later) is None
    changed = "A" if issued.token[-1] != "A" else "B"
    for wrong in (issued.token[:-1] + changed, "hw_x_y", "", "ß_ä_ö", issued.token[3:]):
        assert tokens.check(connection, wrong, MONDAY) is None
    assert tokens.revoke(connection, issued.prefix, MONDAY)
    assert not tokens.revoke(connection, issued.prefix, MONDAY)
    assert tokens.check(connection, issued.token, MONDAY) is None
    assert tokens.of_user(connection, "mali") == []


def test_it_forgets_everything_of_a_disabled_user(connection: Connection) -> None:
    staff(connection)
    later = MONDAY + timedelta(days=30)
    issued = tokens.issue(
        connection,
        user_id="mali",
        office_id="psdhs",
        scopes=[],
        created_at=MONDAY,
        expires_at=later,
    )
    cookie = sessions.start(connection, "mali", MONDAY, later)
    assert sessions.check(connection, cookie, MONDAY + timedelta(hours=1)) == "mali"
    users.disable(connection, "mali", MONDAY)
    assert sessions.check(connection, cookie, MONDAY) is None
    assert tokens.check(connection, issued.token, MONDAY) is None
    assert not users.password_matches(connection, "mali", "correct horse battery")


def test_it_knows_a_password_only_of_its_user(connection: Connection) -> None:
    staff(connection)
    users.create(connection, "robot", "A program", MONDAY, None)
    assert users.password_matches(connection, "mali", "correct horse battery")
    assert not users.password_matches(connection, "mali", "correct horse")
    assert not users.password_matches(connection, "robot", "")
    assert not users.password_matches(connection, "robot", "nobody signs in with this")
    assert not users.password_matches(connection, "nobody", "nobody signs in with this")


def test_it_signs_out_here_or_everywhere(connection: Connection) -> None:
    staff(connection)
    later = MONDAY + timedelta(hours=8)
    one, two, three = (sessions.start(connection, "mali", MONDAY, later) for _ in range(3))
    sessions.revoke(connection, one, MONDAY)
    assert sessions.check(connection, one, MONDAY) is None
    assert sessions.check(connection, two, MONDAY) == "mali"
    assert sessions.check(connection, two, later) is None
    assert sessions.revoke_all(connection, "mali", MONDAY) == 2
    assert sessions.check(connection, three, MONDAY) is None


def test_it_knows_who_belongs_to_an_office_when(connection: Connection) -> None:
    staff(connection)
    until = MONDAY + timedelta(days=365)
    term = Membership("mali", "psdhs", "case", MONDAY, until)
    users.join(connection, term)
    assert users.memberships_of(connection, "mali", MONDAY) == [term]
    assert users.memberships_of(connection, "mali", MONDAY - timedelta(seconds=1)) == []
    assert users.memberships_of(connection, "mali", until) == []
    assert users.leave(connection, "mali", "psdhs", MONDAY + timedelta(days=1)) == 1
    assert users.memberships_of(connection, "mali", MONDAY + timedelta(days=1)) == []


def test_it_keeps_who_holds_a_post_when_rules_are_loaded_again(connection: Connection) -> None:
    staff(connection)
    posts.take(connection, Term("psdhs", posts.HEAD, "mali", MONDAY))
    renamed = KnownOffice("psdhs", "PSDHS Ubon Ratchathani", "host.province", country="TH")
    offices.load(connection, [renamed])
    (kept,) = offices.all_of(connection, role="host.province", country="TH")
    assert kept.name == "PSDHS Ubon Ratchathani"
    assert posts.holders(connection, MONDAY) == {"psdhs": Holders("mali")}
    assert offices.find(connection, "nowhere") is None
