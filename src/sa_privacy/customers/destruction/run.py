"""Carrying steps out, in the transaction of whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Delete, Table, Update, bindparam, delete, insert, select, update

from sa_privacy.columns.subject_sealed import SubjectEncrypted
from sa_privacy.customers.destruction.emptied import NOBODYS, forget_rows, mark
from sa_privacy.customers.destruction.graph import Graph, identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching
from sa_privacy.customers.destruction.shells import copied_columns, shell_values
from sa_privacy.customers.destruction.steps import Key, Shell, Step
from sa_privacy.customers.destruction.values import empty_value, is_unique
from sa_privacy.errors import PlanMoved

__all__ = ["Moved", "carry_out"]

Moved: TypeAlias = dict[tuple[str, Key], Key]
"""By table and key, the key that a row has now."""


def carry_out(
    connection: Connection, graph: Graph, steps: Iterable[Step], done: Callable[[Step], object] | None = None
) -> Moved:
    """Does what the steps say.

    :param connection: of a desk that may do everything; in a transaction, which the caller rolls back after an error.
    :param done: called after each step.
    :returns: the rows that have another key now, since the link to a person was part of it.
    :raises PlanMoved: a row is not there any more, or is another.
    """
    shells: dict[Shell, Mapping[str, Any]] = {}
    moved: Moved = {}
    for said in steps:
        table = graph.tables[said.table]
        step = replace(said, keys=tuple(moved.get((said.table, key), key) for key in said.keys)) if moved else said
        if step.verb == "shell" and step.shell is not None:
            shells[step.shell] = _make_shell(connection, graph, table, step, shells)
        elif step.verb == "relink" and step.shell is not None:
            values = _led_to(graph, step, shells[step.shell])
            _link(connection, table, step, values, moved, said.keys)
        elif step.verb == "unlink":
            _link(connection, table, step, dict.fromkeys(step.columns), moved, said.keys)
        elif step.verb == "delete":
            forget_rows(connection, table, step.keys)
            _change(connection, step, delete(table))
        else:
            _empty(connection, table, step)
        if done is not None:
            done(said)
    return moved


def _link(
    connection: Connection,
    table: Table,
    step: Step,
    values: Mapping[str, Any],
    moved: Moved,
    first: Sequence[Key],
) -> None:
    """Rows lead elsewhere.

    :param values: what stands in the columns of the link then, by name.
    :param first: the keys of the rows when the steps began.
    """
    identity = [str(column.name) for column in identity_of(table)]
    own = values.keys() & set(identity)
    if own:  # what was marked under the old key is nobody's, who may have it next
        forget_rows(connection, table, step.keys)
    _change(connection, step, update(table).values({c.key: values[c.name] for c in table.columns if c.name in values}))
    for key, old in zip(first, step.keys, strict=True) if own else ():
        moved[step.table, key] = tuple(values.get(name, part) for name, part in zip(identity, old, strict=True))


def _led_to(graph: Graph, step: Step, shell: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values by which rows lead to a shell, by column."""
    assert step.shell is not None  # noqa: S101 - the caller looked
    reference = next(
        one
        for one in graph.into(graph.tables[step.shell.table])
        if one.child.fullname == step.table and tuple(str(c.name) for c in one.columns) == step.columns
    )
    pairs = zip(reference.columns, reference.targets, strict=True)
    return {str(column.name): shell[str(target.name)] for column, target in pairs}


def _change(connection: Connection, step: Step, statement: Update | Delete) -> None:
    """Changes the rows of a step, and them alone."""
    table: Any = statement.table
    identity = identity_of(table)
    changed = 0
    for some in in_batches(step.keys, len(identity)):
        changed += connection.execute(statement.where(matching(identity, some))).rowcount
    _must_be_all(table, step, changed)


def _must_be_all(table: Table, step: Step, changed: int) -> None:
    twice = not table.primary_key.columns and changed > step.rows  # a row may be there several times
    if changed != step.rows and not twice:
        raise PlanMoved(
            f"rows of {table.fullname} are not as they were when the plan was made.",
            hint="nothing was changed: make a new plan, and look at it.",
        )


def _make_shell(
    connection: Connection, graph: Graph, table: Table, step: Step, shells: Mapping[Shell, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """A shell for a person; what stands in it.

    :param shells: those that are there: what it has in common with the person leads to these, where they have some.
    """
    identity = identity_of(table)
    values = shell_values(table, step.values)
    copied = [column for column in copied_columns(table) if column.name not in values]
    if copied:
        found = connection.execute(select(*copied).where(matching(identity, step.keys))).one_or_none()
        if found is None:
            _must_be_all(table, step, 0)
        else:
            values |= {str(column.name): value for column, value in zip(copied, tuple(found), strict=True)}
    for reference in graph.out_of(table) if shells else ():
        names = [str(column.name) for column in reference.columns]
        there = shells.get(Shell(str(reference.parent.fullname), tuple(values.get(name) for name in names)))
        if there is not None and reference.targets == identity_of(reference.parent):
            values |= {name: there[str(target.name)] for name, target in zip(names, reference.targets, strict=True)}
    keys = {column.name: column.key for column in table.columns}
    made = connection.execute(insert(table).values({keys[name]: value for name, value in values.items()}))
    primary = made.inserted_primary_key
    new = {} if primary is None else dict(zip((str(c.name) for c in table.primary_key.columns), primary, strict=True))
    if primary is not None:
        mark(connection, table, [tuple(primary)], [NOBODYS])
    return values | new


def _empty(connection: Connection, table: Table, step: Step) -> None:
    """Columns are emptied: at once, or row by row where each needs a value, or a cell, of its own."""
    columns = [column for column in table.columns if column.name in step.columns]
    own = [column for column in columns if _differs(column, step.values)]
    fixed = {column.key: _emptied(column, step.values) for column in columns if column not in own}
    if not own:
        _change(connection, step, update(table).values(fixed))
        return
    identity = identity_of(table)
    where = [column == bindparam(f"of_{at}", type_=column.type) for at, column in enumerate(identity)]
    statement = update(table).where(*where)
    for some in in_batches(step.keys, len(identity)):
        for key in some:
            drawn = {column.key: _emptied(column, step.values) for column in own}
            parameters = {f"of_{at}": value for at, value in enumerate(key)}
            if connection.execute(statement.values(fixed | drawn), parameters).rowcount != 1:
                _must_be_all(table, step, 0)


def _differs(column: Column[Any], said: Mapping[str, object]) -> bool:
    """Whether what stands in the column once it is emptied is not the same for all rows."""
    if isinstance(column.type, SubjectEncrypted):  # a cell is under the key of whose row it is
        return _emptied(column, said) is not None
    return column.name not in said and is_unique(column) and not column.nullable


def _emptied(column: Column[Any], said: Mapping[str, object]) -> Any:
    """What the policy says, or else what says nothing."""
    name = str(column.name)
    return said[name] if name in said else empty_value(column)
