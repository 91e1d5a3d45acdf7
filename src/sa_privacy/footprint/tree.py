"""The judge of compiled SQLAlchemy statements that are built of known nodes only: no parsing.

A flat SELECT over tables, aliases and joins, with ordinary operators and known functions, is read from its elements;
what the unit of work writes is recognised in its text (:mod:`~sa_privacy.footprint.flat`). Everything else is None
here, and read as text. What is not None is the same as the text would have given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import CHAR, Column, Enum, Integer, String, Table, TypeDecorator, Uuid
from sqlalchemy.orm.util import _ORMJoin
from sqlalchemy.sql import Select, elements, functions, operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Alias, Join

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.lookup_key import SLOT_BYTES, SLOTS, LookupKey
from sa_privacy.columns.searching import LookupDigest
from sa_privacy.columns.subject_sealed import SubjectEncrypted
from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint.changes import Changes
from sa_privacy.footprint.declarations import Declarations
from sa_privacy.footprint.flat import footprint_of_flat
from sa_privacy.footprint.foreign import foreign, refuse_overloaded
from sa_privacy.footprint.frames import tokens_of
from sa_privacy.footprint.functions import AGGREGATES, known
from sa_privacy.footprint.keys import Bind
from sa_privacy.footprint.lexer import Dialect, fold
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.relations import Foreign, Relation, Relations, system_relation
from sa_privacy.footprint.scope import NOTHING_OUT, Node, Out, Rows, Scope, Source
from sa_privacy.footprint.sqlalchemy_private import (
    adds_text,
    bind_names_in_text,
    core_select,
    count_of_results,
    custom_compilation,
    decorated,
    final_froms,
    kind_of,
    name_of_alias,
    name_of_bind,
    select_parts,
    type_changes_sql,
)
from sa_privacy.footprint.work import Asked, Use, Work
from sa_privacy.footprint.writer import Spelled

__all__ = ["binds_by_name", "footprint_of_tree"]

_COMPILERS: Final = ("sqlalchemy.dialects.sqlite.", "sqlalchemy.dialects.postgresql.")
_OPERATORS: Final = frozenset(
    {
        *(operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge, operators.is_),
        *(operators.is_not, operators.is_distinct_from, operators.is_not_distinct_from, operators.in_op),
        *(operators.not_in_op, operators.like_op, operators.not_like_op, operators.ilike_op, operators.not_ilike_op),
        *(operators.add, operators.sub, operators.mul, operators.mod, operators.concat_op, operators.neg),
        *(operators.contains_op, operators.startswith_op, operators.endswith_op, operators.between_op),
        *(operators.inv, operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op),
        *(operators.and_, operators.or_, operators.comma_op, None),
    }
)
_COMPUTED: Final = frozenset(
    {
        *(elements.BinaryExpression, elements.BooleanClauseList, elements.ClauseList, elements.UnaryExpression),
        *(elements.AsBoolean, elements.Case, elements.Cast, elements.ExpressionClauseList),
    }
)
_CONSTANTS: Final = frozenset({elements.Null, elements.True_, elements.False_, elements.TypeClause})
_KNOWN: Final = (
    *_COMPUTED,
    *_CONSTANTS,
    *(Column, Table, Alias, Join, Select, elements.BindParameter, elements.Grouping, elements.Label),
    *(functions.Function, functions.FunctionElement),
)


class _UnknownNode(Exception):
    pass


class _Nobody:
    """Stands where there is no database to ask."""

    def lookup(self, schema: str | None, name: str) -> Relation:
        return Relation("unknown")

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        return None

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        return frozenset()

    def foreign(self) -> tuple[Foreign, ...]:
        return ()


def footprint_of_tree(
    compiled: SQLCompiler, *, catalogue: Catalogue, declarations: Declarations, relations: Relations | None = None
) -> Footprint | None:
    """What a compiled statement touches, or None where its text has to be read instead.

    :param relations: says of tables that the catalogue does not know whether they are views; without it, a statement
        that mentions one is None. Binds are named as in ``compiled_parameters``.
    """
    dialect = _dialect(compiled)
    if dialect is None or declarations.statements or decorated(compiled) or any(map(custom_compilation, _KNOWN)):
        return None
    asked = Asked(dialect, catalogue, relations or _Nobody(), declarations)
    writes = compiled.isinsert or compiled.isupdate or compiled.isdelete
    select: Any = None if writes else core_select(compiled)
    original = compiled.statement
    if not writes and (kind_of(select) is not Select or (isinstance(original, Select) and adds_text(original))):
        return None  # ROLLBACK TO SAVEPOINT, too: where a transaction has failed, nobody can be asked
    if dialect == "postgresql" and any(foreign(asked)):
        return None
    if writes:
        return _flat(compiled, asked, relations)
    try:
        return _Tree(compiled, asked, relations).select(select)
    except (_UnknownNode, UnreadableStatement):
        return None


def _dialect(compiled: SQLCompiler) -> Dialect | None:
    if not type(compiled).__module__.startswith(_COMPILERS):
        return None
    name = compiled.dialect.name
    return name if name in {"sqlite", "postgresql"} else None  # type: ignore[return-value]


def binds_by_name(footprint: Footprint, compiled: SQLCompiler) -> Footprint:
    """The footprint of a compiled statement's text, with each parameter under its own name.

    The names are those of ``compiled_parameters``, whatever the driver makes of them in the text.
    """
    if not (footprint.mentions or footprint.inserts or footprint.moves or footprint.stored):
        return footprint
    names = bind_names_in_text(compiled)
    return replace(
        footprint,
        mentions=tuple(
            (table, tuple(replace(pin, bind=names.get(pin.bind, pin.bind)) for pin in pins))
            for table, pins in footprint.mentions
        ),
        inserts=tuple(
            (table, tuple((column, names.get(bind, bind)) for column, bind in row)) for table, row in footprint.inserts
        ),
        moves=tuple(
            (table, column, bind if bind is None else names.get(bind, bind)) for table, column, bind in footprint.moves
        ),
        stored=frozenset(
            (column, None if bind is None else names.get(bind, bind)) for column, bind in footprint.stored
        ),
    )


def _flat(compiled: SQLCompiler, asked: Asked, relations: Relations | None) -> Footprint | None:
    try:
        tokens = tokens_of(compiled.string, asked.dialect, compiled.dialect.paramstyle)
    except UnreadableStatement:
        return None
    found = footprint_of_flat(tokens, dialect=asked.dialect, index=asked.index, relations=relations)
    return None if found is None else binds_by_name(found, compiled)


class _Tree:
    """Reads one flat SELECT."""

    def __init__(self, compiled: SQLCompiler, asked: Asked, relations: Relations | None) -> None:
        self.compiled, self.asked, self.relations = compiled, asked, relations
        self.work = Work(asked, Spelled())
        self.rules = Changes(asked, self.work)
        self.sources: dict[Any, Source] = {}
        self.aggregates = False

    def select(self, select: Select[Any]) -> Footprint:
        parts = select_parts(select)
        if adds_text(select):
            raise _UnknownNode
        for element in final_froms(select, self.compiled):
            self.source(element)
        rows = Rows(tuple(self.expr(column, "read") for column in self.columns(parts["columns"])))
        for condition in parts["where"]:
            self.match(condition)
            self.pin(condition, {source.key for source in self.sources.values()})
        for name in ("group", "having", "order", "limits"):
            for element in parts[name]:
                self.match(element)
        if self.aggregates or parts["group"] or parts["having"]:
            keys = {self.node(element) for element in parts["group"]}
            scope = Scope(self.asked.dialect, sources=[*self.sources.values()])
            self.work.put_together(scope, frozenset(key for key in keys if key is not None))
        if parts["distinct_on"]:
            for element in parts["distinct_on"]:
                self.match(element)
        elif parts["distinct"]:
            self.rules.grouped(rows)
        refuse_overloaded(self.work.calls, self.asked)
        footprint = self.work.footprint(rows)
        return footprint if footprint.personal or footprint.mentions else NOTHING

    def columns(self, elements_: Collection[Any]) -> list[Any]:
        found: list[Any] = []
        for element in elements_:
            if kind_of(element) in {Table, Alias}:
                found += element.c
            else:
                found.append(element)
        # What is rendered is one entry each; a difference means that the compiler did more.
        if len(found) != count_of_results(self.compiled):
            raise _UnknownNode
        return found

    # FROM

    def source(self, element: Any) -> list[Source]:
        kind = kind_of(element)
        if kind in {Join, _ORMJoin}:
            return self.join(element)
        if kind is Table:
            table, alias = element, element.name
        elif kind is Alias and kind_of(element.element) is Table:
            table, alias = element.element, name_of_alias(self.compiled, element)
        else:
            raise _UnknownNode
        source = self.relation(table, fold(alias, self.asked.dialect, quoted=True))
        if any(source.alias == other.alias for other in self.sources.values()):
            raise _UnknownNode  # the database tells sources apart by name, not as objects
        self.sources[element] = source
        return [source]

    def relation(self, table: Any, alias: str) -> Source:
        dialect = self.asked.dialect
        name = fold(table.name, dialect, quoted=True)
        schema = fold(table.schema, dialect, quoted=True) if table.schema else None
        tables = self.asked.index.find(schema, name)
        if not tables:
            if self.relations is None or system_relation(schema, name, dialect) is not None:
                raise _UnknownNode
            relation = self.relations.lookup(schema, name)
            if relation.kind not in {"table", "missing"} or self.asked.index.carried(relation):
                raise _UnknownNode
        source = Source(self.asked.index, dialect, alias, tables)
        if tables:
            self.work.mentions.append(source)
        return source

    def join(self, element: Any) -> list[Source]:
        left, right = self.source(element.left), self.source(element.right)
        self.match(element.onclause)
        bound = [] if element.full else right if element.isouter else [*self.sources.values()]
        self.pin(element.onclause, {source.key for source in bound})
        return [*left, *right]

    # expressions

    def match(self, element: Any) -> None:
        self.work.match(self.expr(element, "match"))

    def expr(self, element: Any, use: Use) -> Out:
        kind = kind_of(element)
        if kind is Column:
            return self.column(element, use)
        if kind in _CONSTANTS:
            return NOTHING_OUT
        if issubclass(kind, elements.BindParameter) and kind.__module__.startswith("sqlalchemy."):
            if type(element.type) is LookupDigest:
                self.work.calls.add("substr")
            else:
                self.plain_type(element)
            return NOTHING_OUT
        if kind in {elements.Label, elements.Grouping, elements._label_reference}:
            return self.expr(element.element, use)
        if kind in _COMPUTED:
            return self.computed(element, kind, use)
        if kind is LookupKey:
            return self.slot(element, use)
        if issubclass(kind, functions.Function) or kind.__module__ == "sqlalchemy.sql.functions":
            return self.function(element, kind, use)
        raise _UnknownNode

    def column(self, element: Any, use: Use) -> Out:
        if type(element.type) is not SubjectEncrypted:  # which renders a frame: as good as the column itself
            self.plain_type(element)
        source = self.sources.get(element.table)
        if source is None:
            raise _UnknownNode
        if not source.tables:
            return NOTHING_OUT
        hit = source.column(fold(element.name, self.asked.dialect, quoted=True))
        if hit is None or not hit.sure:
            raise _UnknownNode
        self.work.use(hit.out.lineage, use)
        return hit.out

    def plain_type(self, element: Any) -> None:
        if type_changes_sql(element.type) or type_changes_sql(element.type.dialect_impl(self.compiled.dialect)):
            raise _UnknownNode

    def computed(self, element: Any, kind: type[Any], use: Use) -> Out:
        operator = getattr(element, "operator", None)
        if operator not in _OPERATORS or getattr(element, "modifier", None) not in _OPERATORS:
            raise _UnknownNode
        single = kind is elements.UnaryExpression and element.modifier is not None
        if single or (kind is elements.ClauseList and len(element.clauses) == 1):
            return self.expr(element.element if single else element.clauses[0], use)
        null_test = operator in {operators.is_, operators.is_not} and isinstance(element.right, elements.Null)
        out = NOTHING_OUT
        for child in _operands(element, kind):
            value = self.expr(child, use)
            if not null_test:
                self.work.take(value)
                out = replace(out, lineage=out.lineage | value.lineage)
        return out

    def function(self, element: Any, kind: type[Any], use: Use) -> Out:
        if kind is not functions.Function and kind.__module__ != "sqlalchemy.sql.functions":
            raise _UnknownNode
        name = getattr(element, "name", "").lower()
        if getattr(element, "packagenames", ()) or not known(name, self.asked.dialect):
            raise _UnknownNode
        if self.relations is None and self.asked.dialect == "postgresql":
            raise _UnknownNode  # nobody can say whether the database has one of its own
        self.work.calls.add(name)
        self.aggregates = self.aggregates or name in AGGREGATES
        lineage = NOTHING_OUT.lineage
        for argument in element.clauses:
            if name == "count" and isinstance(argument, elements.ColumnClause) and argument.name == "*":
                continue
            out = self.expr(argument, use)
            self.work.take(out)
            lineage |= out.lineage
        return Out(lineage=lineage)

    def slot(self, element: Any, use: Use) -> Out:
        """The lookup slot of a column's cells."""
        self.work.calls |= {"substr", "nullif"}
        [column] = element.clauses
        if self.relations is None and self.asked.dialect == "postgresql":
            raise _UnknownNode
        out = self.work.slot_of(self.expr(column, use), str(SLOTS[0]), str(SLOT_BYTES))
        if out is None:
            raise _UnknownNode
        return out

    # key predicates

    def pin(self, condition: Any, bound: Collection[int]) -> None:
        pins = self.work.pins
        for part in _conjuncts(condition):
            if kind_of(part) is not elements.BinaryExpression:
                continue
            left, right = _inner(part.left), _inner(part.right)
            if part.operator is operators.in_op:
                bind = self.bind(right)
                if bind is not None and bind[1]:
                    pins.pin(self.node(left), bind, bound)
            elif part.operator is operators.eq:
                for one, other in ((left, right), (right, left)):
                    bind = self.bind(other)
                    if bind is not None and not bind[1]:
                        pins.pin(self.node(one), bind, bound)
                    else:
                        pins.equal(self.node(other), self.node(one), bound)

    def node(self, element: Any) -> Node | None:
        if kind_of(element) is not Column:
            return None
        return self.expr(element, "none").node

    def bind(self, element: Any) -> Bind | None:
        if not issubclass(kind_of(element), elements.BindParameter) or not self.kept(element.type):
            return None
        name = name_of_bind(self.compiled, element)
        return None if name is None else (name, bool(element.expanding))

    def kept(self, type_: Any) -> bool:
        """Whether a parameter arrives as it is: PostgreSQL drivers write a cast that may change the value."""
        if self.asked.dialect == "sqlite":
            return True
        if isinstance(type_, TypeDecorator):
            type_ = type_.load_dialect_impl(self.compiled.dialect)
        return isinstance(type_, (Integer, Uuid)) or (isinstance(type_, String) and not isinstance(type_, (Enum, CHAR)))


def _operands(element: Any, kind: type[Any]) -> Iterator[Any]:
    if kind is elements.BinaryExpression:
        yield element.left
        yield element.right
    elif kind in {elements.UnaryExpression, elements.AsBoolean}:
        yield element.element
    elif kind is elements.Cast:
        yield element.clause
    elif kind is elements.Case:
        if element.value is not None:
            yield element.value
        for when, then in element.whens:
            yield when
            yield then
        if element.else_ is not None:
            yield element.else_
    else:
        yield from element.clauses


def _inner(element: Any) -> Any:
    while kind_of(element) is elements.Grouping:
        element = element.element
    return element


def _conjuncts(element: Any) -> Iterator[Any]:
    element = _inner(element)
    if kind_of(element) is elements.BooleanClauseList and element.operator is operators.and_:
        for clause in element.clauses:
            yield from _conjuncts(clause)
    else:
        yield element
