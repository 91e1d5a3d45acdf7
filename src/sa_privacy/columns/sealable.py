"""Which columns can be sealed: those that the database need not compare, compute with or fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint
from sqlalchemy.schema import ColumnCollectionConstraint
from sqlalchemy.sql import ClauseElement

from sa_privacy.columns.indexes import is_searchable
from sa_privacy.columns.lookup_key import LookupKey
from sa_privacy.errors import PolicyError

__all__ = ["check_sealing", "names_value", "needs_values", "refusal_to_seal"]

#: What a column may ask of the database that takes its values; the first two a lookup serves as well.
_NEED_VALUES = ("unique", "index", "primary_key", "server_default", "server_onupdate")


def needs_values(said: Mapping[str, Any], *, searchable: bool) -> list[str]:
    """What a column asks for that a sealed one cannot have.

    :param said: the column's options by name.
    :param searchable: it has a lookup.
    """
    return [f"{name}=" for name in _NEED_VALUES[2 if searchable else 0 :] if said.get(name) not in (None, False)]


def refusal_to_seal(what: str, options: list[str], columns: tuple[str, ...] = ()) -> PolicyError:
    """The error for a column that cannot be sealed for what it has."""
    return PolicyError(
        f"{what} cannot have {', '.join(options)}: the database sees cells, which differ for equal values and which it "
        "cannot make itself.",
        hint='give it lookup="exact" or lookup="casefold" where it must be unique or found by equality; use encrypt=False '
        "where the database must compute with it, order it or fill it in.",
        columns=columns,
    )


def check_sealing(column: Column[Any], table: Table, *, searchable: bool | None = None) -> None:
    """Refuses what would only work with the values themselves.

    :param searchable: the column has, or is about to get, a lookup; None: as its type says.
    :raises PolicyError: names the column and what it must not have.
    """
    searchable = is_searchable(column) if searchable is None else searchable
    found = needs_values({name: getattr(column, name, None) for name in _NEED_VALUES}, searchable=searchable)
    if column.foreign_keys:
        found.append("ForeignKey")
    if column.computed is not None:
        found.append("Computed")
    found += sorted(type(item).__name__ for item in _made_of(column, table, searchable=searchable))
    if found:
        name = f"{table.fullname}.{column.name}"
        raise refusal_to_seal(f"the sealed column {name}", found, (name,))


def _made_of(column: Column[Any], table: Table, *, searchable: bool) -> Iterator[object]:
    """What the database would work out from the values of a column: indexes, constraints, generated columns."""
    of_columns = chain.from_iterable(other.constraints for other in table.columns)
    for item in (*table.indexes, *table.constraints, *of_columns):
        options = getattr(item, "dialect_kwargs", {}).values()  # WHERE of a partial index
        texts: list[object] = [given for given in options if isinstance(given, ClauseElement)]
        if isinstance(item, CheckConstraint):
            texts.append(item.sqltext)
        elif isinstance(item, ColumnCollectionConstraint) and item.columns.contains_column(column):
            if not (searchable and isinstance(item, UniqueConstraint)):  # that one becomes an index over the lookup
                yield item
            continue
        if isinstance(item, Index):
            parts: list[Any] = list(item.expressions)
            texts += [part for part in parts if not isinstance(part, (Column, LookupKey))]
            if not searchable and any(part is column for part in parts):
                yield item
                continue
        if any(names_value(text, column.name) for text in texts):
            yield item
    for other in table.columns:
        if other is not column and other.computed is not None and names_value(other.computed.sqltext, column.name):
            yield other.computed


def names_value(expression: object, column: str) -> bool:
    """Whether SQL names a column otherwise than to ask whether it is NULL."""
    text = re.sub(r"'(?:[^']|'')*'", "''", str(expression))
    name = rf'(?<!\w)"?{re.escape(column)}"?(?!\w)'
    besides = re.sub(rf"(?i){name}\s+IS\s+(NOT\s+)?NULL", "", text)
    return re.search(rf"(?i){name}", besides) is not None
