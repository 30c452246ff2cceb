"""What hub and edges have, compared: each run, and what it found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Times are microseconds since 1970 UTC, ``error`` and ``unreadable`` are JSON."""
    op.create_table(
        "reconcile_runs",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("repair", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger()),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("done_us", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.Integer(), nullable=False),
        sa.Column("rows_here", sa.BigInteger(), nullable=False),
        sa.Column("rows_there", sa.BigInteger(), nullable=False),
        sa.Column("to_hub", sa.BigInteger(), nullable=False),
        sa.Column("to_edge", sa.BigInteger(), nullable=False),
        sa.Column("untold", sa.BigInteger(), nullable=False),
        sa.Column("unreadable", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
    )
    op.create_index("reconcile_runs_by_edge", "reconcile_runs", ["edge", "id"])
    op.create_table(
        "reconcile_differences",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("here", sa.BigInteger(), nullable=False),
        sa.Column("there", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("reconcile_differences_by_run", "reconcile_differences", ["run", "id"])


def downgrade() -> None:
    for table in ("reconcile_differences", "reconcile_runs"):
        op.drop_table(table)
