"""What a statement touches, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["NOTHING", "Footprint", "KeyPredicate"]


@dataclass(frozen=True, slots=True)
class KeyPredicate:
    """``table.column = <bound value>`` that holds for every row the statement reaches through one mention of the table.

    :param column: ``"table.column"``, as the catalogue spells it; the column need not be personal. Where it is of
        another table than the mention, it is of the row that the mention's row leads to on the way to its person.
    :param bind: where the value stands among the statement's parameters: the bind name (SQLAlchemy) or the
        position (driver SQL).
    :param many: the predicate is ``IN`` over a list parameter.
    """

    column: str
    bind: str | int
    many: bool = False


@dataclass(frozen=True, slots=True)
class Footprint:
    """The personal columns that a statement reads, matches and writes, and what else the gate must know of it.

    Columns are spelled ``"table.column"`` (``"schema.table.column"`` where the table was declared with a schema),
    exactly as in :class:`~sa_privacy.columns.catalogue.Catalogue`.

    :param reads: columns whose value leaves the database in a result.
    :param matches: columns that decide which rows, in what order or in which group.
    :param writes: columns inserted or updated.
    :param deletes: protected tables rows are deleted from, as the catalogue spells them.
    :param inside: columns standing anywhere but bare in the output, as an assignment target, or in IS NULL.
        A sealed column may not be among them.
    :param outputs: for each result column, the catalogue column that stands there bare (personal or not, of a
        table that belongs to a data subject), else None. Empty where the statement returns no rows or it cannot tell.
    :param mentions: for each mention of a table of the catalogue (one entry an alias) that the statement reads,
        updates or deletes from: the table's name and its key predicates.
    :param limited: the tables of which every mention has a condition of the gate's own, that holds for all its rows
        (:mod:`~sa_privacy.footprint.marks`).
    :param withs: the names of WITH queries, of whatever part of the statement.
    :param named: for each of `mentions`, as far as it goes, the positions of result columns that hold the key of the very
        person whose row stands in the result row; empty where none does for sure.
    :param perhaps: those of the positions of which an outer join may leave out the row: where they are NULL, they tell
        nothing; each with a position that is NULL just where that happened, itself where there is none.
    :param returned: for each table of the catalogue inserted into, the same positions for the new rows.
    :param aside: rows are changed that the count of the statement's rows leaves out: those of a WITH query, or of another
        statement in the same text.
    :param unseen: code of the database runs, which may touch rows that no mention stands for.
    :param inserts: for each table of the catalogue inserted into: the table, and for each column given a bound value
        its name and the bind name or position.
    :param assigned: personal columns written otherwise than by a bound value of a new row.
    :param moves: assignments, in rows that are there already, to columns that lead to a row's person: the table, the
        column, and the bind of its new value, or None where that is computed.
    :param stored: what is put into sealed columns: the column, and the bind of its new value, or None where that is a
        constant or computed. NULL is not among it.
    """

    reads: frozenset[str] = frozenset()
    matches: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()
    outputs: tuple[str | None, ...] = ()
    mentions: tuple[tuple[str, tuple[KeyPredicate, ...]], ...] = ()
    limited: frozenset[str] = frozenset()
    withs: frozenset[str] = frozenset()
    named: tuple[tuple[int, ...], ...] = ()
    returned: tuple[tuple[str, tuple[int, ...]], ...] = ()
    perhaps: frozenset[tuple[int, int]] = frozenset()
    aside: bool = False
    unseen: bool = False
    inserts: tuple[tuple[str, tuple[tuple[str, str | int], ...]], ...] = ()
    assigned: frozenset[str] = frozenset()
    moves: tuple[tuple[str, str, str | int | None], ...] = ()
    stored: frozenset[tuple[str, str | int | None]] = frozenset()

    @property
    def personal(self) -> bool:
        """Whether the statement touches personal data at all."""
        return bool(self.reads or self.matches or self.writes or self.deletes)

    def left_null(self, values: Sequence[Mapping[str | int, object]]) -> frozenset[str]:
        """Written columns that are NULL in every row inserted, so that nothing of anyone is written into them.

        :param values: for each execution, its parameters by bind.
        """
        if not self.inserts or not values:
            return frozenset()
        null: dict[str, bool] = {}
        for table, columns in self.inserts:
            bound = {f"{table}.{column}": bind for column, bind in columns}
            for name in self.writes - self.assigned:
                if name.rpartition(".")[0] == table:
                    bind = bound.get(name)
                    empty = bind is not None and all(bind in one and one[bind] is None for one in values)
                    null[name] = null.get(name, True) and empty
        return frozenset(name for name, empty in null.items() if empty)


NOTHING = Footprint()
