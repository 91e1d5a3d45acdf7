"""What the triggers of each table have to keep: what holds in force are about, and for each query what leads to its rows.

A row that a query finds must not go with another one, in one statement of which the query sees only the end: so rows that the
database would take it along with are kept too, as long as it is found. So are keys of people that open what is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, ForeignKeyConstraint, FromClause, Table, and_, literal_column, or_, select

from sa_privacy.columns.own_tables import guard_name
from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.customers.holds.guarded import Guarded
from sa_privacy.customers.holds.matching import Row, found_by, matches, opens

__all__ = ["Guard", "of_query", "of_table", "query_mark"]

_MOVES: Final = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
_Kept = Callable[[Row], ColumnElement[bool]]


@dataclass(frozen=True)
class Guard:
    """The triggers of one table: for all holds but queries, or for one that is a query.

    :param mark: what tells them from the table's others.
    :param about: whether a hold, of the table of holds in force, is about a row.
    """

    guarded: Guarded
    mark: str
    about: Callable[[FromClause, Row], ColumnElement[bool]]

    @property
    def name(self) -> str:
        """What they are called, or begin with."""
        return guard_name(self.guarded.table.name) + self.mark


def of_table(guarded: Guarded) -> Guard:
    """What keeps the rows of a table that are held by person, by key or with their table."""
    return Guard(guarded, "", lambda held, row: matches(held, guarded, row))


def of_query(tables: Mapping[str, Guarded], guarded: Guarded, hold: str, condition: str) -> Iterator[Guard]:
    """What keeps the rows that the query of a hold finds.

    :param tables: all that have rows which can be held.
    """

    def found(row: Row) -> ColumnElement[bool]:
        return found_by(guarded, condition, row)

    def guard(of: Guarded, kept: _Kept, mark: str = "") -> Guard:
        return Guard(of, query_mark(hold) + mark, lambda held, row: and_(held.c.hold == hold, kept(row)))

    yield guard(guarded, found)
    keys = tables.get(KEY_TABLE)
    if keys is not None and guarded in keys.opens:
        yield guard(keys, lambda row: opens(keys, guarded, row, found))
    ways: dict[str, list[tuple[Guarded, _Kept]]] = {}
    for above, kept in _above(guarded, found, frozenset({guarded.name})):
        ways.setdefault(above.name, []).append((above, kept))
    for several in ways.values():
        fixed = dict.fromkeys(column for above, _ in several for column in above.fixed)
        yield guard(replace(several[0][0], fixed=tuple(fixed)), _any_of([kept for _, kept in several]), "c")


def _any_of(several: list[_Kept]) -> _Kept:
    return lambda row: or_(*(kept(row) for kept in several))


def query_mark(hold: str) -> str:
    """The mark of the triggers of a hold that is a query; what hangs on a row has a letter more."""
    return f"_q{hold[:8]}"


def _above(guarded: Guarded, kept: _Kept, seen: frozenset[str]) -> Iterator[tuple[Guarded, _Kept]]:
    """The tables whose rows the database takes these along with, each with the condition for those that must stay for it."""
    fixed = {column.name for column in (*guarded.fixed, *guarded.personal)}
    below: dict[str, list[ForeignKeyConstraint]] = {}
    for link in sorted(guarded.table.foreign_key_constraints, key=lambda one: tuple(one.column_keys)):
        if _moves(link.onupdate) or _ends(link, fixed):
            below.setdefault(link.referred_table.fullname, []).append(link)
    for name, links in below.items():
        table = links[0].referred_table
        targets = {element.column.name: element.column for link in links for element in link.elements}

        def led_to(row: Row, links: list[ForeignKeyConstraint] = links) -> ColumnElement[bool]:
            return or_(*(_referring(guarded.table, link, row, kept) for link in links))

        above = Guarded(name, table, None, (), tuple(targets.values()))
        yield above, led_to
        if name not in seen:
            yield from _above(above, led_to, seen | {name})


def _ends(link: ForeignKeyConstraint, fixed: set[str]) -> bool:
    """Whether rows go, or lose what a hold keeps, when the one goes that they refer to."""
    cut = _moves(link.ondelete) and bool({column.name for column in link.columns} & fixed)
    return cut or (link.ondelete or "").upper() == "CASCADE"


def _moves(action: str | None) -> bool:
    return (action or "").upper() in _MOVES


def _referring(table: Table, link: ForeignKeyConstraint, row: Row, kept: _Kept) -> ColumnElement[bool]:
    """Whether a row of the table that refers to the row at hand must stay."""
    here = table.alias()
    pairs = [here.c[element.parent.key] == row(element.column) for element in link.elements]
    asked: Any = select(literal_column("1")).select_from(here).where(*pairs, kept(lambda column: here.c[column.key]))
    condition: ColumnElement[bool] = asked.correlate_except(here).exists()
    return condition
