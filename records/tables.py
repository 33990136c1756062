"""Every table as SQLAlchemy sees it. No query lives here and no column has a clock of its own.

The ledger and what was given at the door are written once: `events`, `procedures`, `subjects`,
`private_texts`, `people`. `states`, `cases`, `tasks`, `case_offices`, `escalations` and `outbox` are
folds of the ledger and can be made again from it (`reproject.py`). `alarms` is what people must see,
`deliveries` what became of messages, `access_log` who opened what about a person,
`world_facts` and `world_broadcasts` what was said once for many cases, and who was told.
The rest is administration.

Whatever any kind of subject may have is a `subject_id`'s; a `case_id` stands only where the row is
about a case. In every fold that column is the first of the primary key.

Texts that a fold wrote are `json`, not `jsonb`: the order of steps means something and is kept.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.kinds import AnyKind

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _moment(name: str, *, needed: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=not needed)


def _text(name: str, *, needed: bool = True) -> Column[Any]:
    return Column(name, Text, nullable=not needed)


def _texts(name: str) -> Column[Any]:
    return Column(name, ARRAY(Text), nullable=False)


def _number(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def _subject(*, primary: bool = False) -> Column[Any]:
    return _of_subject("subject_id", primary=primary)


def _case(*, primary: bool = False) -> Column[Any]:
    return _of_subject("case_id", primary=primary)


def _of_subject(name: str, *, primary: bool) -> Column[Any]:
    return Column(name, Uuid(as_uuid=False), ForeignKey("subjects.id"), primary_key=primary)


# -- the installation

# One row. Subjects may live at their own date only where it says rehearsal.
installation = Table(
    "installation",
    metadata,
    Column("rehearsal", Boolean, primary_key=True),
    Column("only_one", Boolean, nullable=False, unique=True, default=True),
    CheckConstraint("only_one", name="only_one"),
)

# -- written once

procedures = Table(
    "procedures",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("corridor"),
    _text("version"),
    Column("body", JSON, nullable=False),
)

# What is fixed when a subject begins and stands in no event.
subjects = Table(
    "subjects",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    _text("kind"),  # case ...
    Column("reference", Text, nullable=False, unique=True),
    Column("clock_offset", Integer, nullable=False, default=0),  # seconds
    # The newest fact of the world that the case began with: `world_facts.number`, 0 for none.
    Column("world_seen", Integer, nullable=False, default=0),
    Column("rehearsal", Boolean, ForeignKey("installation.rehearsal"), nullable=False),
    CheckConstraint("clock_offset = 0 OR rehearsal", name="own_date_only_in_rehearsal"),
)

events = Table(
    "events",
    metadata,
    _subject(),
    _number("seq"),
    _text("kind"),
    _moment("at", needed=True),
    Column("body", JSON, nullable=False),
    _text("digest"),
    _text("chain"),
    _text("key", needed=False),  # the update that caused it
    _text("content", needed=False),  # digest of what that update asked
    PrimaryKeyConstraint("subject_id", "seq"),
    CheckConstraint("seq > 0", name="seq_from_one"),
)
Index("events_key", events.c.key, events.c.seq, postgresql_where=events.c.key.is_not(None))

people = Table(
    "people",
    metadata,
    _case(primary=True),
    _text("name"),
    _text("contact", needed=False),
    Column("born", Date),
    _text("sex", needed=False),
    _moment("written_at", needed=True),
)

private_texts = Table(
    "private_texts",
    metadata,
    Column("name", Text, primary_key=True),  # keyed digest
    _subject(),
    _text("body"),
    _moment("written_at", needed=True),
    Index(None, "subject_id"),
    Index(None, "written_at"),
)

# -- folds of the ledger

# Of every kind of subject.
states = Table(
    "states",
    metadata,
    _subject(primary=True),
    _number("version"),
    _number("edition"),
    _text("status"),
    _moment("ended_at"),
    Column("procedure_digests", ARRAY(Text), nullable=False),
    Column("state", JSON, nullable=False),  # the folded state without its procedures
)
Index("states_open", states.c.subject_id, postgresql_where=states.c.ended_at.is_(None))

cases = Table(
    "cases",
    metadata,
    _case(primary=True),
    _number("version"),
    Column("procedure_digest", Text, ForeignKey("procedures.digest"), nullable=False),
    _text("corridor"),
    _text("status"),  # open on_hold returned returned_legal_open closed cancelled
    Column("on_hold", Boolean, nullable=False),
    _text("place"),  # country where the person is
    _text("turn"),  # host origin partner person nobody
    _text("waits_for"),
    _text("waits_step"),
    _text("waits_holder"),
    _moment("since"),
    _moment("due_at"),
    _text("rung"),
    _text("next_rung"),
    _moment("next_rung_at"),
    _moment("late_at"),
    _moment("opened_at", needed=True),
    _moment("now_at", needed=True),  # moment of the newest event
    _moment("ended_at"),
    CheckConstraint("ended_at IS NOT NULL OR late_at IS NOT NULL", name="open_has_late_at"),
)
Index("cases_opened", cases.c.opened_at, cases.c.case_id)
Index("cases_corridor_opened", cases.c.corridor, cases.c.opened_at, cases.c.case_id)
Index("cases_status_opened", cases.c.status, cases.c.opened_at, cases.c.case_id)
Index("cases_late", cases.c.late_at, cases.c.case_id, postgresql_where=cases.c.ended_at.is_(None))

case_offices = Table(
    "case_offices",
    metadata,
    _case(),
    _text("office"),
    _texts("roles"),
    _moment("opened_at", needed=True),
    PrimaryKeyConstraint("case_id", "office"),
)
Index("case_offices_of", case_offices.c.office, case_offices.c.opened_at, case_offices.c.case_id)

tasks = Table(
    "tasks",
    metadata,
    _subject(),
    _text("step"),
    _number("attempt"),
    _text("title"),
    _text("state"),  # offered accepted done skipped waiting
    Column("is_open", Boolean, nullable=False),  # somebody may still complete it; never a watch
    Column("watch", Boolean, nullable=False),
    _text("role"),
    _text("holder"),
    _text("made_for"),
    _moment("offered_at", needed=True),
    _moment("started_at", needed=True),
    _moment("due_at"),
    _moment("due_or_never", needed=True),  # so that lists have an order without NULL
    _text("rung"),
    _texts("rung_to"),
    _texts("deciders"),
    _text("escalation"),
    _text("next_rung"),
    _moment("next_rung_at"),
    Column("promised_on", Date),
    _text("outcome"),
    _moment("happened_at"),
    _moment("ended_at"),
    _text("ended_by"),
    _text("ended_for"),
    Column("valid_until", Date),
    PrimaryKeyConstraint("subject_id", "step", "attempt"),
)
Index(
    "tasks_open_of_office",
    tasks.c.holder,
    tasks.c.due_or_never,
    tasks.c.subject_id,
    tasks.c.step,
    postgresql_where=tasks.c.is_open,
)

escalations = Table(
    "escalations",
    metadata,
    _subject(),
    _number("number"),  # seq of the event that opened it
    _text("step"),
    _number("attempt"),
    _text("state"),  # open decided overtaken
    _text("rung"),
    _texts("deciders"),
    _text("holder"),
    _moment("opened_at", needed=True),
    _moment("ended_at"),
    _text("decision"),
    _text("decided_by"),
    _text("reason"),  # name of a private text
    PrimaryKeyConstraint("subject_id", "number"),
)
_is_open = escalations.c.state == "open"
Index(
    "escalations_open",
    escalations.c.opened_at,
    escalations.c.subject_id,
    escalations.c.number,
    postgresql_where=_is_open,
)
Index(
    "escalations_open_deciders",
    escalations.c.deciders,
    postgresql_using="gin",
    postgresql_where=_is_open,
)

outbox = Table(
    "outbox",
    metadata,
    _subject(),
    _number("message"),
    _text("kind"),
    _text("step"),
    _number("attempt"),
    _text("to_office"),
    _texts("carries"),
    _text("about"),
    _number("version"),
    _text("state"),  # waiting left dropped
    _moment("leaves_at", needed=True),
    _moment("left_at"),
    _text("dropped"),
    PrimaryKeyConstraint("subject_id", "message"),
)

# Not a fold: what the ledger refused is not in it. No foreign key: the subject may be unknown here.
alarms = Table(
    "alarms",
    metadata,
    Column("subject_id", Uuid(as_uuid=False), nullable=False),
    _number("seq"),
    _text("kind"),  # conflict gap behind stuck broken
    _text("digest"),
    _moment("at", needed=True),
    Column("body", JSON),
    _text("key", needed=False),
    _moment("settled_at"),
    PrimaryKeyConstraint("subject_id", "seq", "kind", "digest"),
)
Index("alarms_open", alarms.c.subject_id, postgresql_where=alarms.c.settled_at.is_(None))


def folds_of(kind: AnyKind) -> tuple[Table, ...]:
    """The folds that hold rows of a kind of subject: its state first."""
    return (states, *(metadata.tables[name] for name in kind.tables))


def subject_column(fold: Table) -> Column[Any]:
    """The column of a fold that says whose a row is."""
    return next(iter(fold.primary_key.columns))


# What was done with a message that left: facts, written by delivery alone and never folded.
deliveries = Table(
    "deliveries",
    metadata,
    _subject(),
    _number("message"),  # number of the message within its case, as in `outbox`
    _text("recipient"),  # id of an office or user
    _text("channel"),
    _text("state"),
    _moment("queued_at", needed=True),
    _moment("at", needed=True),  # since when it is in this state
    PrimaryKeyConstraint("subject_id", "message", "recipient", "channel"),
    CheckConstraint(
        "state IN ('queued', 'sent', 'delivered', 'bounced', 'given_up', 'stopped')", name="state"
    ),
)
Index("deliveries_queued", deliveries.c.queued_at, postgresql_where=deliveries.c.state == "queued")

# Who opened what about a person, when and why; never what it said. Only ever added to.
access_log = Table(
    "access_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at", needed=True),
    _text("user_id"),
    _text("office"),
    Column("case_id", Uuid(as_uuid=False), ForeignKey("subjects.id"), nullable=False),
    _texts("what"),  # words of the release list, or kinds of record
    _text("purpose"),
    Index(None, "case_id", "at"),
    Index(None, "user_id", "at"),
)

# -- the world around the cases

# What was said once of crossings, calendars, posts, rules and editions, and reaches open cases.
world_facts = Table(
    "world_facts",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("number", Integer, unique=True),  # the order in which facts took effect
    _text("kind"),  # crossing calendar post rules edition
    _text("subject"),  # the crossing, country, office, corridor or edition
    Column("body", JSON, nullable=False),
    _moment("at", needed=True),
    _moment("effective_at", needed=True),
    _text("by"),  # office
    _text("user"),
    _text("reason"),
    _text("source"),
    _text("state"),  # waiting telling done
    _moment("finished_at"),
)
Index("world_facts_at", world_facts.c.at, world_facts.c.id)
Index("world_facts_subject", world_facts.c.kind, world_facts.c.subject, world_facts.c.number)

world_broadcasts = Table(
    "world_broadcasts",
    metadata,
    Column("fact_id", Uuid(as_uuid=False), ForeignKey("world_facts.id"), nullable=False),
    _case(),
    _text("outcome"),  # done refused ended failed
    _text("why"),  # the word of a refusal
    _moment("at", needed=True),
    PrimaryKeyConstraint("fact_id", "case_id"),
)

# Cases that opened, or opened again, and were not looked at since: a fact that was told just before
# may have passed them by. A trigger on `cases` writes them, so that no way of opening is forgotten.
world_newcomers = Table(
    "world_newcomers",
    metadata,
    Column("case_id", Uuid(as_uuid=False), primary_key=True),
)


# -- administration

offices = Table(
    "offices",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("role"),
    _text("country"),
    _text("province"),
    _text("under"),
    _text("channel"),
    _text("language"),
    _text("hours"),
    Index(None, "role", "country"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("password_hash", needed=False),  # nobody signs in without one
    _moment("created_at", needed=True),
    _moment("disabled_at"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("office_id", Text, ForeignKey("offices.id"), nullable=False),
    _text("role"),
    _moment("since", needed=True),
    _moment("until"),
    PrimaryKeyConstraint("user_id", "office_id", "role", "since"),
    Index(None, "office_id"),
)

# Who answers for an office, as head or deputy, and when. Two terms of a post never overlap: the
# migration says so, with an index that has no word here.
posts = Table(
    "posts",
    metadata,
    Column("office_id", Text, ForeignKey("offices.id"), nullable=False),
    _text("post"),  # head deputy
    Column("holder", Text, ForeignKey("users.id"), nullable=False),
    _moment("since", needed=True),
    _moment("until"),
    PrimaryKeyConstraint("office_id", "post", "since"),
    CheckConstraint("until IS NULL OR until > since", name="ends_after_it_begins"),
    CheckConstraint("post IN ('head', 'deputy')", name="is_a_post"),
    Index(None, "holder"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    _moment("created_at", needed=True),
    _moment("last_seen_at", needed=True),
    _moment("expires_at", needed=True),
    _moment("revoked_at"),
    Index(None, "user_id"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("prefix", Text, primary_key=True),
    _text("secret_hash"),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("office_id", Text, ForeignKey("offices.id"), nullable=False),
    _texts("scopes"),
    _text("label"),
    _moment("created_at", needed=True),
    _moment("expires_at", needed=True),
    _moment("revoked_at"),
    Index(None, "user_id"),
)

# Idempotency keys of changes that leave no event (`used_keys.py`); those of acts are in `events`.
used_keys = Table(
    "used_keys",
    metadata,
    Column("key", Text, primary_key=True),  # keyed digest of principal and key
    _text("content"),  # keyed digest of what was asked
    _text("made", needed=False),  # id of what it made
    _moment("at", needed=True),
)
