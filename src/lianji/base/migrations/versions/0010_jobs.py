"""The queue of jobs, and what each tenant has used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def _figure(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(53), nullable=False, server_default="0")


def upgrade() -> None:
    """Times are microseconds since 1970 UTC; ``arguments`` and ``metrics`` are JSON objects."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), primary_key=True),
        *map(_words, ("name", "kind", "function", "arguments", "tenant", "owner", "device")),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("cpus", sa.Float(53), nullable=False),
        sa.Column("memory_mb", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        _words("state"),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        _count("waited_us"),
        sa.Column("level", sa.Integer()),
        *map(_words, ("place", "handle", "stop_by", "reason_en", "reason_zh", "metrics")),
        *map(_count, ("attempts", "preemptions", "crashes")),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("started_us", sa.BigInteger()),
        sa.Column("ended_us", sa.BigInteger()),
        *map(_figure, ("done", "of", "reached", "cpu_s")),
        *map(_count, ("memory_bytes", "memory_peak_bytes")),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "created_us"])
    op.create_index("jobs_by_time", "jobs", ["created_us"])
    op.create_table(
        "job_usage",
        sa.Column("tenant", sa.Text(), primary_key=True),
        *map(_figure, ("share_s", "cpu_s", "memory_mb_s")),
        *map(_count, ("served_us", "updated_us")),
    )


def downgrade() -> None:
    op.drop_table("job_usage")
    op.drop_table("jobs")
