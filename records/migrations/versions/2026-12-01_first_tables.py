"""The first tables: ledger, its folds, people apart, and administration."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WRITTEN_ONCE = Path(__file__).with_name("2026-12-01_written_once.sql")


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", "seq", "kind", "digest", name=op.f("alarms_pkey")),
    )
    op.create_index(
        "alarms_open",
        "alarms",
        ["subject_id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "installation",
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.Column("only_one", sa.Boolean(), nullable=False),
        sa.CheckConstraint("only_one", name=op.f("installation_only_one")),
        sa.PrimaryKeyConstraint("rehearsal", name=op.f("installation_pkey")),
        sa.UniqueConstraint("only_one", name=op.f("installation_only_one_key")),
    )
    op.create_table(
        "offices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("under", sa.Text(), nullable=False),
        sa.Column("vacant", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("offices_pkey")),
    )
    op.create_index(op.f("offices_role_country"), "offices", ["role", "country"], unique=False)
    op.create_table(
        "procedures",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("corridor", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("procedures_pkey")),
    )
    op.create_table(
        "used_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("made", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("used_keys_pkey")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("office_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["office_id"], ["offices.id"], name=op.f("memberships_office_id_fkey")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("memberships_user_id_fkey")),
        sa.PrimaryKeyConstraint(
            "user_id", "office_id", "role", "since", name=op.f("memberships_pkey")
        ),
    )
    op.create_index(op.f("memberships_office_id"), "memberships", ["office_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("sessions_user_id_fkey")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("sessions_pkey")),
    )
    op.create_index(op.f("sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "subjects",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("clock_offset", sa.Integer(), nullable=False),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "clock_offset = 0 OR rehearsal", name=op.f("subjects_own_date_only_in_rehearsal")
        ),
        sa.ForeignKeyConstraint(
            ["rehearsal"], ["installation.rehearsal"], name=op.f("subjects_rehearsal_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("subjects_pkey")),
        sa.UniqueConstraint("reference", name=op.f("subjects_reference_key")),
    )
    op.create_table(
        "tokens",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("office_id", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("tokens_office_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("tokens_user_id_fkey")),
        sa.PrimaryKeyConstraint("prefix", name=op.f("tokens_pkey")),
    )
    op.create_index(op.f("tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "case_offices",
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["subjects.id"], name=op.f("case_offices_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("case_id", "office", name=op.f("case_offices_pkey")),
    )
    op.create_index(
        "case_offices_of", "case_offices", ["office", "opened_at", "case_id"], unique=False
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("procedure_digest", sa.Text(), nullable=False),
        sa.Column("corridor", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("waits_step", sa.Text(), nullable=False),
        sa.Column("waits_holder", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("next_rung", sa.Text(), nullable=False),
        sa.Column("next_rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("now_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "ended_at IS NOT NULL OR late_at IS NOT NULL", name=op.f("cases_open_has_late_at")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["subjects.id"], name=op.f("cases_case_id_fkey")),
        sa.ForeignKeyConstraint(
            ["procedure_digest"], ["procedures.digest"], name=op.f("cases_procedure_digest_fkey")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("cases_pkey")),
    )
    op.create_index(
        "cases_corridor_opened", "cases", ["corridor", "opened_at", "case_id"], unique=False
    )
    op.create_index(
        "cases_late",
        "cases",
        ["late_at", "case_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("cases_opened", "cases", ["opened_at", "case_id"], unique=False)
    op.create_index(
        "cases_status_opened", "cases", ["status", "opened_at", "case_id"], unique=False
    )
    op.create_table(
        "escalations",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("deciders", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("escalations_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("subject_id", "number", name=op.f("escalations_pkey")),
    )
    op.create_index(
        "escalations_open",
        "escalations",
        ["opened_at", "subject_id", "number"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "escalations_open_deciders",
        "escalations",
        ["deciders"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "events",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.CheckConstraint("seq > 0", name=op.f("events_seq_from_one")),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("events_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("subject_id", "seq", name=op.f("events_pkey")),
    )
    op.create_index(
        "events_key",
        "events",
        ["key", "seq"],
        unique=False,
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("to_office", sa.Text(), nullable=False),
        sa.Column("carries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("leaves_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dropped", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("outbox_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("subject_id", "message", name=op.f("outbox_pkey")),
    )
    op.create_table(
        "people",
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["subjects.id"], name=op.f("people_case_id_fkey")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("people_pkey")),
    )
    op.create_table(
        "private_texts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("private_texts_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("private_texts_pkey")),
    )
    op.create_index(op.f("private_texts_subject_id"), "private_texts", ["subject_id"], unique=False)
    op.create_index(op.f("private_texts_written_at"), "private_texts", ["written_at"], unique=False)
    op.create_table(
        "states",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("procedure_digests", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("states_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("states_pkey")),
    )
    op.create_index(
        "states_open",
        "states",
        ["subject_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "tasks",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("watch", sa.Boolean(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_or_never", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("rung_to", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deciders", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("escalation", sa.Text(), nullable=False),
        sa.Column("next_rung", sa.Text(), nullable=False),
        sa.Column("next_rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_for", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("tasks_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint("subject_id", "step", "attempt", name=op.f("tasks_pkey")),
    )
    op.create_index(
        "tasks_open_of_office",
        "tasks",
        ["holder", "due_or_never", "subject_id", "step"],
        unique=False,
        postgresql_where="is_open",
    )
    op.execute(WRITTEN_ONCE.read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_index("tasks_open_of_office", table_name="tasks", postgresql_where="is_open")
    op.drop_table("tasks")
    op.drop_index("states_open", table_name="states", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("states")
    op.drop_index(op.f("private_texts_written_at"), table_name="private_texts")
    op.drop_index(op.f("private_texts_subject_id"), table_name="private_texts")
    op.drop_table("private_texts")
    op.drop_table("people")
    op.drop_table("outbox")
    op.drop_index("events_key", table_name="events", postgresql_where=sa.text("key IS NOT NULL"))
    op.drop_table("events")
    op.drop_index(
        "escalations_open_deciders",
        table_name="escalations",
        postgresql_using="gin",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "escalations_open", table_name="escalations", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_table("escalations")
    op.drop_index("cases_status_opened", table_name="cases")
    op.drop_index("cases_opened", table_name="cases")
    op.drop_index("cases_late", table_name="cases", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("cases_corridor_opened", table_name="cases")
    op.drop_table("cases")
    op.drop_index("case_offices_of", table_name="case_offices")
    op.drop_table("case_offices")
    op.drop_index(op.f("tokens_user_id"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_table("subjects")
    op.drop_index(op.f("sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("memberships_office_id"), table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("users")
    op.drop_table("used_keys")
    op.drop_table("procedures")
    op.drop_index(op.f("offices_role_country"), table_name="offices")
    op.drop_table("offices")
    op.drop_table("installation")
    op.drop_index(
        "alarms_open", table_name="alarms", postgresql_where=sa.text("settled_at IS NULL")
    )
    op.drop_table("alarms")
    op.execute("DROP FUNCTION refuse_change()")
