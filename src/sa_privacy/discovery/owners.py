"""Whose the rows of a table are: ``__data_subject__``, as a scan suggests it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ForeignKeyConstraint, Table

from sa_privacy.columns import DataSubject
from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.discovery.names import Nature
from sa_privacy.discovery.tokens import singular, tokens
from sa_privacy.discovery.words import PEOPLE
from sa_privacy.discovery.words_ja import PEOPLE_JA

__all__ = ["Owner", "owners_of", "points_at_people"]

#: Who did something to a row is not whose the row is.
_STAFF: Final = frozenset(
    "by creator editor updater approver admin operator staff author modifier reviewer agent manager".split()
)
#: The kind of people of whom a table's name says nothing more.
_NOBODY: Final = "person"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose the rows of a table are.

    :param kind: the kind of person.
    :param key: the column that identifies the person, where a row is one.
    :param via: the column that leads to the person, where a row belongs to one.
    :param others: other columns that lead to people: somebody has to choose.
    """

    table: str
    kind: str
    key: str | None = None
    via: str | None = None
    others: tuple[str, ...] = ()


def points_at_people(table: Table, natures: Mapping[str, Nature]) -> bool:
    """Whether a row belongs to a person: by a foreign key, or a column that is named like one."""
    for column in table.columns:
        for key in column.foreign_keys:
            if natures.get(_target(key.target_fullname)) == "people":
                return True
        words = tokens(column.name)
        if len(words) > 1 and words[-1] in ("id", "no", "code") and singular(words[-2]) in PEOPLE:
            return True
        if any(column.name.startswith(word) for word in PEOPLE_JA) and column.name.lower().endswith(
            ("id", "番号", "コード")
        ):
            return True
    return False


def owners_of(tables: Sequence[Table], natures: Mapping[str, Nature], personal: AbstractSet[str]) -> Iterator[Owner]:
    """For the tables that hold something personal and do not say whose.

    :param personal: the tables that do, by their full names.
    """
    said = _said(tables)
    kinds: dict[str, str] = {}
    for table in tables:
        if table.fullname in said:
            kinds[table.fullname] = said[table.fullname].kind
        elif (
            natures[table.fullname] == "people" and _single_key(table) is not None and not _said_elsewhere(table, kinds)
        ):
            kinds[table.fullname] = _kind(table)
    suggested: dict[str, Owner] = {}
    for table in tables:
        if table.fullname in kinds and table.fullname not in said and table.fullname in personal:
            key = _single_key(table)
            if key is not None:
                suggested[table.fullname] = Owner(table.fullname, kinds[table.fullname], key=key.name)
    for _ in range(len(tables)):  # and on, from the tables that belong to somebody to those that belong to these
        more: dict[str, str] = {}
        for table in tables:
            if table.fullname in kinds:
                continue
            roads = _roads(table, kinds)
            if roads:
                column, kind = roads[0]
                more[table.fullname] = kind
                if table.fullname in personal:
                    others = tuple(one.name for one, _ in roads[1:])
                    suggested[table.fullname] = Owner(table.fullname, kind, via=column.name, others=others)
        if not more:
            break
        kinds |= more
    for table in tables:
        if table.fullname in suggested:
            yield suggested[table.fullname]


def _said(tables: Sequence[Table]) -> dict[str, DataSubject]:
    """What models and tables say already."""
    wanted = set(tables)
    said: dict[str, DataSubject] = {}
    for mapper in all_mappers():
        subject = getattr(mapper.class_, "__data_subject__", None)
        if isinstance(subject, DataSubject):
            said |= {table.fullname: subject for table in mapper.tables if isinstance(table, Table) and table in wanted}
    for table in tables:
        declared = table.info.get("data_subject")
        if isinstance(declared, DataSubject):
            said.setdefault(table.fullname, declared)
    return said


def _said_elsewhere(table: Table, kinds: Mapping[str, str]) -> bool:
    """Whether a table of people only says more of people who have a row in another: as an account does, or a subclass. A
    customer with an employee who looks after them is somebody else.
    """
    own = _kind(table)
    return any(
        own in (kind, _NOBODY) or column.primary_key or column.unique
        for column, kind in _roads(table, kinds)
        if not set(tokens(column.name)) & _STAFF
    )


def _roads(table: Table, kinds: Mapping[str, str]) -> list[tuple[Column[Any], str]]:
    """The foreign keys of one column that lead to people, the likeliest first."""
    found: list[tuple[Column[Any], str]] = []
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: list(one.column_keys)):
        if len(constraint.columns) != 1:
            continue
        column, target = next(iter(constraint.columns)), _referred(constraint)
        if target != table.fullname and target in kinds:
            found.append((column, kinds[target]))
    found.sort(key=lambda road: (_rank(road[0], road[1]), table.columns.values().index(road[0])))
    return found


def _rank(column: Column[Any], kind: str) -> tuple[bool, bool, bool]:
    words = set(tokens(column.name))
    return bool(words & _STAFF), kind not in words, bool(column.nullable)


def _referred(constraint: ForeignKeyConstraint) -> str:
    return _target(constraint.elements[0].target_fullname)


def _target(name: str) -> str:
    return name.rpartition(".")[0]


def _single_key(table: Table) -> Column[Any] | None:
    columns = list(table.primary_key.columns)
    return columns[0] if len(columns) == 1 else None


def _kind(table: Table) -> str:
    words = [singular(word) for word in tokens(table.name) if singular(word) in PEOPLE]
    return words[-1] if words else _NOBODY
