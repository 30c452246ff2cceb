"""What a hub takes of each edge: its own rate and quota, and how much came today."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row an edge that has limits of its own; see ``relay.quotas``."""
    op.create_table(
        "relay_limits",
        sa.Column("edge", sa.Text(), primary_key=True),
        sa.Column("samples_per_s", sa.Float()),
        sa.Column("bytes_a_day", sa.BigInteger()),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("used_day", sa.Integer(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("relay_limits")
