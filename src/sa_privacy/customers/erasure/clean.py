"""Takes bytes out of a database's files that no row holds any more. A deleted row is marked as free, and stays until something
is written over it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

__all__ = ["Cleaned", "clean"]

_STATISTICS: Final = ("pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data")
_BEYOND: Final = (
    "the write-ahead log (pg_wal) and its archive hold what was written until they are recycled or expire",
    "standbys, subscribers and file systems with snapshots have files of their own",
    "backups and dumps stay as they are",
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was done, and what still may hold bytes of what was deleted. In words.

    :param left: what this could not do.
    """

    done: tuple[str, ...]
    left: tuple[str, ...]


def clean(engine: Engine, tables: Collection[str] = (), *, rewrite: bool = False) -> Cleaned:
    """Cleans the files of a database. Other connections wait for it, or it for them.

    :param engine: of the owner, that no ``Privacy`` protects: this is no work with rows.
    :param tables: PostgreSQL: ``"table"`` or ``"schema.table"``; none: all that the owner has.
    :param rewrite: PostgreSQL: writes each table and its indexes anew, and locks it meanwhile. Without it, space becomes free
        and is not overwritten. SQLite's file is always written anew.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            return _sqlite(connection)
        return _postgresql(connection, tables, rewrite=rewrite)


def _sqlite(connection: Connection) -> Cleaned:
    done, left = [], []
    for statement in (
        "PRAGMA secure_delete = ON",
        "PRAGMA journal_size_limit = 0",  # a journal that stays is emptied
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    ):
        row: Any = connection.exec_driver_sql(statement)
        first = tuple(row.first() or ()) if row.returns_rows else ()
        if "checkpoint" in statement and first and first[0]:
            left.append("the write-ahead log: somebody else reads the database; do it again once nobody does")
        else:
            done.append(statement)
    left += ["backups and copies stay as they are, and so do snapshots of the file system"]
    return Cleaned(tuple(dict.fromkeys(done)), tuple(dict.fromkeys(left)))


def _postgresql(connection: Connection, tables: Collection[str], *, rewrite: bool) -> Cleaned:
    done, left = [], []
    options = "FULL, ANALYZE" if rewrite else "ANALYZE"
    quote = connection.dialect.identifier_preparer.quote
    named = [f" {'.'.join(map(quote, table.split('.')))}" for table in tables]
    for table in named or [""]:
        statement = f"VACUUM ({options}){table}"
        connection.exec_driver_sql(statement)
        done.append(statement)
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        for table in _STATISTICS if rewrite else ():  # what ANALYZE noted of values before
            connection.exec_driver_sql(f"VACUUM (FULL) {table}")
            done.append(f"VACUUM (FULL) {table}")
    elif rewrite:
        left.append(
            f"the planner's statistics, which hold values: as a superuser, VACUUM (FULL) {', '.join(_STATISTICS)}"
        )
    empty = connection.scalars(
        text(
            "SELECT DISTINCT s.schemaname || '.' || s.tablename FROM pg_stats s JOIN pg_class c ON c.relname = s.tablename "
            "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.schemaname "
            "WHERE c.relkind = 'r' AND c.reltuples <= 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
    ).all()
    if empty:  # ANALYZE leaves those of an empty table as they were
        left.append(f"the planner's statistics of tables that are empty now: {', '.join(sorted(empty))}")
    if not rewrite:
        left.append(
            "space in tables and indexes is free and not overwritten: rewrite=True, or --rewrite, writes them anew"
        )
    try:
        connection.exec_driver_sql("CHECKPOINT")
        done.append("CHECKPOINT")
    except DBAPIError:
        left.append("CHECKPOINT, for which a superuser or pg_checkpoint is needed: files are written later")
    return Cleaned(tuple(done), (*left, *_BEYOND))
