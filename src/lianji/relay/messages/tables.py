"""The table of messages as ``base/migrations/versions/0005_messages.py`` makes it."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

messages = sa.Table(
    "relay_messages",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text),
    sa.Column("edge", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("version", sa.BigInteger),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("digest", sa.Text),
    sa.Column("length", sa.BigInteger),
    sa.Column("signature", sa.LargeBinary),
    sa.Column("sender", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("sent_us", sa.BigInteger),
    sa.Column("answered_us", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("result", sa.Text),
)
