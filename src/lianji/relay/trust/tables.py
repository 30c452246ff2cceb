"""The tables of a hub's edges as ``base/migrations/versions/0003_relay.py`` makes them."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

edges = sa.Table(
    "relay_edges",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sites", sa.Text),
    sa.Column("generation", sa.Integer),
    sa.Column("serial", sa.Text),
    sa.Column("not_after_us", sa.BigInteger),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("joined_us", sa.BigInteger),
    sa.Column("revoked_us", sa.BigInteger),
)
invites = sa.Table(
    "relay_invites",
    METADATA,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("edge", sa.Text),
    sa.Column("sites", sa.Text),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("used_us", sa.BigInteger),
)
