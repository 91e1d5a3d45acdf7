"""``op.create_lookup_index`` and ``op.drop_lookup_index``: both indexes of a lookup, under one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import MigrateOperation, Operations

from sa_privacy.integrations.alembic.lookups import LookupIndex, Part

__all__ = ["CreateLookupIndexOp", "DropLookupIndexOp"]


@Operations.register_operation("create_lookup_index")
class CreateLookupIndexOp(MigrateOperation):
    """Makes the two indexes of a lookup."""

    def __init__(self, index: LookupIndex, *, if_not_exists: bool = True) -> None:
        self.index = index
        self.if_not_exists = if_not_exists

    @classmethod
    def create_lookup_index(
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        columns: Sequence[Part],
        *,
        unique: bool = False,
        schema: str | None = None,
        if_not_exists: bool = True,
        concurrently: bool = False,
        **options: Any,
    ) -> None:
        """Makes the two indexes of a lookup, one over each slot of its cells.

        Values that are not sealed yet are not in them: a unique one holds among cells from the start.

        :param index_name: of the first; the second's is made of it.
        :param columns: ``lookup("email")`` for a column that is looked up, names for plain columns, ``sa.text()`` for others.
        :param if_not_exists: those that are there stay: ``sa-privacy seal`` may have made them.
        :param concurrently: PostgreSQL: without a lock against writers; in ``op.get_context().autocommit_block()``.
        :param options: of the dialects, as ``op.create_index`` takes them, e.g. ``postgresql_where``.
        """
        if concurrently:
            options["postgresql_concurrently"] = True
        index = LookupIndex(index_name, table_name, tuple(columns), unique, schema, options)
        operations.invoke(cls(index, if_not_exists=if_not_exists))

    def reverse(self) -> DropLookupIndexOp:
        """The operation of the downgrade."""
        return DropLookupIndexOp(self.index, if_exists=self.if_not_exists)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check``."""
        return ("add_lookup_index", self.index)


@Operations.register_operation("drop_lookup_index")
class DropLookupIndexOp(MigrateOperation):
    """Drops the two indexes of a lookup."""

    def __init__(self, index: LookupIndex, *, if_exists: bool = True) -> None:
        self.index = index
        self.if_exists = if_exists

    @classmethod
    def drop_lookup_index(
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        *,
        schema: str | None = None,
        if_exists: bool = True,
        concurrently: bool = False,
    ) -> None:
        """Drops the two indexes of a lookup.

        :param index_name: of the first.
        :param if_exists: one of them, or both, may be missing: ``sa-privacy unseal`` drops them.
        :param concurrently: PostgreSQL: without a lock against others; in ``op.get_context().autocommit_block()``.
        """
        options = {"postgresql_concurrently": True} if concurrently else {}
        index = LookupIndex(index_name, table_name, ("_",), False, schema, options)
        operations.invoke(cls(index, if_exists=if_exists))

    def reverse(self) -> CreateLookupIndexOp:
        """The operation of the downgrade."""
        return CreateLookupIndexOp(self.index)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For ``alembic check``."""
        return ("remove_lookup_index", self.index)


@Operations.implementation_for(CreateLookupIndexOp)
def _create(operations: Operations, operation: CreateLookupIndexOp) -> None:
    index = operation.index
    said: dict[str, Any] = {"if_not_exists": True} if operation.if_not_exists else {}
    for one in index.indexes():
        operations.impl.create_index(one, **said)


@Operations.implementation_for(DropLookupIndexOp)
def _drop(operations: Operations, operation: DropLookupIndexOp) -> None:
    said: dict[str, Any] = {"if_exists": True} if operation.if_exists else {}
    for one in operation.index.indexes():
        operations.impl.drop_index(one, **said)
