"""What a hub last heard of each of its edges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """``heard_us`` is microseconds since 1970 UTC, ``line`` a JSON object: see
    ``relay.remembered``."""
    op.create_table(
        "relay_heard",
        sa.Column("edge", sa.Text(), primary_key=True),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("relay_heard")
