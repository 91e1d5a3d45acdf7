"""The end of rows of people that are nobody's any more: they stay as long as something leads to them, and no longer."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Table, delete, exists, literal, not_, select

from sa_privacy.customers.destruction.emptied import EMPTIED, NOBODYS, is_marked, row_key
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.run import carry_out
from sa_privacy.customers.destruction.survey import Ending
from sa_privacy.customers.retention.ruled import Rules

__all__ = ["end_nobodys"]

_AT_ONCE: Final = 10_000


def end_nobodys(connection: Connection, rules: Rules) -> int:
    """Removes shells and what was left of people, where nothing leads to it and no reason keeps it.

    :param connection: of a desk that is open for everything, and removes marks.
    :returns: how many rows went.
    """
    marked = select(EMPTIED.c.table_name).where(EMPTIED.c.schedule == NOBODYS[0]).distinct()
    names = [name for name in connection.execute(marked).scalars() if name in rules.graph.tables]
    return sum(_of(connection, rules, rules.graph.tables[name]) for name in sorted(names))


def _of(connection: Connection, rules: Rules, table: Table) -> int:
    _forget_gone(connection, table)
    ruled = rules.of(table)
    led = [
        exists(select(literal(1)).select_from(child))
        .where(*(one == other for one, other in zip(columns, reference.targets, strict=True)))
        .correlate(table)
        for reference in rules.graph.into(table)
        for child in [reference.child.alias() if reference.child is table else reference.child]
        for columns in [[child.c[column.key] for column in reference.columns]]
    ]
    unneeded = [is_marked(table, *NOBODYS), *(not_(one) for one in led), not_(ruled.kept()), not_(ruled.stopped())]
    wanted = select(*identity_of(table)).where(*unneeded).limit(_AT_ONCE)
    keys = tuple(tuple(row) for row in connection.execute(wanted).all())
    if keys:
        carry_out(connection, rules.graph, rules.survey.steps(connection, [Ending(table.fullname, keys, "delete")]))
    return len(keys)


def _forget_gone(connection: Connection, table: Table) -> None:
    """Takes back marks of rows that somebody else removed: their keys may come again."""
    here = EMPTIED.c
    theirs = (here.table_name == table.fullname, here.schedule == NOBODYS[0])
    if connection.dialect.name == "sqlite":
        gone: Any = here.row_key.not_in(select(row_key(table)))
    else:
        gone = not_(
            exists(select(literal(1)).select_from(table)).where(row_key(table) == here.row_key).correlate(EMPTIED)
        )
    connection.execute(delete(EMPTIED).where(*theirs, gone))
