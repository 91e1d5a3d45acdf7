"""Carrying steps out, in the transaction of whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Delete, Table, Update, bindparam, delete, insert, select, update

from sa_privacy.customers.destruction.emptied import NOBODYS, forget_rows, mark
from sa_privacy.customers.destruction.graph import Graph, identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching
from sa_privacy.customers.destruction.shells import copied_columns, shell_values
from sa_privacy.customers.destruction.steps import Shell, Step
from sa_privacy.customers.destruction.values import empty_value, is_unique
from sa_privacy.errors import PlanMoved

__all__ = ["carry_out"]


def carry_out(
    connection: Connection, graph: Graph, steps: Iterable[Step], done: Callable[[Step], object] | None = None
) -> None:
    """Does what the steps say.

    :param connection: of a desk that may do everything; in a transaction, which the caller rolls back after an error.
    :param done: called after each step.
    :raises PlanMoved: a row is not there any more, or is another.
    """
    shells: dict[Shell, Mapping[str, Any]] = {}
    for step in steps:
        table = graph.tables[step.table]
        if step.verb == "shell" and step.shell is not None:
            shells[step.shell] = _make_shell(connection, table, step)
        elif step.verb == "relink" and step.shell is not None:
            _relink(connection, graph, table, step, shells[step.shell])
        elif step.verb == "delete":
            forget_rows(connection, table, step.keys)
            _change(connection, step, delete(table))
        elif step.verb == "unlink":
            _change(connection, step, update(table).values(dict.fromkeys(_keys_of(table, step.columns))))
        else:
            _empty(connection, table, step)
        if done is not None:
            done(step)


def _change(connection: Connection, step: Step, statement: Update | Delete) -> None:
    """Changes the rows of a step, and them alone."""
    table: Any = statement.table
    identity = identity_of(table)
    changed = 0
    for some in in_batches(step.keys, len(identity)):
        changed += connection.execute(statement.where(matching(identity, some))).rowcount
    _must_be_all(table, step, changed)


def _keys_of(table: Table, names: Collection[str]) -> list[str]:
    """What SQLAlchemy calls the columns of these names."""
    return [str(column.key) for column in table.columns if column.name in names]


def _must_be_all(table: Table, step: Step, changed: int) -> None:
    if changed != step.rows:
        raise PlanMoved(
            f"rows of {table.fullname} are not as they were when the plan was made.",
            hint="nothing was changed: make a new plan, and look at it.",
        )


def _make_shell(connection: Connection, table: Table, step: Step) -> Mapping[str, Any]:
    """A shell for a person; what stands in it."""
    identity = identity_of(table)
    values = shell_values(table, step.values)
    copied = [column for column in copied_columns(table) if column.name not in values]
    if copied:
        found = connection.execute(select(*copied).where(matching(identity, step.keys))).one_or_none()
        if found is None:
            _must_be_all(table, step, 0)
        else:
            values |= {str(column.name): value for column, value in zip(copied, tuple(found), strict=True)}
    keys = {column.name: column.key for column in table.columns}
    made = connection.execute(insert(table).values({keys[name]: value for name, value in values.items()}))
    primary = made.inserted_primary_key
    new = {} if primary is None else dict(zip((str(c.name) for c in table.primary_key.columns), primary, strict=True))
    if primary is not None:
        mark(connection, table, [tuple(primary)], [NOBODYS])
    return values | new


def _relink(connection: Connection, graph: Graph, table: Table, step: Step, shell: Mapping[str, Any]) -> None:
    """Rows lead to a shell."""
    assert step.shell is not None  # noqa: S101 - the caller looked
    parent = graph.tables[step.shell.table]
    reference = next(
        one
        for one in graph.into(parent)
        if one.child.fullname == step.table and tuple(str(c.name) for c in one.columns) == step.columns
    )
    values = {
        column.key: shell[str(target.name)] for column, target in zip(reference.columns, reference.targets, strict=True)
    }
    _change(connection, step, update(table).values(values))


def _empty(connection: Connection, table: Table, step: Step) -> None:
    """Columns are emptied: at once, or row by row where each needs a value of its own."""
    columns = [column for column in table.columns if column.name in step.columns]
    given = {str(column.name): step.values[str(column.name)] for column in columns if column.name in step.values}
    rest = [column for column in columns if column.name not in given]
    own = [column for column in rest if is_unique(column) and not column.nullable]
    fixed = {column.key: empty_value(column) for column in rest if column not in own}
    fixed |= {column.key: given[str(column.name)] for column in columns if column.name in given}
    if not own:
        _change(connection, step, update(table).values(fixed))
        return
    identity = identity_of(table)
    where = [column == bindparam(f"of_{at}", type_=column.type) for at, column in enumerate(identity)]
    statement = update(table).where(*where)
    for some in in_batches(step.keys, len(identity)):
        for key in some:
            drawn = {column.key: empty_value(column) for column in own}
            parameters = {f"of_{at}": value for at, value in enumerate(key)}
            if connection.execute(statement.values(fixed | drawn), parameters).rowcount != 1:
                _must_be_all(table, step, 0)
