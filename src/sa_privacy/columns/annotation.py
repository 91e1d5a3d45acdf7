"""What an application says of its columns: which category they hold, whose they are, how they are stored.

``pii_column`` stands wherever ``mapped_column`` stands. All it does is to leave an :class:`Annotation` on the column
(in ``Column.info``) and, unless told otherwise, to give it the sealed type. Without an installed ``Privacy`` nothing
else happens.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint, event
from sqlalchemy.orm import ColumnProperty, MappedColumn, Mapper, QueryableAttribute, mapped_column
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import NullType

from sa_privacy.columns.indexes import index_searchable
from sa_privacy.columns.lookup import Lookup, LookupSpec, as_lookup
from sa_privacy.columns.sealable import check_sealing, needs_values, refusal_to_seal
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.sqlalchemy_private import ScannedColumn, forget_compiled, keep_out_of_repr_and_eq
from sa_privacy.errors import PolicyError

__all__ = [
    "Annotation",
    "DataSubject",
    "annotate_column",
    "annotated_tables",
    "annotation_of",
    "checked_key",
    "on_annotation",
    "pii_column",
    "registry_version",
    "said_by",
    "table_columns",
]

_INFO = "sa_privacy"
_tables: WeakSet[Table] = WeakSet()
#: What each column of a table was last seen to be annotated as: SQLAlchemy may merge another annotation into it.
_settled: WeakKeyDictionary[Column[Any], Annotation] = WeakKeyDictionary()
_version = 0
_watchers: WeakSet[Watcher] = WeakSet()


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one column holds.

    :param category: the policy's category.
    :param purposes: narrows the purposes the policy allows; None leaves them all.
    :param encrypt: the stored value is sealed.
    :param lookup: how a sealed column is searched; None: not at all.
    :param field: the logical field id seals are bound to; None: the column's own name.
    :param key: ``"subject"``: sealed under the key of the person whose row it is; None: under the keyring's.
    """

    category: str
    purposes: frozenset[str] | None = None
    encrypt: bool = True
    lookup: Lookup | None = None
    field: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DataSubject:
    """Whose a row is.

    :param kind: the kind of person, e.g. ``"customer"``.
    :param key: the attribute that identifies the person, where this very row is the person.
    :param via: the relationship, or foreign-key column, that leads to the person.

    Stands in a class as ``__data_subject__``, or in ``Table(..., info={"data_subject": ...})``.
    """

    kind: str
    key: str | None = None
    via: str | None = None

    def __post_init__(self) -> None:
        if (self.key is None) == (self.via is None):
            raise PolicyError(
                f'DataSubject("{self.kind}") needs either key=... or via=....',
                hint='key="id" where the row is the person, via="customer" where it belongs to one.',
            )


def annotation_of(column: Column[Any]) -> Annotation | None:
    """What was said of `column`, or None where nothing was."""
    found = column.info.get(_INFO) if column.info else None
    if found is not None:
        return found  # type: ignore[no-any-return]
    if isinstance(column.type, Encrypted):
        sealed = column.type
        return said_by(sealed)
    return None


def said_by(sealed: Encrypted) -> Annotation:
    """What a sealed type says of its column."""
    return Annotation(sealed.category, sealed.purposes, True, sealed.lookup, sealed.field, sealed.key)


def pii_column(
    type: Any = None,  # noqa: A002 - the contract's name, as in Column
    *args: Any,
    category: str,
    purposes: Collection[str] | None = None,
    encrypt: bool = True,
    lookup: LookupSpec = None,
    field: str | None = None,
    key: str | None = None,
    **mapped_column_kwargs: Any,
) -> MappedColumn[Any]:
    """A mapped column that holds personal data.

    Stands wherever :func:`sqlalchemy.orm.mapped_column` stands and takes what it takes. For type checkers to know that in
    dataclasses too (positional fields, ``init=False``), the base class says so once:
    ``@dataclass_transform(field_specifiers=(mapped_column, pii_column, relationship))``.

    :param type: the SQLAlchemy type of the value as the application sees it; ``Text`` where it is left out and the
        column is sealed. A column name may stand in front of it, as in ``mapped_column("e_mail", String)``.
    :param category: the policy's category.
    :param purposes: narrows the purposes that the policy allows for the category; never widens.
    :param encrypt: store the value sealed (AES-256-GCM). ``False``: guarded and logged, not sealed.
    :param lookup: lets a sealed column be searched by ``==``, ``in_``, ``is_distinct_from`` and joins, and gives it an
        index. ``"exact"``: equal values; ``"casefold"``: also text that differs in case alone; a callable makes a str of
        a value, the same one for values that count as equal; ``Lookup(..., shared="name")`` for columns that are compared
        with each other. Whoever sees the database then sees which rows share a value. With ``unique=True`` and
        ``index=True`` the lookup is meant.
    :param field: the logical field id the seal is bound to; ``"table.column"`` where it is left out.
    :param key: ``"subject"``: the value is sealed under a key of the person whose row it is. Once that is destroyed, every
        copy of the value is noise, and reads give :data:`sa_privacy.ERASED`. The table needs its ``__data_subject__``.
        Any other ``key`` is the column's own, as in ``mapped_column(key=...)``.
    :raises PolicyError: the annotation contradicts itself.
    """
    if key is not None and key not in Encrypted.kinds:
        if difflib.get_close_matches(key.lower(), Encrypted.kinds, 1):
            raise _no_such_key(key)
        mapped_column_kwargs["key"], key = key, None
    positional: list[Any] = [] if type is None else [type, *args]
    name: list[Any] = [positional.pop(0)] if positional and isinstance(positional[0], str) else []
    given: Any = None
    if positional and not isinstance(positional[0], SchemaItem):
        given = positional.pop(0)
    elif type is None:
        positional = list(args)
    given = mapped_column_kwargs.pop("type_", given)
    annotation = _annotation(category, purposes, encrypt, lookup, field, key, given)
    if encrypt:
        options = needs_values(mapped_column_kwargs, searchable=annotation.lookup is not None)
        options += ["ForeignKey" for item in positional if isinstance(item, ForeignKey)]
        if options:
            raise refusal_to_seal(f"a sealed column of category {category}", options)
        given = given if isinstance(given, Encrypted) else _sealed(given, annotation)
    kinds = [] if given is None else [given]
    column: MappedColumn[Any] = mapped_column(*name, *kinds, *positional, **mapped_column_kwargs)
    column.column.info[_INFO] = annotation
    column.__class__ = _PersonalMappedColumn
    keep_out_of_repr_and_eq(
        column, repr_="repr" not in mapped_column_kwargs, compare="compare" not in mapped_column_kwargs
    )
    return column


class _PersonalMappedColumn(ScannedColumn):
    """What :func:`pii_column` returns: what it says holds, whatever else is said of the attribute."""

    __slots__ = ()

    def scanned(self, given: Column[Any], info: dict[Any, Any]) -> None:
        said: Annotation = info[_INFO]
        if self.column is not given:  # use_existing_column=True, and a class above or beside has it already
            annotate_column(self.column, said)
        elif self.column.info[_INFO] != said:  # Annotated[str, pii_column(...)] says something else
            raise _twice(str(self.column.name), self.column.info[_INFO], said)


def _annotation(
    category: Any,
    purposes: Collection[str] | None,
    encrypt: bool,
    lookup: LookupSpec,
    field: str | None,
    key: str | None,
    given: Any,
) -> Annotation:
    if not isinstance(category, str) or not category:
        raise PolicyError("a personal column needs a category.", hint='write pii_column(..., category="email").')
    if isinstance(purposes, str):
        raise PolicyError("purposes must be a list of names.", hint=f'write purposes=["{purposes}"].')
    if lookup is not None and not encrypt:
        raise PolicyError(
            f"lookup= on an unsealed column of category {category} has no meaning.",
            hint="an unsealed column is searched as it is: leave lookup out.",
        )
    annotation = checked_key(
        Annotation(category, None if purposes is None else frozenset(purposes), encrypt, as_lookup(lookup), field, key)
    )
    if isinstance(given, Encrypted):
        inner = said_by(given)
        if inner != annotation:
            raise PolicyError(
                f"the column is annotated twice: as {annotation.category} and as {inner.category}.",
                hint="say it once, in pii_column(...) or in Encrypted(...).",
            )
    return annotation


def checked_key(annotation: Annotation) -> Annotation:
    """The same.

    :raises PolicyError: it asks for keys that there are none of, or of a column that is not sealed.
    """
    if annotation.key is None:
        return annotation
    if annotation.key not in Encrypted.kinds:
        raise _no_such_key(annotation.key)
    if not annotation.encrypt:
        raise PolicyError(
            f"key= on an unsealed column of category {annotation.category} has no meaning.",
            hint="leave key= out, or let the column be sealed.",
        )
    return annotation


def _no_such_key(key: str) -> PolicyError:
    return PolicyError(f"key={key!r} is not known.", hint='"subject", or None for the keys of the keyring.')


def _sealed(given: Any, annotation: Annotation) -> Encrypted:
    return Encrypted(
        Text() if given is None else given,
        category=annotation.category,
        purposes=annotation.purposes,
        lookup=annotation.lookup,
        field=annotation.field,
        key=annotation.key,
    )


def table_columns(given: object) -> tuple[Column[Any], ...]:
    """The table columns that a mapped attribute, or a column itself, stands for.

    :raises PolicyError: `given` is something else.
    """
    if isinstance(given, Column):
        return (given,)
    prop = getattr(given, "property", None) if isinstance(given, QueryableAttribute) else None
    if not isinstance(prop, ColumnProperty):
        what = str(given) if prop is not None else f"a {type(given).__name__}"
        raise PolicyError(
            f"only a column can be annotated, and {what} is none.",
            hint="give a mapped column (Customer.email) or a Column of a Table (table.c.email).",
        )
    if not all(isinstance(column, Column) for column in prop.columns):
        raise PolicyError(
            f"{given} is an expression over columns: there is nothing of its own to annotate.",
            hint="annotate the columns it is made of; whatever is computed from them is judged with them.",
        )
    return tuple(column for column in prop.columns if isinstance(column, Column))


def annotate_column(column: Column[Any], annotation: Annotation) -> None:
    """Annotates a column of a model that nobody edits.

    :raises PolicyError: it is annotated already, and otherwise.
    """
    if not isinstance(column.table, Table):
        raise PolicyError(
            f"the column {column.name} belongs to no table yet.", hint="annotate it once its Table is made."
        )
    before = annotation_of(column)
    if before is not None and annotation.field is None:
        annotation = replace(annotation, field=before.field)
    if before is not None and before != annotation:
        raise _twice(f"{column.table.fullname}.{column.name}", before, annotation)
    if annotation.encrypt:
        check_sealing(column, column.table, searchable=annotation.lookup is not None)
    column.info[_INFO] = annotation
    _settle(column, column.table)


def _settle(column: Column[Any], table: Table) -> None:
    """Makes a column what its annotation says. Called whenever one may have got an annotation.

    :raises PolicyError: it cannot be, or was another thing before.
    """
    annotation = annotation_of(column)
    if annotation is None:
        return
    before, kind = _settled.get(column), column.type
    if isinstance(kind, Encrypted):
        before = before or replace(said_by(kind), field=annotation.field)
    if before is not None and before != annotation:
        raise _twice(f"{table.fullname}.{column.name}", before, annotation)
    if annotation.encrypt:
        if not isinstance(kind, Encrypted):
            check_sealing(column, table, searchable=annotation.lookup is not None)
            column.type = _sealed(None if isinstance(kind, NullType) else kind, annotation)
            forget_compiled([table])
        index_searchable(table)
        check_sealing(column, table)
    if isinstance(column.type, Encrypted) and column.type.field is None:
        column.type = column.type.bound_to(f"{table.fullname}.{column.name}")
    settled = annotation_of(column) or annotation  # a type tells its field once it has one
    if _settled.get(column) != settled or table not in _tables:  # said again, it changes nothing
        _settled[column] = settled
        _tables.add(table)
        _changed()


def _twice(column: str, before: Annotation, annotation: Annotation) -> PolicyError:
    different = [f"{name}=" for name in Annotation.__slots__ if getattr(before, name) != getattr(annotation, name)]
    return PolicyError(
        f"{column} is annotated twice: as {before.category} and as {annotation.category}"
        + ("." if before.category != annotation.category else f", with another {', '.join(different)}."),
        hint="keep one of them.",
        columns=(column,),
    )


def annotated_tables() -> tuple[Table, ...]:
    """Every table of the process that has an annotated column."""
    return tuple(_tables)


class Watcher(Protocol):
    """Something that keeps what it read from annotations."""

    def renew(self) -> None:
        """Read them again before the next use."""


def on_annotation(watcher: Watcher) -> None:
    """Tells `watcher`, as long as it lives, whenever a table or column is annotated or mapped."""
    _watchers.add(watcher)


def _changed() -> None:
    global _version  # noqa: PLW0603 - one counter for the process-wide register of annotated tables
    _version += 1
    for watcher in tuple(_watchers):
        watcher.renew()


def registry_version() -> int:
    """A number that grows whenever a table or column is annotated."""
    return _version


@event.listens_for(Column, "after_parent_attach")
def _attached(column: Column[Any], table: Any) -> None:
    """Notes annotated columns as they reach their table: declarative, Core, mixins, copies, added later."""
    if isinstance(table, Table):
        _settle(column, table)


@event.listens_for(Index, "after_parent_attach")
@event.listens_for(UniqueConstraint, "after_parent_attach")
def _indexed(item: Index | UniqueConstraint, table: Any) -> None:  # noqa: ARG001 - the event's arguments
    """An index over a searchable column means its lookup, whenever it comes."""
    if isinstance(table, Table):
        index_searchable(table)


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], class_: type[Any]) -> None:  # noqa: ARG001 - the event's arguments
    """A class was mapped: SQLAlchemy may have merged what ``Annotated`` says into a column that was there before."""
    for table in [table for table in mapper.tables if isinstance(table, Table)]:
        for column in table.columns:
            _settle(column, table)
    _changed()


@event.listens_for(object, "attribute_instrument")
def _instrumented(class_: type[Any], key: str, attribute: Any) -> None:  # noqa: ARG001 - the event's arguments
    """A class, which may be in use, got one more attribute: what guards classes has to look again."""
    _changed()
