"""Which sites a user and a token may see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Patterns by commas; empty is all of them."""
    for table in ("users", "tokens"):
        op.add_column(table, sa.Column("sites", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for table in ("users", "tokens"):
        op.drop_column(table, "sites")
