"""Comparisons of sealed columns: what SQLAlchemy's operators mean where a column has a lookup.

``Customer.email == "x"`` becomes a comparison of the lookup key (``lookup_key.py``) with the digest of the value, which is
made while the parameter is bound, with the keys of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BindParameter, ColumnElement, LargeBinary, Select, TypeDecorator, bindparam
from sqlalchemy.sql import elements, functions, operators
from sqlalchemy.sql.expression import ClauseElement, func

from sa_privacy.columns.lookup_key import LookupKey, SearchedHalf
from sa_privacy.columns.sqlalchemy_private import stand_for
from sa_privacy.errors import SealedColumn

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

    from sa_privacy.columns.sealed import Encrypted

__all__ = [
    "LookupDigest",
    "SealedComparator",
    "empty_list",
    "lookup_key",
    "register_lower",
    "require_parameters_apart",
]

_COMPARISONS: Final = frozenset(
    {operators.eq, operators.ne, operators.is_distinct_from, operators.is_not_distinct_from}
    | {operators.in_op, operators.not_in_op}
)
#: What these mean beside NULL. SQLAlchemy would compare cells with NULL, and a cell is there or it is not.
_NULL_TESTS: Final[dict[Any, Callable[..., Any]]] = {
    operators.is_distinct_from: operators.is_not,
    operators.is_not_distinct_from: operators.is_,
}


class LookupDigest(TypeDecorator[Any]):
    """The type of a value that a sealed column is compared with: it goes to the database as digests.

    :param sealed: the type of the column.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, sealed: Encrypted) -> None:
        super().__init__()
        self.sealed = sealed

    @property
    def python_type(self) -> type[Any]:
        return self.sealed.python_type

    def bind_expression(self, bindparam: BindParameter[Any]) -> ColumnElement[Any]:
        return SearchedHalf(bindparam)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return self.sealed.digester(dialect)

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return self.sealed.literal_processor(dialect)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self


def require_parameters_apart(compiler: Any) -> None:
    """Refuses one parameter that is compared with a sealed column and with something else.

    SQLAlchemy makes one thing of it for all places where its name stands, and it has to be sent in two forms.

    :raises SealedColumn: names the parameter and the column.
    """
    digested = {
        name: bind.type.sealed for bind, name in compiler.bind_names.items() if isinstance(bind.type, LookupDigest)
    }
    for bind, name in compiler.bind_names.items() if digested else ():
        sealed = digested.get(name)
        other = bind.type.sealed if isinstance(bind.type, LookupDigest) else None
        if sealed is None or (other is not None and other.field == sealed.field and other.compares_with(sealed)):
            continue
        raise SealedColumn(
            f'the parameter "{name}" is compared with {sealed.field}, which is sealed, and stands elsewhere too.',
            hint="use two parameters with the same value.",
            columns=(str(sealed.field),),
        )


def empty_list(kinds: Sequence[Any], operator: Any) -> str | None:
    """What stands for an empty list parameter of digests inside :class:`SearchedHalf`; None for other lists.

    SQLAlchemy's own text closes a bracket and opens another one, and cannot stand inside a function.
    """
    if not isinstance(kinds[0], LookupDigest):
        return None
    return "NULL" if operator is operators.in_op else "''"  # no digest is that short, so none is in the list


class SealedComparator(TypeDecorator.Comparator[Any]):
    """Operators of sealed columns. What has no answer in lookups is left as it is, and the gate refuses it."""

    __slots__ = ()

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        if op in _COMPARISONS and len(other) == 1:
            found = _compare(self.expr, self.expr.type, op, other[0])
            if found is not None:
                return found
        return super().operate(op, *other, **kwargs)


class _Lowered(TypeDecorator[Any]):
    """The type of ``func.lower(column)`` where the column folds case: a comparison means the column itself."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, sealed: Encrypted) -> None:
        super().__init__()
        self.sealed = sealed

    class Comparator(TypeDecorator.Comparator[Any]):
        __slots__ = ()

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
            column = _lowered(self.expr)
            if op in _COMPARISONS and len(other) == 1 and column is not None:
                found = _compare(column, column.type, op, other[0])
                if found is not None:
                    return found
            return super().operate(op, *other, **kwargs)

    comparator_factory = Comparator

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self.sealed.inner  # what is no lookup is refused by the gate, and not by the driver

    @property
    def operator_classes(self) -> Any:  # type: ignore[override]
        """As those of the column."""
        return self.sealed.operator_classes


def lookup_key(column: Any) -> ColumnElement[bytes]:
    """The lookup of a sealed column as an expression: for composite indexes and uniqueness, joins, ON CONFLICT.

    Equal values, after the column's normaliser, have equal lookup keys; NULL has none. In an ``Index`` it makes a second
    one beside it, so that the index holds while a lookup key is being rotated.

    :param column: a mapped attribute or column that is sealed and has ``lookup=``.
    :raises SealedColumn: it has none.
    """
    element = _element(column)
    sealed = getattr(element, "type", None)
    if not isinstance(element, ColumnElement) or getattr(sealed, "lookup", None) is None:
        raise SealedColumn(
            f"{getattr(sealed, 'field', None) or 'what lookup_key() was given'} has no lookup.",
            hint='annotate the column with lookup="exact" or lookup="casefold".',
        )
    return LookupKey(element)


def _compare(column: ColumnElement[Any], sealed: Any, op: Any, other: Any) -> ColumnElement[Any] | None:
    """The comparison over lookups; None where there is none."""
    other = _element(other)
    if other is None or isinstance(other, elements.Null):
        test = _NULL_TESTS.get(op)
        return None if test is None else test(column, None)
    if sealed.lookup is None:
        return None
    side = (_list if op in (operators.in_op, operators.not_in_op) else _side)(sealed, other)
    return None if side is None else stand_for(op(LookupKey(column), side), column, other)


def _side(sealed: Encrypted, other: Any) -> ColumnElement[Any] | None:
    """What a lookup key is compared with."""
    if not isinstance(other, ClauseElement):
        return bindparam(None, other, type_=LookupDigest(sealed), unique=True)
    if isinstance(other, BindParameter):
        return _digested(sealed, other)
    if isinstance(other, functions.Function) and sealed.folds and other.name.lower() == "lower":
        inner = list(other.clauses)
        return _side(sealed, inner[0]) if len(inner) == 1 else None
    kind = getattr(other, "type", None)
    if isinstance(other, ColumnElement) and sealed.compares_with(kind):
        return LookupKey(other)
    return None


def _list(sealed: Encrypted, other: Any) -> Any:
    """What a lookup key is looked for in."""
    if isinstance(other, BindParameter):
        return _digested(sealed, other)
    if isinstance(other, Select):
        columns = list(other.selected_columns)
        if len(columns) == 1 and sealed.compares_with(columns[0].type):
            return other.with_only_columns(LookupKey(columns[0]), maintain_column_froms=True)
        return None
    if isinstance(other, ClauseElement) or not isinstance(other, Collection) or isinstance(other, (str, bytes)):
        return None
    items = [_element(item) for item in other]
    if not items:  # SQLAlchemy's own way of saying that nothing is in it
        return items
    if not any(isinstance(item, ClauseElement) for item in items):
        return bindparam(None, items, type_=LookupDigest(sealed), unique=True, expanding=True)
    sides = [_side(sealed, item) for item in items]
    return None if any(side is None for side in sides) else sides


def _digested(sealed: Encrypted, bind: BindParameter[Any]) -> BindParameter[Any]:
    """The same parameter, sent as digests."""
    given: dict[str, Any] = {"required": True} if bind.required else {"value": bind.value}
    if bind.callable is not None:
        given = {"callable_": bind.callable}
    return bindparam(bind.key, type_=LookupDigest(sealed), unique=bind.unique, expanding=bool(bind.expanding), **given)


def _element(given: Any) -> Any:
    """The expression behind a mapped attribute; anything else as it is."""
    while not isinstance(given, ClauseElement) and hasattr(given, "__clause_element__"):
        given = given.__clause_element__()
    return given


def _lowered(expression: Any) -> ColumnElement[Any] | None:
    """The column that ``lower()`` is called on."""
    while isinstance(expression, (elements.Grouping, elements.Label)):
        expression = expression.element
    inner = list(expression.clauses) if isinstance(expression, functions.Function) else []
    return inner[0] if len(inner) == 1 else None


def register_lower() -> None:
    """Lets ``func.lower(column)`` know sealed columns that fold case. Of anything else it is what it was.

    An application that has registered a function of this name keeps its own.
    """
    if type(func.lower("")) is functions.Function:
        functions.register_function("lower", _lower)  # type: ignore[arg-type]


def _lower(*args: Any, **kwargs: Any) -> functions.Function[Any]:
    column = _element(args[0]) if len(args) == 1 else None
    sealed = getattr(column, "type", None)
    if getattr(sealed, "folds", False):
        kwargs.setdefault("type_", _Lowered(sealed))  # type: ignore[arg-type]
    return functions.Function("lower", *args, **kwargs)
