"""The lookup key of a sealed column, as SQL: a slot in front of its cells (docs/spec/cell.md).

``(CASE WHEN substr(email, 1, 2) IN (x'0102', x'0104') THEN NULLIF(substr(email, 7, 20), <zeros>) END)``: the offsets are
written out, so that an index over the same expression serves it. Which of the two slots is compared says the engine's keyring when a
statement is compiled; a compared value is sent as both, and the same half is taken of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy import BindParameter, ColumnElement, LargeBinary
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions

from sa_privacy.columns.binding import keys_of
from sa_privacy.crypto.cell import HEADER, SUITE_SLOTS, SUITE_SUBJECT_SLOTS, VERSION
from sa_privacy.crypto.lookup import SLOT_BYTES

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = [
    "BOTH_FORMS",
    "LONGEST",
    "SLOTS",
    "SLOT_BYTES",
    "LookupKey",
    "SearchedHalf",
    "SlotA",
    "SlotB",
    "compare_both_forms",
]

#: Where the two slots begin in a cell, counted from 1 as ``substr`` does.
SLOTS: Final = (7, 7 + SLOT_BYTES)

_ZEROS: Final = "00" * SLOT_BYTES
#: Longer than any value. A plain value is compared as ``substr(column, 1, LONGEST)``, which says that this is meant.
LONGEST: Final = 1_073_741_823
#: How cells begin, in hexadecimal digits: version and suite.
_CELLS: Final = tuple(bytes((VERSION, suite)).hex() for suite in HEADER)
#: Those that have slots, at the same place, whoever's keys they are under.
_SLOTTED: Final = tuple(bytes((VERSION, suite)).hex() for suite in (SUITE_SLOTS, SUITE_SUBJECT_SLOTS))
#: Where a compiler keeps which form of a column that is being sealed it renders.
_CELL: Final = "sa_privacy_cell_form"
_PLAIN: Final = "sa_privacy_plain_form"
#: And that it has rendered both.
BOTH_FORMS: Final = "sa_privacy_both_forms"
#: Where a compiler keeps which slot it compares, so that both sides of a comparison agree.
_SLOT: Final = "sa_privacy_search_slot"


class LookupKey(functions.FunctionElement[bytes]):
    """The lookup of a sealed column as an expression; see :func:`lookup_key`.

    ``slot`` is the slot it stands for, or None: the one that searches use at the time.
    """

    inherit_cache = True
    name = "sa_privacy_lookup_key"
    type = LargeBinary()
    slot: ClassVar[int | None] = None


class SlotA(LookupKey):
    """The lookup key in the first slot, for indexes."""

    inherit_cache = True
    slot = 0


class SlotB(LookupKey):
    """The lookup key in the second slot, for indexes."""

    inherit_cache = True
    slot = 1


class SearchedHalf(functions.FunctionElement[bytes]):
    """Of a parameter that holds both slots, the one that the statement compares."""

    inherit_cache = True
    name = "sa_privacy_searched_half"
    type = LargeBinary()


def _slot(compiler: SQLCompiler) -> int:
    slot: int | None = compiler.__dict__.get(_SLOT)
    if slot is None:
        slot = compiler.__dict__[_SLOT] = keys_of(compiler.dialect).search_slot
    return slot


@compiles(LookupKey)
def _compile_key(element: LookupKey, compiler: SQLCompiler, **kw: Any) -> str:
    postgresql = compiler.dialect.name == "postgresql"
    cell = compiler.process(element.clauses, **kw)
    if postgresql and any(isinstance(each, BindParameter) for each in element.clauses):
        cell = f"CAST({cell} AS BYTEA)"  # a relationship looks for a value: where it is NULL, its type must be told
    if compiler.__dict__.get(_PLAIN):
        [column] = element.clauses
        return _plain_value(f"substr({cell}, 1, {LONGEST})", column.type, postgresql=postgresql)
    if element.slot is None and not compiler.__dict__.get(_CELL):
        for column in element.clauses:
            keys_of(compiler.dialect).require_all_sealed(getattr(column.type, "field", None))
    slot = _slot(compiler) if element.slot is None else element.slot
    empty = _literal(_ZEROS, postgresql=postgresql)
    # Of anything but a cell with slots there is none, and an empty slot is none: NULL equals nothing, and is not in the way
    # of a unique index. So the index holds also while a column is being sealed.
    digest = f"NULLIF(substr({cell}, {SLOTS[slot]}, {SLOT_BYTES}), {empty})"
    return f"(CASE WHEN {_begins(cell, _SLOTTED, postgresql=postgresql)} THEN {digest} END)"


def _begins(cell: str, heads: Iterable[str], *, postgresql: bool) -> str:
    """The condition that a cell is of one of these versions and suites."""
    return f"substr({cell}, 1, 2) IN ({', '.join(_literal(head, postgresql=postgresql) for head in heads)})"


def _literal(digits: str, *, postgresql: bool) -> str:
    return f"'\\x{digits}'::bytea" if postgresql else f"x'{digits}'"


@compiles(SearchedHalf)
def _compile_half(element: SearchedHalf, compiler: SQLCompiler, **kw: Any) -> str:
    sent = f"({compiler.process(element.clauses, **kw)})"  # a SELECT of nothing, where a list is empty
    if compiler.dialect.name == "postgresql":
        sent = f"CAST({sent} AS BYTEA)"
    if compiler.__dict__.get(_PLAIN):
        [bind] = element.clauses
        kind: Any = bind.type
        plain = f"substr({sent}, {1 + 2 * SLOT_BYTES})"
        return _plain_value(plain, kind.sealed, postgresql=compiler.dialect.name == "postgresql")
    return f"substr({sent}, {1 + SLOT_BYTES * _slot(compiler)}, {SLOT_BYTES})"


# -- while a column is being sealed ------------------------------------------------------------------------------------


def compare_both_forms(binary: Any, compiler: Any, visit: Callable[[], str]) -> str:
    """The SQL of a comparison; where plain values of its column are accepted, of both: cells by their digests, plain values
    as they are. No index serves the latter.

    :param visit: renders the comparison once.
    """
    column = _being_sealed(binary, compiler.dialect)
    if column is None:
        return visit()
    head = _begins(compiler.process(column), _CELLS, postgresql=compiler.dialect.name == "postgresql")
    compiler.__dict__[BOTH_FORMS] = True
    return (
        f"CASE WHEN {head} THEN {_visit_with(_CELL, compiler, visit)} ELSE {_visit_with(_PLAIN, compiler, visit)} END"
    )


def _visit_with(form: str, compiler: Any, visit: Callable[[], str]) -> str:
    compiler.__dict__[form] = True
    try:
        return visit()
    finally:
        del compiler.__dict__[form]


def _being_sealed(binary: Any, dialect: Dialect) -> ColumnElement[Any] | None:
    """The column of a comparison with values, where plain values of it are accepted and can be compared."""
    if type(binary.left) is not LookupKey or not isinstance(binary.right, BindParameter):
        return None
    [column] = binary.left.clauses
    sealed: Any = column.type
    return column if sealed.field in keys_of(dialect).accepted() and sealed.compares_plain(dialect) else None


def _plain_value(stored: str, sealed: Any, *, postgresql: bool) -> str:
    """A plain value, or what it is compared with, as bytes; folded as far as the database can."""
    if postgresql:
        return f"lower(convert_from({stored}, 'UTF8'))" if sealed.folds else stored
    return f"CAST(lower(CAST({stored} AS TEXT)) AS BLOB)" if sealed.folds else f"CAST({stored} AS BLOB)"
