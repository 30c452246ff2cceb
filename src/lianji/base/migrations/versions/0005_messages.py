"""Messages of a hub to its edges, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Times are microseconds since 1970 UTC; ``reason`` and ``result`` are JSON objects."""
    op.create_table(
        "relay_messages",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent_us", sa.BigInteger()),
        sa.Column("answered_us", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("result", sa.Text()),
    )
    op.create_index("relay_messages_by_edge", "relay_messages", ["edge", "kind", "version"])
    op.create_index("relay_messages_by_state", "relay_messages", ["state"])


def downgrade() -> None:
    op.drop_table("relay_messages")
