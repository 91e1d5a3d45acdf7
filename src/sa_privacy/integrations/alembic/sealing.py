"""``op.seal_column`` and ``op.unseal_column``: what a migration can do about sealing, the type of the column.

The values themselves are sealed by ``sa-privacy seal``, which has the keys. Before it has run, the column holds what it
held, as bytes; nothing is lost in either order, and each operation does nothing where it has been done.
"""

from __future__ import annotations

from typing import Any, Final

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import ARRAY, LargeBinary
from sqlalchemy.types import NullType, TypeEngine, to_instance

from sa_privacy.columns.stored import cell_condition, is_text
from sa_privacy.errors import PolicyError
from sa_privacy.integrations.alembic.cells import has_cells
from sa_privacy.integrations.alembic.declared import declare
from sa_privacy.integrations.alembic.plpgsql import block, guarded, raising
from sa_privacy.integrations.alembic.stored import on_table

__all__ = ["SealColumnOp", "UnsealColumnOp"]

#: So that the text form of a value does not depend on who migrates; sealing reads these.
_FORMS: Final = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}


_SHORTER: Final = "look for values that were stored while the column was sealed; change them, or give a wider type."


class _Sealing(MigrateOperation):
    """A column, and the type that it has while it is not sealed."""

    def __init__(self, table_name: str, column_name: str, type_: Any, schema: str | None = None) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.type_: TypeEngine[Any] = to_instance(type_)
        self.schema = schema

    @property
    def name(self) -> str:
        """What errors call the column."""
        table = self.table_name if self.schema is None else f"{self.schema}.{self.table_name}"
        return f"{table}.{self.column_name}"


@Operations.register_operation("seal_column")
class SealColumnOp(_Sealing):
    """Makes a column one that takes cells."""

    @classmethod
    def seal_column(
        cls, operations: Operations, table_name: str, column_name: str, *, type_: Any, schema: str | None = None
    ) -> None:
        """Makes a column BYTEA or BLOB, keeping what it holds. ``sa-privacy seal`` then seals the values.

        Until it has, the application needs ``Privacy(..., accept_plaintext=...)``. On PostgreSQL the table is rewritten once,
        under its strongest lock; on SQLite only its record is. Does nothing where the column has that type.

        :param type_: the type that the column has before, and again after a downgrade.
        :raises PolicyError: SQLite: offline, or the record of the table is not understood. Nothing was changed.
        """
        operations.invoke(cls(table_name, column_name, type_, schema))

    def reverse(self) -> UnsealColumnOp:
        """The operation of the downgrade."""
        return UnsealColumnOp(self.table_name, self.column_name, self.type_, self.schema)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check``."""
        return ("seal_column", self.schema, self.table_name, self.column_name, self.type_)


@Operations.register_operation("unseal_column")
class UnsealColumnOp(_Sealing):
    """Gives a column without cells its plain type."""

    @classmethod
    def unseal_column(
        cls, operations: Operations, table_name: str, column_name: str, *, type_: Any, schema: str | None = None
    ) -> None:
        """Gives a column its plain type back, after ``sa-privacy unseal`` has opened its cells.

        :param type_: the plain type.
        :raises PolicyError: there are cells: as text they would be lost.
        """
        operations.invoke(cls(table_name, column_name, type_, schema))

    def reverse(self) -> SealColumnOp:
        """The operation of the downgrade."""
        return SealColumnOp(self.table_name, self.column_name, self.type_, self.schema)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check``."""
        return ("unseal_column", self.schema, self.table_name, self.column_name, self.type_)


@Operations.implementation_for(SealColumnOp)
def _seal(operations: Operations, operation: SealColumnOp) -> None:
    if operations.get_context().dialect.name == "postgresql":
        column = operations.get_context().dialect.identifier_preparer.quote(operation.column_name)
        form = f"to_jsonb({column})" if isinstance(operation.type_, ARRAY) else column
        _alter(operations, operation, f"TYPE bytea USING convert_to({form}::text, 'UTF8')", to_bytes=True)
    else:
        _declare(operations, operation, LargeBinary())


@Operations.implementation_for(UnsealColumnOp)
def _unseal(operations: Operations, operation: UnsealColumnOp) -> None:
    context = operations.get_context()
    if not context.as_sql and has_cells(
        operations.get_bind(), operation.table_name, operation.column_name, operation.schema
    ):
        raise PolicyError(f"{_holds_cells(operation)}.", hint=_way_out(operation), columns=(operation.name,))
    if context.dialect.name != "postgresql":
        _declare(operations, operation, operation.type_)
        return
    if isinstance(operation.type_, ARRAY):
        raise PolicyError(
            f"{operation.name} was an array, which text does not become again.",
            hint="add a plain column beside it, and copy.",
            columns=(operation.name,),
        )
    column = context.dialect.identifier_preparer.quote(operation.column_name)
    kind = operation.type_.compile(dialect=context.dialect)
    plain = f"convert_from({column}, 'UTF8')"
    # A cast that is written out would cut text which has become longer than the type takes.
    given = plain if is_text(operation.type_, context.dialect) else f"{plain}::{kind}"
    if kind.lower() != "bytea":
        _alter(operations, operation, f"TYPE {kind} USING {given}", to_bytes=False)


def _alter(operations: Operations, operation: _Sealing, change: str, *, to_bytes: bool) -> None:
    """PostgreSQL: changes the type, unless it is changed already; one block, so that ``--sql`` looks first, too."""
    dialect = operations.get_context().dialect
    quote = dialect.identifier_preparer.quote
    table, column = on_table(dialect, operation.table_name, operation.schema), quote(operation.column_name)
    of, name = (words.replace("'", "''") for words in (table, operation.column_name))
    kind = f"SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = '{of}'::regclass AND attname = '{name}'"  # noqa: S608 - quoted names
    is_bytes = f"({kind}) IS NOT DISTINCT FROM 'bytea'::regtype"
    guard = f"SELECT FROM {table} WHERE {cell_condition(column, dialect)}"
    kept = ", ".join(f"current_setting('{form}')" for form in _FORMS)
    operations.execute(
        block(
            f"IF {'NOT ' if to_bytes else ''}({is_bytes}) THEN",
            *(f"PERFORM set_config('{form}', '{said}', true);" for form, said in _FORMS.items()),
            f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;",
            *(() if to_bytes else [guarded(guard, _holds_cells(operation), _way_out(operation))]),
            # The database would quote the value that it cannot take.
            f"BEGIN ALTER TABLE {table} ALTER COLUMN {column} {change}; EXCEPTION WHEN data_exception THEN",
            f"{raising(f'{operation.name} holds values that {operation.type_!r} does not take', _SHORTER)} END;",
            *(f"PERFORM set_config('{form}', kept[{n}], true);" for n, form in enumerate(_FORMS, 1)),
            "END IF;",
            declare=f"\nDECLARE kept text[] := ARRAY[{kept}];",
        )
    )


def _declare(operations: Operations, operation: _Sealing, kind: TypeEngine[Any]) -> None:
    """SQLite: another declared type; each value stays as it is stored."""
    context = operations.get_context()
    if context.as_sql:
        raise PolicyError(
            f"{operation.name}: how SQLite has recorded the table must be read, so its type cannot be changed offline.",
            hint="run the migration on the database, without --sql.",
        )
    said = "" if isinstance(kind, NullType) else kind.compile(dialect=context.dialect)
    declare(operations.get_bind(), operation.table_name, operation.schema, operation.column_name, said)


def _holds_cells(operation: _Sealing) -> str:
    return f"{operation.name} holds cells, which its plain type would make unreadable"


def _way_out(operation: _Sealing) -> str:
    return f"open them first: sa-privacy unseal {operation.name}."
