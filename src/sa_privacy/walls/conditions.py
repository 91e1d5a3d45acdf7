"""Conditions about rows as text for PostgreSQL, where values of an access are settings of the transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Interval,
    Select,
    String,
    Table,
    TableClause,
    Time,
    TypeDecorator,
    Uuid,
    and_,
    cast,
    column,
    false,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.sql import operators
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import NullType, TypeEngine

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.walls.quoting import literal
from sa_privacy.walls.row_rules import VALUE, NotExpressible

__all__ = [
    "SUBJECT",
    "SUBJECT_KIND",
    "Taken",
    "about",
    "as_list",
    "as_setting",
    "is_subject",
    "mentioned",
    "row_of",
    "setting",
    "sql_of",
]

SUBJECT: Final = "sa_privacy.subject"
SUBJECT_KIND: Final = "sa_privacy.subject_kind"
#: How a parameter is named that stands for the moment at which the statement runs.
NOW: Final = "sa_privacy_now"
_TEXT: Final = (str, bool, int, uuid.UUID)
_IN_LIST: Final = {operators.in_op: "= ANY", operators.not_in_op: "<> ALL"}
_PASSING: Final = (Date, DateTime, Time, Interval)

About = Callable[[str, ColumnElement[Any]], ColumnElement[bool]]


def setting(name: str) -> str:
    """The value of a setting; NULL, which lets nothing through, where it is not set in this transaction."""
    return f"NULLIF(pg_catalog.current_setting({literal(name)}, true), '')"


def row_of(known: PersonalTable, catalogue: Catalogue, *, elsewhere: bool = False) -> TableClause:
    """What stands for a row of the table in conditions about it, or about rows that lead to it."""
    subject = known.subject
    kind = catalogue.key_types.get(subject.kind) if subject is not None else None
    key = subject.key if subject is not None else None
    columns = (column(name, kind if name == key else None) for name in known.all_columns)
    return table(known.table, *columns, schema=known.schema if elsewhere else None)


def about(known: PersonalTable, row: Any, catalogue: Catalogue, said: About) -> ColumnElement[bool]:
    """A condition about the person whose row it is.

    :param said: takes the kind of person and their key, gives the condition.
    """
    subject = known.subject
    if subject is None:
        return false()  # nobody's
    if subject.key is not None:
        return said(subject.kind, row.c[subject.key])
    here, there, key = subject.steps[0]
    after = catalogue.by_name.get(there)
    if after is None:
        return false()
    rows = row_of(after, catalogue, elsewhere=True).alias()
    found = select(rows.c[key]).where(about(after, rows, catalogue, said)).correlate(None)
    return row.c[here].in_(found)  # type: ignore[no-any-return]


def is_subject(kind: str, key: ColumnElement[Any]) -> ColumnElement[bool]:
    """That a key is the one of the access's subject. As the column's own type, so that an index serves."""
    wanted: ColumnElement[Any] = literal_column(setting(SUBJECT))
    plain = _plain(key.type)
    if isinstance(plain, Integer):
        wanted = literal_column(f"{setting(SUBJECT)}::bigint")
    elif isinstance(plain, Uuid) and plain.native_uuid:
        wanted = literal_column(f"{setting(SUBJECT)}::uuid")
    elif not isinstance(plain, String):
        key = cast(key, postgresql.TEXT)
    return and_(literal_column(f"pg_catalog.current_setting({literal(SUBJECT_KIND)}, true)") == kind, key == wanted)


def as_list(values: object, kind: TypeEngine[Any], dialect: Any) -> str:
    """A list of an access as the text of a setting, as PostgreSQL writes arrays; empty, as for a value."""
    if not isinstance(values, (list, tuple, set, frozenset)):
        return ""
    told = [as_setting(value, kind, dialect) for value in values]
    if not all(told):
        return ""
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in told)
    return "{" + ",".join(quoted) + "}"


def as_setting(value: object, kind: TypeEngine[Any] | None, dialect: Any) -> str:
    """A value of an access as the text of a setting; empty, which lets nothing through, where it can be none."""
    if value is None:
        return ""
    try:
        process = kind.dialect_impl(dialect).bind_processor(dialect) if isinstance(kind, TypeDecorator) else None
        value = value if process is None else process(value)
        plain = _plain(kind)
        if isinstance(plain, Integer) and not isinstance(value, bool):
            number = int(str(value))
            return str(number) if -(2**63) <= number < 2**63 else ""
        if isinstance(plain, Uuid) and plain.native_uuid:
            return str(uuid.UUID(str(value)))
    except Exception:  # noqa: BLE001 - it may be the application's own code, and quote the value
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\0", "") if isinstance(value, _TEXT) else ""


def _plain(kind: TypeEngine[Any] | None) -> TypeEngine[Any] | None:
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind


class Taken(NamedTuple):
    """What a condition takes from the access.

    :param kind: the type that the values are compared as.
    :param many: they are a list.
    """

    kind: TypeEngine[Any]
    many: bool


def sql_of(condition: ColumnElement[bool], row: FromClause) -> tuple[str, dict[str, Taken]]:
    """The text of a condition, in one line, and the settings that it takes from the access.

    :raises NotExpressible: it holds a value that passes, speaks of another table without a query of its own, or looks into
        sealed values.
    """
    if any(isinstance(getattr(each, "type", None), Encrypted) for each in iterate(condition)):
        raise NotExpressible("it looks into sealed values, whose keys are the application's")
    dialect: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    dialect.statement_compiler = _Compiler
    compiled: Any = select(literal_column("1")).select_from(row).where(condition).compile(dialect=dialect)
    begins = f"SELECT 1 \nFROM {dialect.identifier_preparer.format_table(row)} \nWHERE "
    text = str(compiled.string)
    if not text.startswith(begins):
        raise NotExpressible("it speaks of another table outside a query of its own")
    return " ".join(text.removeprefix(begins).split("\n")), getattr(compiled, "settings", {})


def mentioned(condition: ColumnElement[bool], row: FromClause) -> dict[tuple[str | None, str], set[str]]:
    """The columns of other tables that a condition reads: by schema and table."""
    found: dict[tuple[str | None, str], set[str]] = {}
    for each in iterate(condition):
        for base in _columns(each):
            owner: Any = base.table
            if owner is not row and owner is not None and hasattr(owner, "name"):
                found.setdefault((getattr(owner, "schema", None), str(owner.name)), set()).add(str(base.name))
    return found


def questions(condition: ColumnElement[bool], is_asked: Callable[[Table], bool]) -> Iterator[tuple[Table, Any]]:
    """For each query in a condition that asks one table: the table, and which of its rows can matter, whoever is asked about.

    :param is_asked: whether it is a table of interest.
    """
    for each in iterate(condition):
        for place in each.get_final_froms() if isinstance(each, Select) else ():
            asked: Any = getattr(place, "element", place)
            if isinstance(asked, Table) and is_asked(asked):
                where: Any = each.whereclause  # type: ignore[attr-defined]
                said = where.clauses if getattr(where, "operator", None) is operators.and_ else [where]
                kept = [one for one in said if one is not None and _speaks_only_of(one, place)]
                yield asked, and_(true(), *(_instead(one, place, asked) for one in kept))


def _speaks_only_of(condition: Any, place: Any) -> bool:
    return all(getattr(each, "table", None) in (place, None) for each in iterate(condition))


def _instead(condition: Any, place: Any, table: Table) -> Any:
    """The condition about the table itself, in place of an alias."""

    def stand_in(element: Any, **_: Any) -> Any:
        return table.c[element.key] if getattr(element, "table", None) is place else None

    return condition if place is table else replacement_traverse(condition, {}, stand_in)


def _columns(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Column) or thing.__visit_name__ == "column":
        for base in thing.base_columns:
            if getattr(base, "table", None) is not None:
                yield base


class _Compiler(PGCompiler):
    """Writes settings for what a rule takes from the access, and constants as they are."""

    settings: dict[str, Taken]

    def visit_binary(self, binary: Any, *args: Any, **kwargs: Any) -> str:
        how = _IN_LIST.get(binary.operator)
        wanted = binary.right
        if how is None or not isinstance(wanted, BindParameter) or not wanted.key.startswith(VALUE):
            return str(super().visit_binary(binary, *args, **kwargs))  # type: ignore[no-untyped-call]
        # A comparison with NULL, where the list is missing, lets nothing through either way.
        return f"{self.process(binary.left, **kwargs)} {how} ({self._taken(wanted, many=True)})"

    def _taken(self, bind: BindParameter[Any], *, many: bool) -> str:
        taken = self.__dict__.setdefault("settings", {})
        plain = _plain(bind.type)
        found = taken.setdefault(bind.key, Taken(bind.type, many))
        if found.many is not many or type(_plain(found.kind)) is not type(plain):
            raise NotExpressible("it compares one value of the access with columns of several types")
        kind = ""
        if isinstance(plain, Integer):
            kind = "bigint"
        elif plain is not None and not isinstance(plain, (String, NullType)):
            kind = self.dialect.type_compiler_instance.process(plain)
        elif many:
            kind = "text"
        return f"{setting(bind.key)}{'::' if kind else ''}{kind}{'[]' if many else ''}"

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **kwargs: Any) -> str:
        if bindparam.key.startswith(VALUE):
            return self._taken(bindparam, many=False)
        if NOW in bindparam.key:
            return "pg_catalog.statement_timestamp()"
        if bindparam.callable is not None or bindparam.required:
            raise NotExpressible("it holds a value that is worked out each time")
        if isinstance(_plain(bindparam.type), _PASSING):
            raise NotExpressible("it holds a moment, which passes")
        if isinstance(bindparam.value, str) and not bindparam.expanding:
            if "\n" in bindparam.value or "\r" in bindparam.value:
                raise NotExpressible("it holds a text of several lines")
            return literal(bindparam.value)
        kwargs["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *args, **kwargs))  # type: ignore[no-untyped-call]
