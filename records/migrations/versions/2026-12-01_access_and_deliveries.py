"""Who opened what about a person, and what became of each message that left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ONLY_ADDED_TO = """
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'delivered', 'bounced', 'given_up', 'stopped')",
            name=op.f("deliveries_state"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("deliveries_subject_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "subject_id", "message", "recipient", "channel", name=op.f("deliveries_pkey")
        ),
    )
    op.create_index(
        "deliveries_queued",
        "deliveries",
        ["queued_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("what", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["subjects.id"], name=op.f("access_log_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("access_log_pkey")),
    )
    op.create_index(op.f("access_log_case_id_at"), "access_log", ["case_id", "at"])
    op.create_index(op.f("access_log_user_id_at"), "access_log", ["user_id", "at"])
    op.execute(ONLY_ADDED_TO)


def downgrade() -> None:
    op.drop_table("access_log")
    op.drop_table("deliveries")
