"""Passes: how the library's own work gets past a trigger that stops everybody else.

A ledger is append-only, and still what is too old in it has to go; what a hold freezes is sealed anew when keys rotate. Such
work writes a pass into its transaction and takes it back before the end: it is never committed, so that no other transaction
can see it, and the triggers let through only what runs beside one. Whoever may write to this table could make one, too: it is
open to the library's desk alone, as are the ledgers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Column, Connection, Integer, String, Table, cast, delete, func, insert, literal

from sa_privacy.columns.own_tables import OWN_TABLES, own_column

__all__ = ["PASSES", "has_pass_sql", "let_past"]

PASSES: Final = Table(
    "sa_privacy_passes",
    OWN_TABLES,
    Column("id", Integer, primary_key=True),
    own_column("work", String(100), nullable=False),
    own_column("made_in", String(40), nullable=False),
)
"""Always empty, as seen from other transactions. ``made_in`` is the transaction, on PostgreSQL: one that was committed by
mistake opens nothing to a later one."""


def has_pass_sql(dialect: str) -> str:
    """The condition, for triggers, that the library's own work is under way in this transaction."""
    if dialect == "sqlite":  # one writer at a time, and nobody sees what it has not committed
        return "EXISTS (SELECT 1 FROM sa_privacy_passes)"
    return "EXISTS (SELECT 1 FROM sa_privacy_passes WHERE made_in = pg_current_xact_id()::text)"


@contextmanager
def let_past(connection: Connection, work: str) -> Iterator[None]:
    """Inside, the library's own triggers let through what this transaction does. Leaves no pass behind.

    :param connection: of a desk that is open for the whole of it (:meth:`Desk.whole`), and that removes rows of this table.
    :param work: what is done, for people who look into the table while it runs.
    """
    here = literal("here") if connection.dialect.name == "sqlite" else cast(func.pg_current_xact_id(), String)
    with connection.begin_nested():  # an error in it takes the pass along
        connection.execute(insert(PASSES).values(work=work, made_in=here))
        yield
        connection.execute(delete(PASSES))
