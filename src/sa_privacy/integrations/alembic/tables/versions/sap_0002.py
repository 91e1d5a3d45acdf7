"""Where bulk work stands: what is under way, and its chunks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sa_privacy.integrations.alembic.tables.frozen import moment

revision = "sap_0002"
down_revision = "sap_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "sa_privacy_works",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("table_name", sa.String(length=200), nullable=False),
        sa.Column("begun_at", moment(), nullable=False),
        sa.Column("as_of", moment(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("cut_upto", sa.Text(), nullable=True),
        sa.Column("all_cut", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "sa_privacy_chunks",
        sa.Column("work", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after_key", sa.Text(), nullable=True),
        sa.Column("upto_key", sa.Text(), nullable=True),
        sa.Column("owner", sa.String(length=32), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("until", moment(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("work", "number"),
    )
    op.create_index("ix_sa_privacy_chunks_left", "sa_privacy_chunks", ["work", "done"], unique=False)


def downgrade() -> None:
    """Removes them."""
    op.drop_table("sa_privacy_chunks")
    op.drop_table("sa_privacy_works")
