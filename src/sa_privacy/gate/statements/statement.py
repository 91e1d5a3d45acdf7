"""The statement as the driver gets it, and the values bound to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import schema
from sqlalchemy.sql import ddl
from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy.columns.own_tables import OwnDDL
from sa_privacy.gate.sqlalchemy_private import expanded_binds, is_multivalues_batch, with_schemas

__all__ = [
    "bound_list",
    "bound_values",
    "is_as_compiled",
    "is_ddl",
    "is_plain_ddl",
    "keeps_names",
    "reported_key",
    "text_to_judge",
]

_COUNTED = ")) AS imp_sen("  # ends the rows of a batch that PostgreSQL numbers, to give them back in order

# The first word, after blanks, parentheses and comments.
_LEAD = re.compile(r"(?:[\s(]+|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_DDL = frozenset({"create", "drop", "alter", "attach", "detach", "comment", "import"})
_KEEPING = frozenset(
    [
        "select",
        "with",
        "values",
        "table",
        "insert",
        "update",
        "delete",
        "merge",
        "replace",
        "explain",
        "show",
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "savepoint",
        "release",
        "lock",
        "listen",
        "unlisten",
        "notify",
        "fetch",
        "move",
        "close",
        "analyze",
        "vacuum",
        "reindex",
        "pragma",
        "truncate",
        "copy",
    ]
)
_PLAIN_DDL = (
    OwnDDL,
    schema.CreateTable,
    schema.DropTable,
    schema.CreateIndex,
    schema.DropIndex,
    schema.CreateSchema,
    schema.DropSchema,
    schema.CreateSequence,
    schema.DropSequence,
    schema.AddConstraint,
    schema.DropConstraint,
    ddl.SetTableComment,
    ddl.DropTableComment,
    ddl.SetColumnComment,
    ddl.DropColumnComment,
)


def is_as_compiled(context: Any, statement: str) -> bool:
    """Whether `statement` is what SQLAlchemy made of ``context.compiled``, untouched by any listener."""
    if is_multivalues_batch(context):
        return _is_batch_of(statement, with_schemas(context))
    as_made: bool = statement == context.statement
    return as_made


def _is_batch_of(statement: str, single: str) -> bool:
    """Whether an "insertmanyvalues" batch is its compiled INSERT with the VALUES clause repeated, and nothing else."""
    start, end = single.find(" FROM (VALUES "), single.rfind(_COUNTED)
    if 0 <= start < end:
        head, tail = single[: start + 14], single[end:]
    else:
        start = single.find(" VALUES ")
        head = single[: start + 8] if start >= 0 else ""
        if not head:
            return statement == single
        tail_at = single.rfind(") RETURNING ")
        tail = single[tail_at:] if tail_at >= 0 else ")"
        on_conflict = single.find(") ON CONFLICT ")
        if on_conflict >= 0:
            tail = single[on_conflict:]
    if not (statement.startswith(head) and statement.endswith(tail)):
        return False
    middle = statement[len(head) : len(statement) - len(tail) + 1]
    return not _foreign(middle)


def _foreign(values: str) -> bool:
    """Whether repeated VALUES hold anything but placeholders, casts and literal-free punctuation."""
    allowed = set("(),?:%$_ \n") | set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    words = values.upper()
    return not set(values) <= allowed or "SELECT" in words or "FROM" in words


def reported_key(compiled: SQLCompiler) -> str | None:
    """``"table.column"`` of the key that the driver reports after an INSERT of one row; None where it reports none."""
    table = getattr(compiled.statement, "table", None)
    if not getattr(compiled, "postfetch_lastrowid", False) or not isinstance(table, schema.Table):
        return None
    column = table.autoincrement_column
    return None if column is None else f"{table.fullname}.{column.name}"


def is_plain_ddl(compiled: Any) -> bool:
    """Whether the DDL is of a kind that reads no rows and keeps no query."""
    return type(compiled.statement) in _PLAIN_DDL


def is_ddl(statement: str) -> bool:
    """Whether a text may change what names mean for every connection."""
    return _first_word(statement) in _DDL


def keeps_names(statement: str) -> bool:
    """Whether a text surely leaves names as they are, for its own connection too."""
    lower = statement.lower()
    return _first_word(statement) in _KEEPING and ";" not in lower.rstrip("; \t\r\n") and "set_config" not in lower


def _first_word(statement: str) -> str:
    found = _LEAD.match(statement)
    return found[1].lower() if found is not None else ""


def text_to_judge(context: Any, marked: str | None = None) -> str:
    """The text of a compiled statement with its schemas filled in, and its parameter lists unexpanded, so that one
    judgement serves all lengths.

    :param marked: its text with marks of row rules in it.
    """
    text = with_schemas(context, marked)
    if is_multivalues_batch(context):
        text = text.replace(_COUNTED, ", 0" + _COUNTED)  # as each batch has it: every row with its number
    return text


def bound_list(values: Mapping[str | int, Any], bind: str | int) -> Sequence[Any]:
    """The values of a list parameter. SQLAlchemy puts ``x_1``, ``x_2`` ... in place of ``x`` as it expands the list."""
    value = values.get(bind)
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(value)
    if bind in values:
        return (value,)
    found: list[Any] = []
    while (name := f"{bind}_{len(found) + 1}") in values:
        found.append(values[name])
    return found


def are_as_bound(context: Any, parameters: Any) -> bool:
    """Whether `parameters` are what SQLAlchemy made of the values that it was given; driver SQL comes as it is."""
    if context.compiled is None or context.isddl or is_multivalues_batch(context):
        return True
    made = context.parameters if context.executemany else context.parameters[0]
    return parameters is made or not (parameters or made) or bool(parameters == made)


def bound_values(context: Any, parameters: Any) -> Sequence[Mapping[str | int, Any]]:
    """The values of each parameter set as the application gave them, by bind name, or by position for driver SQL."""
    if context.compiled is not None:
        sets: Sequence[Mapping[str | int, Any]] = getattr(context, "compiled_parameters", ())  # DDL has none
        lists = expanded_binds(context)
        if lists:
            sets = [{**one, **{name: [one[item] for item in items] for name, items in lists.items()}} for one in sets]
        return sets
    many = parameters if context.executemany else [parameters]
    found: list[Mapping[str | int, Any]] = []
    for one in many or ():
        if isinstance(one, Mapping):
            found.append(one)
        elif isinstance(one, (list, tuple)):
            found.append(dict(enumerate(one)))
    return found
