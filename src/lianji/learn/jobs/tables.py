"""The tables of jobs as ``base/migrations/versions/0010`` makes them."""

from __future__ import annotations

import sqlalchemy as sa

_JOB_WORDS = (
    "id", "name", "kind", "function", "arguments", "tenant", "owner", "device", "state", "place",
    "handle", "stop_by", "reason_en", "reason_zh", "metrics",
)  # fmt: skip
_JOB_COUNTS = (
    "priority", "memory_mb", "created_us", "since_us", "waited_us", "level", "attempts",
    "preemptions", "crashes", "exit_code", "started_us", "ended_us", "memory_bytes",
    "memory_peak_bytes",
)  # fmt: skip
_JOB_FIGURES = ("cpus", "done", "of", "reached", "cpu_s")

jobs = sa.table(
    "jobs",
    *(sa.column(name, sa.Text) for name in _JOB_WORDS),
    *(sa.column(name, sa.BigInteger) for name in _JOB_COUNTS),
    *(sa.column(name, sa.Float) for name in _JOB_FIGURES),
)
usage = sa.table(
    "job_usage",
    sa.column("tenant", sa.Text),
    *(sa.column(name, sa.Float) for name in ("share_s", "cpu_s", "memory_mb_s")),
    *(sa.column(name, sa.BigInteger) for name in ("served_us", "updated_us")),
)
