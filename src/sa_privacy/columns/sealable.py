"""Which columns can be sealed: those that the database need not compare, compute with or fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Table
from sqlalchemy.schema import ColumnCollectionConstraint
from sqlalchemy.sql import ClauseElement

from sa_privacy.errors import PolicyError

__all__ = ["NEED_VALUES", "check_sealing", "refusal_to_seal"]

#: What a column may ask of the database that takes its values.
NEED_VALUES = ("unique", "index", "primary_key", "server_default", "server_onupdate")


def refusal_to_seal(what: str, options: list[str], columns: tuple[str, ...] = ()) -> PolicyError:
    """The error for a column that cannot be sealed for what it has."""
    return PolicyError(
        f"{what} cannot have {', '.join(options)}: the database sees cells, which differ for equal values and which it "
        "cannot make itself.",
        hint="use encrypt=False for a column that the database must search, compare or fill in.",
        columns=columns,
    )


def check_sealing(column: Column[Any], table: Table) -> None:
    """Refuses what would only work with the values themselves.

    :raises PolicyError: names the column and what it must not have.
    """
    found = [f"{name}=" for name in NEED_VALUES if getattr(column, name, None) not in (None, False)]
    if column.foreign_keys:
        found.append("ForeignKey")
    if column.computed is not None:
        found.append("Computed")
    found += sorted(type(item).__name__ for item in _made_of(column, table))
    if found:
        name = f"{table.fullname}.{column.name}"
        raise refusal_to_seal(f"the sealed column {name}", found, (name,))


def _made_of(column: Column[Any], table: Table) -> Iterator[object]:
    """What the database would work out from the values of a column: indexes, constraints, generated columns."""
    of_columns = chain.from_iterable(other.constraints for other in table.columns)
    for item in (*table.indexes, *table.constraints, *of_columns):
        options = getattr(item, "dialect_kwargs", {}).values()  # WHERE of a partial index
        texts: list[object] = [given for given in options if isinstance(given, ClauseElement)]
        if isinstance(item, CheckConstraint):
            texts.append(item.sqltext)
        elif isinstance(item, (Index, ColumnCollectionConstraint)) and item.columns.contains_column(column):
            yield item
            continue
        if isinstance(item, Index):
            texts += item.expressions
        if any(_names(text, column) for text in texts):
            yield item
    for other in table.columns:
        if other is not column and other.computed is not None and _names(other.computed.sqltext, column):
            yield other.computed


def _names(expression: object, column: Column[Any]) -> bool:
    """Whether SQL names a column otherwise than to ask whether it is NULL."""
    text = re.sub(r"'(?:[^']|'')*'", "''", str(expression))
    name = rf'(?<!\w)"?{re.escape(column.name)}"?(?!\w)'
    besides = re.sub(rf"(?i){name}\s+IS\s+(NOT\s+)?NULL", "", text)
    return re.search(rf"(?i){name}", besides) is not None
