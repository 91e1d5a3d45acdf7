"""Alembic runs this for ``sa-privacy tables``; an application that takes the versions in has an ``env.py`` of its own."""

from __future__ import annotations

from alembic import context

from sa_privacy.integrations.alembic.tables.frozen import VERSION_TABLE

given = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"], literal_binds=True, version_table=VERSION_TABLE)
else:
    context.configure(connection=given["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
