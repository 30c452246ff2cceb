"""The tables as ``base/migrations/versions/0006_reconcile.py`` makes them."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

runs = sa.Table(
    "reconcile_runs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("edge", sa.Text),
    sa.Column("by", sa.Text),
    sa.Column("repair", sa.Boolean),
    sa.Column("state", sa.Text),
    sa.Column("started_us", sa.BigInteger),
    sa.Column("ended_us", sa.BigInteger),
    sa.Column("from_us", sa.BigInteger),
    sa.Column("to_us", sa.BigInteger),
    sa.Column("done_us", sa.BigInteger),
    sa.Column("tags", sa.Integer),
    sa.Column("rows_here", sa.BigInteger),
    sa.Column("rows_there", sa.BigInteger),
    sa.Column("to_hub", sa.BigInteger),
    sa.Column("to_edge", sa.BigInteger),
    sa.Column("untold", sa.BigInteger),
    sa.Column("unreadable", sa.Text),
    sa.Column("error", sa.Text),
)
differences = sa.Table(
    "reconcile_differences",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Integer),
    sa.Column("tag", sa.Text),
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Column("here", sa.BigInteger),
    sa.Column("there", sa.BigInteger),
    sa.Column("kind", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text),
)
