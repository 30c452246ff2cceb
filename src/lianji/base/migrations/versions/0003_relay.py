"""The edges of a hub, and who is invited to become one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Times are microseconds since 1970 UTC, ``sites`` is a JSON list, ``serial`` is decimal."""
    op.create_table(
        "relay_edges",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("sites", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("not_after_us", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("joined_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger()),
    )
    op.create_table(
        "relay_invites",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("sites", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
    )
    op.create_index("relay_invites_by_edge", "relay_invites", ["edge"])


def downgrade() -> None:
    for table in ("relay_invites", "relay_edges"):
        op.drop_table(table)
