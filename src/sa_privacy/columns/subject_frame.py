"""The frame of a cell, as SQL: its person's wrapped key in front of it (docs/spec/cell.md, "Frames").

What a query delivers of a column that is sealed under people's keys is not the cell alone: the key comes along, found by
the id in the cell. So every read asks the database whether the key still is there. A column rendered as a frame reads
that column and nothing else; the footprint knows the text, token by token (:mod:`sa_privacy.footprint.frames`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions
from sqlalchemy.sql.elements import ColumnClause, Grouping, Label

from sa_privacy.crypto.cell import HEADER, SUITE_SUBJECT, SUITE_SUBJECT_SLOTS
from sa_privacy.crypto.subject_cell import DESTROYED, MISSING
from sa_privacy.crypto.subject_key import KEY_ID_BYTES

__all__ = ["FRAME_COLUMNS", "KEY_ALIAS", "KEY_TABLE", "CellKey", "SubjectFrame", "frame_sql"]

KEY_TABLE: Final = "sa_privacy_subject_keys"
#: The columns of the key table that a frame reads.
FRAME_COLUMNS: Final = ("id", "wrapped")
#: What the key table is called in a frame. A name of an outer query would hide it nowhere: only its columns are named.
KEY_ALIAS: Final = "sa_privacy_key"
#: What a cell is called that no column holds.
_COMPUTED: Final = "sa_privacy_framed"
#: Where the id of the key begins in a cell, counted from 1 as ``substr`` does; with lookup slots, and without.
_PLAIN, _SLOTTED = (1 + HEADER[suite] - KEY_ID_BYTES for suite in (SUITE_SUBJECT, SUITE_SUBJECT_SLOTS))
#: Of the compiler's own arguments, those that are about the frame as a whole and not about the column in it.
_OF_THE_WHOLE: Final = frozenset({"add_to_result_map", "within_columns_clause", "within_label_clause"})


class SubjectFrame(functions.FunctionElement[Any]):
    """A column sealed under people's keys, as a query delivers it: what the type renders of it in a list of results."""

    inherit_cache = True
    name = "sa_privacy_frame"

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


class CellKey(functions.FunctionElement[bytes]):
    """The id of the key under which a cell is sealed, for conditions of the library's own. Of what is no such cell it is bytes
    that are no key's id.
    """

    inherit_cache = True
    name = "sa_privacy_cell_key"

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = LargeBinary()


def frame_sql(cell: str, *, postgresql: bool) -> str:
    """The frame of a cell.

    :param cell: the column, as it stands in SQL, with its table's name: the key table has columns of its own.
    """
    key = (
        f"(SELECT COALESCE({KEY_ALIAS}.wrapped, {_byte(DESTROYED, postgresql)}) FROM {KEY_TABLE} AS {KEY_ALIAS} "  # noqa: S608 - all of it is the library's
        f"WHERE {KEY_ALIAS}.id = {_key_sql(cell, postgresql)})"
    )
    framed = f"COALESCE({key}, {_byte(MISSING, postgresql)}) || {cell}"
    return f"({framed})" if postgresql else f"CAST({framed} AS BLOB)"  # SQLite calls what is joined a text


def _key_sql(cell: str, postgresql: bool) -> str:
    """The id of a cell's key."""
    substr = "pg_catalog.substr" if postgresql else "substr"  # there may be one of the application's
    start = (
        f"CASE {substr}({cell}, 2, 1) WHEN {_byte(SUITE_SUBJECT_SLOTS, postgresql)} THEN {_SLOTTED} ELSE {_PLAIN} END"
    )
    return f"{substr}({cell}, {start}, {KEY_ID_BYTES})"


def _byte(value: int, postgresql: bool) -> str:
    return f"'\\x{value:02x}'::bytea" if postgresql else f"x'{value:02x}'"


@compiles(CellKey)
def _compile_key(element: CellKey, compiler: Any, **kw: Any) -> str:
    cell = compiler.process(element.clauses.clauses[0], **{**kw, "include_table": True})
    return _key_sql(cell, compiler.dialect.name == "postgresql")


@compiles(SubjectFrame)
def _compile_frame(element: SubjectFrame, compiler: Any, **kw: Any) -> str:
    inner = {name: value for name, value in kw.items() if name not in _OF_THE_WHOLE}
    inner["include_table"] = True  # SQLite's dialect leaves it out in RETURNING
    column: Any = element.clauses.clauses[0]
    while isinstance(column, (Label, Grouping)):
        column = column.element
    rendered, postgresql = compiler.process(column, **inner), compiler.dialect.name == "postgresql"
    if isinstance(column, ColumnClause):
        return frame_sql(rendered, postgresql=postgresql)
    # A subquery, or what is computed: it stands in the text once.
    framed = frame_sql(f"{_COMPUTED}.cell", postgresql=postgresql)
    return f"(SELECT {framed} FROM (SELECT {rendered} AS cell) AS {_COMPUTED})"  # noqa: S608 - as above
