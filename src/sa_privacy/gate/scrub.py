"""Errors and logs without values.

Databases quote values in their errors, drivers keep them in attributes, SQLAlchemy keeps the parameters. On a
protected engine all of it is taken out, of the error and of everything it was raised from, in place: the class of the
error, SQLSTATE and the names of tables, columns and constraints stay, so that applications can go on telling a
duplicate from a missing reference.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, StatementError

from sa_privacy.errors import PrivacyError
from sa_privacy.footprint import without_literals

__all__ = ["names_in_error", "scrub_error"]

# SQLite's own wordings that hold nothing but names.
_SQLITE = re.compile(
    r"(UNIQUE|NOT NULL|CHECK) constraint failed: [\w., ]+|FOREIGN KEY constraint failed|datatype mismatch|"
    r"(no such (table|column|function|index|view)|ambiguous column name|table \w+ already exists)(: [\w.]+)?|"
    r"database (table )?is locked(: \w+)?|attempt to write a readonly database|disk I/O error|"
    r"access to [\w.]+ is prohibited|not authorized|database or disk is full|unable to open database file|sa_privacy: a hold keeps rows of [\w.]+|cannot start a transaction within a transaction"
)
# PostgreSQL's, in its first line.
_POSTGRESQL = re.compile(
    r"(relation|column|schema|type|sequence|index|constraint|role|view|table) \"?[\w.]+\"?"
    r"( of relation \"\w+\"| for relation \"\w+\")? (does not exist|already exists)|"
    r"permission denied for (table|view|schema|sequence|function|database|column) \w+|deadlock detected|"
    r"canceling statement due to (statement timeout|lock timeout|user request)|could not serialize access due to [a-z/ ]+|"
    r"current transaction is aborted, commands ignored until end of transaction block|division by zero|"
    r"terminating connection due to administrator command|server closed the connection unexpectedly"
)
_NAMES = ("sqlstate", "constraint_name", "table_name", "column_name", "schema_name", "datatype_name", "pgcode")
_PSYCOPG_KEPT = (
    "severity",
    "severity_nonlocalized",
    "sqlstate",
    "schema_name",
    "table_name",
    "column_name",
    "datatype_name",
    "constraint_name",
)
_VALUES = (
    "detail",
    "message",
    "hint",
    "query",
    "internal_query",
    "context",
    "position",
    "internal_position",
    "server_source_line",
    "pgerror",
)


def scrub_error(context: ExceptionContext) -> None:
    """Takes every value out of the error that is about to be raised, and out of those behind it."""
    if isinstance(context.original_exception, PrivacyError):
        return
    seen: set[int] = set()
    todo: list[BaseException | None] = [context.original_exception, context.sqlalchemy_exception]
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen or isinstance(error, PrivacyError):
            continue
        seen.add(id(error))
        todo += [error.__cause__, error.__context__]
        if not isinstance(error, StatementError):
            _scrub(error)
    wrapped = context.sqlalchemy_exception
    if isinstance(wrapped, StatementError):
        wrapped.params = None
        if isinstance(wrapped.statement, str):
            wrapped.statement = without_literals(wrapped.statement)
        wrapped.hide_parameters = True
        if isinstance(wrapped, DBAPIError) and wrapped.orig is not None:
            wrapped.args = (f"({type(wrapped.orig).__module__}.{type(wrapped.orig).__name__}) {wrapped.orig}",)
        else:
            wrapped.args = (f"({type(context.original_exception).__name__}) {context.original_exception}",)


def _scrub(error: BaseException) -> None:
    names = names_in_error(error)
    text = str(error.args[0]) if error.args else ""
    first = text.partition("\n")[0].rpartition(">: ")[2]  # SQLAlchemy puts asyncpg's class in front
    if names:
        shown = ", ".join(f"{name} {value}" for name, value in names.items())
        said = first if _POSTGRESQL.fullmatch(first) else "the database's own words are hidden on a protected engine"
        message = f"{type(error).__name__} ({shown}); {said}"
    elif _SQLITE.fullmatch(text):
        message = text
    else:
        message = f"{type(error).__name__}; its own words are hidden on a protected engine"
    _scrub_builtin(error)
    error.args = (message,)
    for name in _VALUES:
        if isinstance(error.__dict__.get(name), (str, int)):
            error.__dict__[name] = None
    _scrub_psycopg(error)


def _scrub_builtin(error: BaseException) -> None:
    """What Python's own errors keep beside their ``args``."""
    if isinstance(error, UnicodeEncodeError):  # its text is made anew from these
        error.object, error.start, error.end = "", 0, 0
    elif isinstance(error, UnicodeDecodeError):
        error.object, error.start, error.end = b"", 0, 0
    elif isinstance(error, AttributeError):
        error.obj = None


def names_in_error(error: BaseException) -> dict[str, str]:
    """What the database says in fields of their own: SQLSTATE and names."""
    # asyncpg's own error, which has the names, stands behind SQLAlchemy's.
    sources: list[Any] = [error, getattr(error, "diag", None), error.__cause__]
    found: dict[str, str] = {}
    for name in _NAMES:
        for source in sources:
            value = getattr(source, name, None) if source is not None else None
            if isinstance(value, str) and value:
                found[name] = value
                break
    if "sqlstate" in found:
        found.pop("pgcode", None)
    return found


def _scrub_psycopg(error: Any) -> None:
    """psycopg keeps the server's whole answer in ``_info``, behind ``diag``; a dictionary serves it as well."""
    info = getattr(error, "_info", None)
    if info is None:
        return
    from psycopg.pq import DiagnosticField  # noqa: PLC0415 - it is here: this is its error

    kept = [field for field in DiagnosticField if field.name.lower() in _PSYCOPG_KEPT]
    error._info = {field: info.get(field) if isinstance(info, dict) else info.error_field(field) for field in kept}
