"""Plain values among the cells of a sealed column: counted by the database, in a few hundred rows from both ends of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Connection,
    LargeBinary,
    case,
    column,
    func,
    inspect,
    literal,
    select,
    table,
    union,
)

from sa_privacy.cli.census import CELL_HEADS, binary_columns
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable

__all__ = ["END", "Sampled", "sample_sealed"]

END = 500
"""Rows that are looked at from each end of a table: what a job left undone, and what was written last."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the rows looked at hold.

    :param plain: values that are no cells, by ``"table.column"``.
    :param cells: how many cells.
    :param missing: sealed columns that the database does not have.
    """

    plain: dict[str, int]
    cells: int
    missing: tuple[str, ...]


def sample_sealed(connection: Connection, catalogue: Catalogue) -> Sampled:
    """Looks at every sealed column. No value leaves the database."""
    plain: dict[str, int] = {}
    missing: list[str] = []
    cells = 0
    for personal in catalogue:
        sealed = [one for one in personal.columns.values() if one.sealed]
        binary = binary_columns(connection, personal) if sealed else None
        for one in sealed:
            if binary is None or one.column not in binary:
                missing.append(one.name)
                continue
            given, whole = _count(connection, personal, one, binary[one.column])
            cells += whole
            if given > whole:
                plain[one.name] = given - whole
    return Sampled(plain, cells, tuple(missing))


def _count(connection: Connection, personal: PersonalTable, one: PersonalColumn, binary: bool) -> tuple[int, int]:
    """Values, and the cells among them. A text column of PostgreSQL holds no cell."""
    cell = column(one.column, LargeBinary)
    source = table(personal.table, cell, schema=personal.schema)
    is_cell = func.substr(cell, 1, 2).in_([literal(head, LargeBinary) for head in CELL_HEADS])
    keys: list[ColumnClause[Any]] = [column(name) for name in _key(connection, personal)]
    whole = case((is_cell, 1), else_=0) if binary else literal(0)
    wanted = select(*keys, whole.label("whole")).select_from(source).where(cell.is_not(None))
    ends = [wanted.order_by(*(key.asc() for key in keys)).limit(END).subquery()]
    if keys:
        ends.append(wanted.order_by(*(key.desc() for key in keys)).limit(END).subquery())
    looked_at = union(*map(select, ends)).subquery() if keys else ends[0]
    counted = select(func.count(), func.coalesce(func.sum(looked_at.c.whole), 0)).select_from(looked_at)
    given, cells = connection.execute(counted).one()
    return int(given), int(cells)


def _key(connection: Connection, personal: PersonalTable) -> list[str]:
    return list(inspect(connection).get_pk_constraint(personal.table, schema=personal.schema)["constrained_columns"])
