"""Where the audit log of the database begins: what is older lies in files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The number and the hash of the last entry that was moved to a file; see
    ``web.access.audit_files``."""
    op.create_table(
        "audit_anchor",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    op.execute("INSERT INTO audit_anchor (id, sequence, hash) VALUES (1, 0, '')")


def downgrade() -> None:
    op.drop_table("audit_anchor")
