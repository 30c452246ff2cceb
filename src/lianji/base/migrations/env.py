"""What Alembic runs: all steps in the one transaction that ``base.state.State`` has begun."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite's too: our BEGIN is a real one
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
