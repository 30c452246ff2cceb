"""Which process of a hub looks after which edge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """``until_us`` is microseconds since 1970 UTC by the database's clock: see ``relay.owners``."""
    op.create_table(
        "relay_owners",
        sa.Column("edge", sa.Text(), primary_key=True),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("relay_owners")
