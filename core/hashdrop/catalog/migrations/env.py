"""What alembic runs for a migration; the connection comes from `hashdrop.catalog.schema`."""

from __future__ import annotations

from alembic import context

from hashdrop.catalog.noting import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
