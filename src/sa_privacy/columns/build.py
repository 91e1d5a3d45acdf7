"""Builds the catalogue from what applications and the policy say of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.orm import Mapper

from sa_privacy.columns.annotation import (
    Annotation,
    DataSubject,
    annotate_column,
    annotated_tables,
    annotation_of,
)
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable, SubjectPath
from sa_privacy.columns.indexes import is_searchable
from sa_privacy.columns.lookup import as_lookup
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.columns.sealable import check_sealing
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.errors import PolicyError

if TYPE_CHECKING:
    from sa_privacy.policy import ColumnRule, Policy

__all__ = ["build_catalogue", "check_rules", "column_name", "seal_by_rules", "seal_table", "table_name"]


_Said: TypeAlias = dict[Table, tuple[DataSubject, Mapper[Any] | None]]


def table_name(table: Table) -> str:
    """The one spelling of a table: ``"table"`` or ``"schema.table"``."""
    return str(table.fullname)  # a plain str: SQLAlchemy keeps names in a subclass


def column_name(column: Column[Any]) -> str:
    """The one spelling of a column: ``"table.column"`` or ``"schema.table.column"``."""
    return f"{column.table.fullname}.{column.name}"


def build_catalogue(policy: Policy, metadata: Iterable[MetaData] | None = None, *, own: bool = False) -> Catalogue:
    """All that `policy` looks after.

    :param metadata: the MetaData collections looked after; None means every annotated table of the process.
    :param own: the library's own tables are looked after, too.
    :raises PolicyError: a column is annotated in the model and differently in the policy, or a data subject leads
        nowhere.
    """
    given = () if metadata is None else tuple(metadata)
    wanted = None if metadata is None else {id(m) for m in given}

    def looked_after(table: Table) -> bool:
        if table.metadata is OWN_TABLES:
            return own or table is SUBJECT_KEYS  # before it is known whether a column needs them
        return wanted is None or id(table.metadata) in wanted

    seal_by_rules(policy, given if wanted is not None else None)
    subjects, mapped = _subjects(wanted, given)
    tables: dict[Table, PersonalTable] = {}
    for table in {*annotated_tables(), *subjects}:
        if looked_after(table):
            tables[table] = PersonalTable(
                name=table_name(table),
                schema=table.schema,
                table=str(table.name),
                columns=_columns(table),
                all_columns=tuple(str(column.name) for column in table.columns),
                subject=subjects.get(table),
            )
    others = {
        other
        for collection in {*given, *(table.metadata for table in (*tables, *mapped))} - (set() if own else {OWN_TABLES})
        for other in collection.tables.values()
        if other not in tables
    }
    found = _with_rules(_merged(tables.values()), policy.columns, others)
    named = {(t.schema, t.table) for t in found}
    plain = {(other.schema, other.name) for other in others} - named
    catalogue = Catalogue(tuple(found), frozenset(plain))
    by_subject = _check_subjects(catalogue)
    if not (own or by_subject):
        catalogue = catalogue.without([SUBJECT_KEYS.name])
    _check_references({*tables, *others}, catalogue)
    return catalogue


def _check_subjects(catalogue: Catalogue) -> bool:
    """Refuses columns under people's keys in tables that nobody knows the people of. Whether there are such columns."""
    keyed = [column for column in catalogue.columns.values() if column.by_subject]
    nobodys = [column for column in keyed if column.table not in catalogue.holders]
    if nobodys:
        names = ", ".join(sorted(column.name for column in nobodys))
        raise PolicyError(
            f'{names}: key="subject" needs to know whose a row is, and the table names no data subject.',
            hint='say whose it is: __data_subject__ = DataSubject("customer", via="customer").',
            columns=[column.name for column in nobodys],
        )
    return bool(keyed)


def _check_references(tables: Iterable[Table], catalogue: Catalogue) -> None:
    """Refuses plain columns that hold the values of personal ones, because they are foreign keys to them."""
    faults = [
        (column_name(column), key.target_fullname)
        for table in tables
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname in catalogue.columns and column_name(column) not in catalogue.columns
    ]
    if faults:
        category = catalogue.columns[min(faults)[1]].category
        raise PolicyError(
            "; ".join(f"{one} refers to {other}, and so holds its values" for one, other in sorted(faults))
            + ": it needs a category, too.",
            hint=f'annotate it: pii_column(category="{category}", encrypt=False), or under [columns] of the policy.',
            columns=[one for one, _ in sorted(faults)],
        )


def seal_by_rules(policy: Policy, metadata: Iterable[MetaData] | None = None) -> None:
    """Seals the mapped columns that the policy's ``[columns]`` say ``encrypt = true`` of.

    :raises PolicyError: one is annotated otherwise, or needs its values.
    """
    if not any(rule.encrypt for rule in policy.columns.values()):
        return
    mapped = {table for mapper in all_mappers() for table in mapper.tables if isinstance(table, Table)}
    collections = {table.metadata for table in mapped} if metadata is None else set(metadata)
    for table in {table for collection in collections for table in collection.tables.values()}:
        seal_table(policy, table)


def seal_table(policy: Policy, table: Table) -> None:
    """Seals the columns of one table that the policy's ``[columns]`` say ``encrypt = true`` of."""
    rules = {name.lower(): rule for name, rule in policy.columns.items() if rule.encrypt}
    for column in table.columns if rules else ():
        rule = rules.get(column_name(column).lower())
        if rule is not None:
            annotate_column(
                column, Annotation(rule.category, rule.purposes, True, as_lookup(rule.lookup), rule.field, rule.key)
            )


def _merged(tables: Iterable[PersonalTable]) -> list[PersonalTable]:
    """One entry for each name: several ``MetaData`` may describe the same table, in parts or as copies."""
    by_name: dict[str, PersonalTable] = {}
    for table in sorted(tables, key=lambda table: table.name):
        before = by_name.get(table.name)
        if before is None:
            by_name[table.name] = table
            continue
        for key in before.columns.keys() & table.columns.keys():
            one, other = before.columns[key], table.columns[key]
            if _declared(one) != _declared(other):
                raise PolicyError(
                    f"{one.name} is annotated twice, and not the same: as {one.category} and as {other.category}.",
                    hint="tables of one name are taken for one table. Say the same in both, or give Privacy(..., "
                    "metadata=...) the one that it looks after.",
                    columns=(one.name,),
                )
        by_name[table.name] = PersonalTable(
            before.name,
            before.schema,
            before.table,
            {**before.columns, **table.columns},
            tuple(dict.fromkeys((*before.all_columns, *table.all_columns))),
            before.subject or table.subject,
        )
    return list(by_name.values())


def _declared(column: PersonalColumn) -> tuple[object, ...]:
    return (column.category, column.purposes, column.sealed, column.searchable, column.by_subject)


def _columns(table: Table) -> dict[str, PersonalColumn]:
    found = {}
    for column in table.columns:
        annotation = annotation_of(column)
        if annotation is not None:
            sealed = isinstance(column.type, Encrypted)
            if sealed:
                check_sealing(column, table)  # again: an index or constraint may have come later
            found[column.name.lower()] = PersonalColumn(
                name=column_name(column),
                table=table_name(table),
                column=str(column.name),
                category=annotation.category,
                purposes=annotation.purposes,
                sealed=sealed,
                field=(column.type.field or "") if isinstance(column.type, Encrypted) else "",
                searchable=is_searchable(column),
                by_subject=annotation.key is not None,
            )
    return found


def _with_rules(
    tables: list[PersonalTable], rules: Mapping[str, ColumnRule], others: set[Table]
) -> list[PersonalTable]:
    """Adds the policy's ``[columns]``: models that nobody edits."""
    known = {table_name(table): tuple(column.name for column in table.columns) for table in others}
    in_any_case = {name.lower(): columns for name, columns in known.items()}
    found = list(tables)
    for name, rule in rules.items():
        owner, _, column = name.rpartition(".")
        alike = [index for index, table in enumerate(found) if table.name == owner]
        if not alike and owner not in known:
            alike = [index for index, table in enumerate(found) if table.name.lower() == owner.lower()]
        if not alike:
            schema, _, bare = owner.rpartition(".")
            names = known.get(owner, in_any_case.get(owner.lower(), ()))
            found.append(PersonalTable(owner, schema or None, bare, {}, names))
            alike = [len(found) - 1]
        for index in alike:
            found[index] = _with_rule(found[index], name, column, rule)
    return found


def _with_rule(table: PersonalTable, name: str, column: str, rule: ColumnRule) -> PersonalTable:
    spelled = {one.lower(): one for one in table.all_columns}.get(column.lower(), column)
    if table.all_columns and spelled not in table.all_columns:
        raise PolicyError(
            f'the policy\'s [columns] name "{name}", and table {table.name} has no such column.',
            hint=f"columns of {table.name}: {', '.join(table.all_columns)}. Where another database of the process has a table of "
            "that name, say whose models count: Privacy(..., metadata=Base).",
            columns=(name,),
        )
    before = table.columns.get(column.lower())
    if before is None:
        added = PersonalColumn(
            *(f"{table.name}.{spelled}", table.name, spelled, rule.category, rule.purposes, rule.encrypt),
            field=rule.field or "",
            by_subject=rule.key is not None,
        )
        columns = {**table.columns, spelled.lower(): added}
        return PersonalTable(table.name, table.schema, table.table, columns, table.all_columns, table.subject)
    _agree(name, before, rule)
    return table


def check_rules(policy: Policy, table: Table) -> None:
    """Refuses a table of which the model says one thing and the policy's ``[columns]`` another.

    :raises PolicyError: names the column and both categories.
    """
    rules = {name.lower(): (name, rule) for name, rule in policy.columns.items()}
    for column in table.columns if rules else ():
        name, rule = rules.get(column_name(column).lower(), ("", None))
        annotation = annotation_of(column)
        if rule is not None and annotation is not None:
            _agree(name, annotation, rule)


def _agree(name: str, said: Annotation | PersonalColumn, rule: ColumnRule) -> None:
    if (said.category, said.purposes) != (rule.category, rule.purposes):
        raise PolicyError(
            f'"{name}" is annotated twice: as {said.category} in the model and as {rule.category} in the policy\'s '
            "[columns].",
            hint="keep one of them.",
            columns=(name,),
        )


def _subjects(wanted: set[int] | None, given: tuple[MetaData, ...]) -> tuple[dict[Table, SubjectPath], set[Table]]:
    """How each mapped table leads to its person, and every mapped table."""
    said: _Said = {}
    mapped: set[Table] = set()
    for mapper in all_mappers():
        subject = getattr(mapper.class_, "__data_subject__", None)
        for table in mapper.tables:
            if not isinstance(table, Table) or (wanted is not None and id(table.metadata) not in wanted):
                continue
            mapped.add(table)
            if isinstance(subject, DataSubject) and (table is mapper.local_table or table not in said):
                said[table] = (subject, mapper)
    _must_be_told_apart(said)
    collections = {*given, *(table.metadata for table in (*mapped, *annotated_tables()))}
    for table in {table for collection in collections for table in collection.tables.values()}:
        declared = table.info.get("data_subject")
        if isinstance(declared, DataSubject) and (wanted is None or id(table.metadata) in wanted):
            said.setdefault(table, (declared, None))
    return {table: _path(table, said) for table in said}, mapped


def _must_be_told_apart(said: _Said) -> None:
    """Refuses what one class hands to others whose rows are other people: keys of two tables count for themselves, so that
    two people would have one name in every ledger, and end together.
    """
    first: dict[int, Table] = {}
    for table, (subject, mapper) in sorted(said.items(), key=lambda one: one[0].fullname):
        if subject.key is None or mapper is None or table is not mapper.local_table:
            continue
        top = mapper
        while top.inherits is not None and not top.concrete:
            top = top.inherits
        if isinstance(top.local_table, Table):
            other = first.setdefault(id(subject), top.local_table)
            if other is not top.local_table:
                raise PolicyError(
                    f"{other.fullname} and {top.local_table.fullname} have one __data_subject__ between them, and keys of "
                    "their own: two people would be taken for one.",
                    hint=f"{top.class_.__name__} says its own: __data_subject__ = DataSubject(..., key=...), of another "
                    "kind; of the same one, if no key is ever in both tables.",
                )
            for rest, _ in _continues(table, mapper):
                above = said.get(next(iter(rest.foreign_keys)).column.table)
                if above is not None and above[0].key is not None and above[0].kind != subject.kind:
                    raise PolicyError(
                        f'a row of {table.fullname} is the rest of a "{above[0].kind}", and is said to be a "{subject.kind}": '
                        "one person would be two.",
                        hint=f"leave __data_subject__ of {mapper.class_.__name__} out.",
                    )
                break


def _path(table: Table, said: _Said) -> SubjectPath:
    steps, key = _way(table, said, ())
    kind = said[table][0].kind
    if not steps:
        return SubjectPath(kind, key.name, type=key.type, person=True)
    if len(steps) == 1 and steps[0][2] == key.name:  # the foreign key holds the person's key
        return SubjectPath(kind, steps[0][0], type=key.type)
    return SubjectPath(kind, None, steps, key.type)


def _way(table: Table, said: _Said, seen: tuple[Table, ...]) -> tuple[tuple[tuple[str, str, str], ...], Column[Any]]:
    """The foreign keys from `table` to the person's own row, and the column that holds the key there."""
    subject, mapper = said[table]
    if table in seen:
        raise PolicyError(
            f"the data subjects of {', '.join(t.name for t in seen)} lead in a circle.",
            hint='one of these rows must be the person: DataSubject(..., key="id").',
        )
    if subject.key is not None:
        return (), _key_column(table, mapper, subject.key)
    here, there = _step(table, mapper, str(subject.via))
    if there.table not in said:
        raise PolicyError(
            f'the data subject of {table.name} leads via "{subject.via}" to {there.table.name}, which names none.',
            hint=f'say whose {there.table.name} is: __data_subject__ = DataSubject("{subject.kind}", key=...).',
        )
    steps, key = _way(there.table, said, (*seen, table))
    return ((here.name, table_name(there.table), there.name), *steps), key


def _key_column(table: Table, mapper: Mapper[Any] | None, key: str) -> Column[Any]:
    if mapper is not None and key in mapper.column_attrs:
        for column in mapper.column_attrs[key].columns:
            if isinstance(column, Column) and column.table is table:
                return column
        local = next(iter(table.primary_key), None)
        if local is not None:  # a joined child: its primary key is the parent's
            return local
    if key in table.columns:
        return table.columns[key]
    raise PolicyError(
        f'the data subject of {table.name} has key="{key}", and there is no such attribute or column.',
        hint=f"columns of {table.name}: {', '.join(c.name for c in table.columns)}.",
    )


def _continues(table: Table, mapper: Mapper[Any]) -> Iterator[tuple[Column[Any], Column[Any]]]:
    """The columns by which a row of a joined child goes on from its parent's, and what they refer to: its key first."""
    above = mapper.inherits.tables if mapper.inherits is not None and not mapper.concrete else ()
    for column in sorted(table.columns if above else (), key=lambda one: not one.primary_key):
        for key in column.foreign_keys:
            if key.column.table is not table and key.column.table in above:
                yield column, key.column


def _step(table: Table, mapper: Mapper[Any] | None, via: str) -> tuple[Column[Any], Column[Any]]:
    """The foreign key that `via` follows: its column here, and the one it leads to."""
    if mapper is not None:
        relation = mapper.relationships.get(via)  # configures the mapper, which a foreign key may still wait for
        pairs = relation.local_remote_pairs if relation is not None else None
        if pairs and len(pairs) == 1:
            here, there = pairs[0]
            if isinstance(here, Column) and isinstance(there, Column) and here.table is table:
                return here, there
        if via in mapper.column_attrs:
            meant = [one for one in mapper.column_attrs[via].columns if isinstance(one, Column)]
            via = next((one.name for one in meant if one.table is table), via)
        if via not in table.columns:
            for rest, key in _continues(table, mapper):  # a joined child: its parent's row knows whose it is
                return rest, key
    if via in table.columns:
        keys = list(table.columns[via].foreign_keys)
        if len(keys) == 1:
            return table.columns[via], keys[0].column
    raise PolicyError(
        f'the data subject of {table.name} goes via "{via}", which is no relationship or foreign key of one column.',
        hint='name a many-to-one relationship or its foreign-key column: DataSubject("customer", via="customer").',
    )
