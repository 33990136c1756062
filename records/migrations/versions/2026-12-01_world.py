"""Facts of the world, which cases were told of them, and terms of posts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _facts()
    _posts()
    op.add_column(
        "subjects", sa.Column("world_seen", sa.Integer(), nullable=False, server_default="0")
    )
    op.alter_column("subjects", "world_seen", server_default=None)
    for column in ("head", "deputy", "vacant"):
        op.drop_column("offices", column)


def _facts() -> None:
    op.create_table(
        "world_facts",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("world_facts_pkey")),
        sa.UniqueConstraint("number", name=op.f("world_facts_number_key")),
    )
    op.create_index("world_facts_at", "world_facts", ["at", "id"])
    op.create_index("world_facts_subject", "world_facts", ["kind", "subject", "number"])
    op.create_table(
        "world_broadcasts",
        sa.Column("fact_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["world_facts.id"], name=op.f("world_broadcasts_fact_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["subjects.id"], name=op.f("world_broadcasts_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("fact_id", "case_id", name=op.f("world_broadcasts_pkey")),
    )

    op.create_table(
        "world_newcomers",
        sa.Column("case_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("world_newcomers_pkey")),
    )
    op.execute(
        """
        CREATE FUNCTION note_newcomer() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO world_newcomers VALUES (NEW.case_id) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER opens AFTER INSERT ON cases FOR EACH ROW "
        "WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION note_newcomer()"
    )
    op.execute(
        "CREATE TRIGGER opens_again AFTER UPDATE OF ended_at ON cases FOR EACH ROW "
        "WHEN (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL) "
        "EXECUTE FUNCTION note_newcomer()"
    )


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("office_id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("posts_office_id_fkey")),
        sa.ForeignKeyConstraint(["holder"], ["users.id"], name=op.f("posts_holder_fkey")),
        sa.PrimaryKeyConstraint("office_id", "post", "since", name=op.f("posts_pkey")),
        sa.CheckConstraint(
            "until IS NULL OR until > since", name=op.f("posts_ends_after_it_begins")
        ),
        sa.CheckConstraint("post IN ('head', 'deputy')", name=op.f("posts_is_a_post")),
    )
    op.create_index(op.f("posts_holder"), "posts", ["holder"])
    # A range of texts, so that equal words overlap: equality in a GiST index would need an
    # extension, and none is needed anywhere here.
    op.execute("CREATE TYPE textrange AS RANGE (subtype = text)")
    op.execute(
        "ALTER TABLE posts ADD CONSTRAINT posts_never_overlap EXCLUDE USING gist ("
        "textrange(office_id, office_id, '[]') WITH &&, textrange(post, post, '[]') WITH &&, "
        "tstzrange(since, until) WITH &&)"
    )


def downgrade() -> None:
    op.add_column("offices", sa.Column("head", sa.Text(), nullable=False, server_default=""))
    op.add_column("offices", sa.Column("deputy", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "offices", sa.Column("vacant", sa.Boolean(), nullable=False, server_default="false")
    )
    op.drop_column("subjects", "world_seen")
    op.drop_table("posts")
    op.execute("DROP TYPE textrange")
    op.execute("DROP TRIGGER opens ON cases")
    op.execute("DROP TRIGGER opens_again ON cases")
    op.execute("DROP FUNCTION note_newcomer()")
    op.drop_table("world_newcomers")
    op.drop_table("world_broadcasts")
    op.drop_table("world_facts")
