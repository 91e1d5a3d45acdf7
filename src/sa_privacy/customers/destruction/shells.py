"""Shells: rows that say nothing of anybody, and take the place of a person whom rows that stay still have to name.

Orders that tax law keeps refer to a customer. They come to refer to a shell, a new row under a new key, so that one person's
orders still add up together, and nobody who knew the customer's key finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table

from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.customers.destruction.values import empty_value, fresh_value, is_unique
from sa_privacy.errors import RetentionRefused

__all__ = ["class_of", "copied_columns", "shell_values", "takes_shells"]


def takes_shells(table: Table, values: Mapping[str, object]) -> bool:
    """Whether a row can be made up for the table. Where it cannot, the person's own row stays, emptied.

    :param values: what the policy says of single columns.
    """
    if _discriminator(table) is _UNKNOWN or any(_leads_to_its_own(column, values) for column in copied_columns(table)):
        return False
    try:
        shell_values(table, values)
    except RetentionRefused:
        return False
    return True


def copied_columns(table: Table) -> tuple[Column[Any], ...]:
    """What a shell has in common with the person: rows of other tables that every row has to name, as a tenant."""
    return tuple(column for column in table.columns if column.foreign_keys and not column.nullable)


def _leads_to_its_own(column: Column[Any], values: Mapping[str, object]) -> bool:
    """Whether a row has to name another one of its table, or itself: a shell would name the person, or somebody else."""
    own = {one.target_fullname.rpartition(".")[0] for one in column.foreign_keys}
    return column.table.fullname in own and column.name not in values


def class_of(table: Table) -> dict[str, Any]:
    """What says in the row that a row of the table goes on from that it does: the class of its own."""
    for mapper in all_mappers():
        if mapper.local_table is not table or mapper.inherits is None or mapper.inherits.local_table is table:
            continue
        column = mapper.polymorphic_on
        if isinstance(column, Column) and mapper.polymorphic_identity is not None:
            return {str(column.name): mapper.polymorphic_identity}
    return {}


def shell_values(table: Table, values: Mapping[str, object]) -> dict[str, Any]:
    """What stands in a shell; the other columns are the database's to fill, are copied, or stay NULL.

    :raises RetentionRefused: a column takes no value that says nothing.
    """
    made: dict[str, Any] = {}
    discriminator = _discriminator(table)
    copied = copied_columns(table)
    for column in table.columns:
        name = str(column.name)
        if name in values:
            made[name] = values[name]
        elif column.computed is not None:
            continue
        elif discriminator is not None and discriminator is not _UNKNOWN and column is discriminator[0]:
            made[name] = discriminator[1]
        elif column in copied or _fills_itself(column):
            continue
        elif column.primary_key or (is_unique(column) and not column.nullable):
            made[name] = fresh_value(column)
        elif not column.nullable:
            made[name] = empty_value(column)
    return made


def _fills_itself(column: Column[Any]) -> bool:
    if column.computed is not None or column.identity is not None or column.server_default is not None:
        return True
    if column.default is not None:
        return True
    return column is column.table.autoincrement_column or (bool(column.nullable) and not column.primary_key)


class _Unknown:
    pass


_UNKNOWN = _Unknown()


def _discriminator(table: Table) -> Any:
    """The column that says of what class a row is, and what stands there for the class that needs no other table; None
    where there is none.
    """
    for mapper in all_mappers():
        if mapper.local_table is table and mapper.inherits is None and mapper.polymorphic_on is not None:
            column = mapper.polymorphic_on
            if not isinstance(column, Column) or column.table is not table or mapper.polymorphic_identity is None:
                return _UNKNOWN
            return column, mapper.polymorphic_identity
    return None
