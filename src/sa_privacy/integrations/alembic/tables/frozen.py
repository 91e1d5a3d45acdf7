"""What versions are written with, so that they stay as they are while the library moves on."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

__all__ = ["VERSION_TABLE", "keep_rows", "let_rows_go", "moment", "sealed"]

VERSION_TABLE: Final = "sa_privacy_version"


def moment() -> sa.DateTime:
    """The type of a moment."""
    return sa.DateTime(timezone=True)


def sealed() -> sa.LargeBinary:
    """The type of a sealed value: a cell."""
    return sa.LargeBinary()


def keep_rows(*tables: str) -> None:
    """Triggers that refuse UPDATE, DELETE and, on PostgreSQL, TRUNCATE, but to the library's own work. As of version 1: never changed."""
    if op.get_context().dialect.name == "sqlite":
        for table in tables:
            for verb in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "  # noqa: S608 - our own names
                    "WHEN NOT EXISTS (SELECT 1 FROM sa_privacy_passes) "
                    f"BEGIN SELECT RAISE(ABORT, 'the ledger {table} is append-only'); END"
                )
        return
    op.execute(
        """\
CREATE OR REPLACE FUNCTION sa_privacy_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'ROW' AND EXISTS (SELECT 1 FROM sa_privacy_passes WHERE made_in = pg_current_xact_id()::text) THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
    MESSAGE = 'the ledger ' || TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused';
END $$"""
    )
    for table in tables:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION sa_privacy_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION sa_privacy_append_only()"
        )


def let_rows_go() -> None:
    """Removes what the triggers run, once their tables are gone."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION sa_privacy_append_only()")
