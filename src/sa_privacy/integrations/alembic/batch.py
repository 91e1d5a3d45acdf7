"""SQLite's batch mode, without its losses. Alembic copies the table as it reflects it, and reflection leaves out indexes
over expressions and triggers: they are gone with the old table. Here they are made again, in the same transaction.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from alembic.operations import BatchOperations, MigrateOperation, Operations
from sqlalchemy import TextClause, inspect, text
from sqlalchemy.exc import OperationalError

from sa_privacy.errors import PolicyError
from sa_privacy.integrations.alembic.alembic_private import new_names
from sa_privacy.integrations.alembic.declared import in_transaction
from sa_privacy.integrations.alembic.lookups import LookedUp, LookupIndex, Part
from sa_privacy.integrations.alembic.sqlite_text import recorded
from sa_privacy.integrations.alembic.stored import StoredIndex, indexes_in

__all__ = ["BatchAlterSealedTable", "altering"]


@Operations.register_operation("batch_alter_sealed_table")
class BatchAlterSealedTable(MigrateOperation):
    """The name under which ``op`` knows :func:`altering`."""

    @classmethod
    def batch_alter_sealed_table(
        cls, operations: Operations, table_name: str, schema: str | None = None, **options: Any
    ) -> AbstractContextManager[BatchOperations]:
        """``op.batch_alter_table``, for tables with lookup indexes: on SQLite they are still there afterwards.

        So are other indexes over expressions, and triggers. An index goes with its column, and follows one that is renamed.

        :param options: those of ``op.batch_alter_table``.
        :raises PolicyError: an index cannot be made again on the changed table.
        """
        return altering(operations, table_name, schema, **options)


@contextmanager
def altering(operations: Operations, table: str, schema: str | None, **options: Any) -> Iterator[BatchOperations]:
    """See :meth:`BatchAlterSealedTable.batch_alter_sealed_table`."""
    context = operations.get_context()
    if context.as_sql or context.dialect.name != "sqlite":
        with operations.batch_alter_table(table, schema, **options) as batch:
            yield batch
        return
    connection = operations.get_bind()
    indexes = [
        index
        for index in indexes_in(connection, table, schema)
        if not all(isinstance(part, str) for part in index.columns)
    ]
    triggers = recorded(connection, "trigger", table, schema)
    with (
        in_transaction(connection),
        _quiet_reflection(),
        operations.batch_alter_table(table, schema, **options) as batch,
    ):
        yield batch
        renamed = new_names(batch)
    there = {index.name for index in indexes_in(connection, table, schema)}
    columns = {str(column["name"]) for column in inspect(connection).get_columns(table, schema)}
    for index in [one for one in indexes if one.name not in there]:
        _make_again(operations, index, columns, renamed, table, schema)
    there = set(recorded(connection, "trigger", table, schema))
    for sql in [sql for name, sql in triggers.items() if name not in there]:
        connection.exec_driver_sql(sql)


@contextmanager
def _quiet_reflection() -> Iterator[None]:
    """Without the warning that an index is left out: it is not, here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
        yield


def _make_again(
    operations: Operations,
    index: StoredIndex,
    columns: set[str],
    renamed: dict[str, str],
    table: str,
    schema: str | None,
) -> None:
    named = [_column(part) for part in index.columns]
    if any(name is not None and name not in columns and name not in renamed for name in named):
        return  # its column went
    try:
        if _names_in(index.sql, renamed) != index.sql:
            _under_new_names(operations, index, renamed, table, schema)
        else:
            operations.get_bind().exec_driver_sql(index.sql)
    except OperationalError as error:
        raise PolicyError(
            f"the index {index.name} of {table} cannot be made again on the changed table.",
            hint="drop it before the batch, and create it as it is to be after it.",
        ) from error


def _under_new_names(
    operations: Operations, index: StoredIndex, renamed: dict[str, str], table: str, schema: str | None
) -> None:
    parts = tuple(_renamed(part, renamed) for part in index.columns)
    where = {} if index.where is None else {"sqlite_where": text(_names_in(index.where, renamed).replace(":", "\\:"))}
    made = LookupIndex(index.name, table, parts, index.unique, schema, where)
    operations.impl.create_index(made.over(index.slot or 0, index.name))


def _column(part: Part) -> str | None:
    if isinstance(part, TextClause):
        return None
    return part.column if isinstance(part, LookedUp) else part


def _renamed(part: Part, renamed: dict[str, str]) -> Part:
    if isinstance(part, LookedUp):
        return replace(part, column=renamed.get(part.column, part.column))
    if isinstance(part, str):
        return renamed.get(part, part)
    return text(_names_in(part.text, renamed))


def _names_in(sql: str, renamed: dict[str, str]) -> str:
    """SQL with other names of columns, and with the same words in its strings."""
    names = "|".join(re.escape(name) for name in sorted(renamed, key=len, reverse=True))
    found = re.compile(rf"""(?P<string>'(?:[^']|'')*')|"(?P<quoted>{names})"|(?<!\w)(?P<bare>{names})(?!\w)""")

    def new(match: re.Match[str]) -> str:
        name = match["quoted"] or match["bare"]
        return match[0] if name is None else '"' + renamed[name].replace('"', '""') + '"'

    return found.sub(new, sql) if renamed else sql
