"""A database without the library's own tables, or with those of another release: said as what it is."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.engine import ExceptionContext

from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.errors import LedgerUnavailable

__all__ = ["own_missing"]

_SQLITE: Final = re.compile(r"no such (?:table|column)|has no column named")
_UNDEFINED: Final = frozenset({"42P01", "42703"})
"""PostgreSQL's codes for a table, and a column, that is not there: its words are of any language."""


def own_missing(context: ExceptionContext) -> LedgerUnavailable | None:
    """What to say instead, if the database lacks one of the library's own tables, or a column of one.

    :param context: of an error whose words are still the database's.
    """
    error = context.original_exception
    said = str(error).partition("\n")[0].rpartition(">: ")[2]  # SQLAlchemy puts asyncpg's class in front
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if code not in _UNDEFINED and not (context.dialect.name == "sqlite" and _SQLITE.search(said)):
        return None
    column = code == "42703" or "column" in said
    tables = _own(said)
    if not tables and column and "." not in said:  # it is not said of which table
        names = frozenset(re.findall(r"\w+", said))
        tables = {name for name in _own(context.statement or "") if names & set(OWN_TABLES.tables[name].columns.keys())}
    if not tables:
        return None
    what = "is not as this release has it" if column else "is not in the database"
    return LedgerUnavailable(
        f"{', '.join(sorted(tables))}, a table of the library's own, {what}.",
        hint="as the owner of the schema: sa-privacy tables upgrade, or privacy.metadata.create_all(engine); see docs/tables.md.",
    )


def _own(text: str) -> set[str]:
    """The library's own tables that a text names, be it by an alias that SQLAlchemy made."""
    return {re.sub(r"_\d+$", "", word) for word in re.findall(r"\w+", text)} & OWN_TABLES.tables.keys()
