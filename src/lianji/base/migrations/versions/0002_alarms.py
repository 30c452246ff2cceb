"""How alarms stand, what happened to them, and who was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers only INTEGER by itself."""


def upgrade() -> None:
    """Times are microseconds since 1970 UTC."""
    op.create_table(
        "alarm_states",
        sa.Column("alarm", sa.Text(), primary_key=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("unacknowledged", sa.Boolean(), nullable=False),
        sa.Column("shelved_until_us", sa.BigInteger()),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("out_of_service", sa.Boolean(), nullable=False),
        sa.Column("raised_us", sa.BigInteger()),
        sa.Column("returned_us", sa.BigInteger()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
    )
    op.create_table(
        "alarm_journal",
        sa.Column("id", _COUNTED, primary_key=True),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("value", sa.Float()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("message_en", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("alarm_journal_by_time", "alarm_journal", ["time_us"])
    op.create_index("alarm_journal_by_alarm", "alarm_journal", ["alarm", "id"])
    op.create_table(
        "alarm_notices",
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("alarm", sa.Text(), primary_key=True),
        sa.Column("raised_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    for table in ("alarm_notices", "alarm_journal", "alarm_states"):
        op.drop_table(table)
