"""An `env.py` that runs migrations by ``connection.run_sync``, as Alembic's template for async drivers does."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, String, text
from sqlalchemy.ext.asyncio import AsyncEngine

from sa_privacy.integrations.alembic.stored import lookups_in
from tests.integrations.project import SILENT
from tests.integrations.test_autogenerate import people, sealed

pytestmark = SILENT


def migrate(connection: Connection) -> None:
    """All operations and comparisons, on a connection of an async engine."""
    plain, cells = people(email=String(50)), people(email=sealed("exact"))
    plain.create_all(connection)
    connection.execute(text("INSERT INTO people VALUES (1, 'anna')"))
    context = MigrationContext.configure(connection)
    operations: Any = Operations(context)
    script = produce_migrations(context, cells)
    assert script.upgrade_ops is not None
    for step in script.upgrade_ops.ops:
        operations.invoke(step)
    assert list(lookups_in(connection, "people")) == ["ix_people_email_lookup"]
    assert produce_migrations(context, cells).upgrade_ops.is_empty()  # type: ignore[union-attr]
    with operations.batch_alter_sealed_table("people") as batch:
        batch.drop_column("email")
    assert not lookups_in(connection, "people")


async def test_migrations_run_on_async_drivers(async_engine: AsyncEngine) -> None:
    async with async_engine.begin() as connection:
        await connection.run_sync(migrate)
