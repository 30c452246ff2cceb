"""The tables of access as ``base/migrations/versions`` makes them (0001, 0004, 0008)."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

users = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("name_key", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("entered_us", sa.BigInteger),
    sa.Column("sites", sa.Text, server_default=""),
)
sessions = sa.Table(
    "sessions",
    METADATA,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("seen_us", sa.BigInteger),
    sa.Column("address", sa.Text),
    sa.Column("agent", sa.Text),
)
tokens = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("hash", sa.Text),
    sa.Column("scopes", sa.Text),
    sa.Column("created_by", sa.Text),
    sa.Column("created_us", sa.BigInteger),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("used_us", sa.BigInteger),
    sa.Column("used_from", sa.Text),
    sa.Column("sites", sa.Text, server_default=""),
)
audit = sa.Table(
    "audit",
    METADATA,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time_us", sa.BigInteger),
    sa.Column("who", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("hash", sa.Text),
)
audit_head = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("hash", sa.Text),
)
audit_anchor = sa.Table(
    "audit_anchor",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("hash", sa.Text),
)
secrets = sa.Table(
    "secrets",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("secret", sa.Text),
)
