"""Whose the rows of a mention are, where that is said of another row that they lead to.

``order_items.order_id IN (SELECT id FROM orders WHERE customer_id = :me)`` and ``JOIN orders ON orders.id = order_id
WHERE orders.customer_id = :me`` both bind the items to a person, though the items do not hold the person's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.footprint.keys import Pins
from sa_privacy.footprint.model import KeyPredicate
from sa_privacy.footprint.scope import Node, Source

__all__ = ["Owners"]


class Owners:
    """Follows rows to their person.

    :param pins: settled.
    :param mentions: the sources of the statement that are tables of the catalogue.
    """

    def __init__(self, pins: Pins, mentions: Sequence[Source], catalogue: Catalogue) -> None:
        self.pins = pins
        self.catalogue = catalogue
        self._sources = {source.key: source for source in mentions}
        self._before: dict[Node, list[Node]] = {}
        self._perhaps: dict[Node, list[Node]] = {}
        for before, held in ((self._before, pins.implies), (self._perhaps, pins.perhaps)):
            for node, others in held.items():
                for other in others:
                    before.setdefault(other, []).append(node)

    def predicates(self, source: Source, at: int) -> tuple[KeyPredicate, ...]:
        """The key predicates of one mention, with those of the row that holds its person's key."""
        table = source.tables[at]
        found = self.pins.of(source, at)
        holder = self.catalogue.holders.get(table.name)
        if holder is None or not self._before:
            return found
        binds = {bind for key in self.keys(source, table) for bind in self.pins.values.get(key, ())}
        reached = {KeyPredicate(holder[0], bind, many) for bind, many in binds}
        return (*found, *sorted(reached.difference(found), key=lambda p: (str(p.bind), p.many)))

    def keys(
        self, source: Source, table: PersonalTable, seen: tuple[int, ...] = (), *, perhaps: bool = False
    ) -> Iterator[Node]:
        """The columns, of this mention or of those that its rows lead to, that hold the key of its rows' person.

        :param perhaps: also those of rows that an outer join may leave out.
        """
        subject = table.subject
        if subject is None or source.key in seen:
            return
        if subject.key is not None:
            yield (source.key,), subject.key.lower()
        for here, there, column in self._ways(table):
            for path, name in self.equals(((source.key,), here.lower()), perhaps=perhaps):
                other = self._sources.get(path[0]) if len(path) == 1 and name == column.lower() else None
                if other is not None and [t.name for t in other.tables] == [there]:
                    yield from self.keys(other, other.tables[0], (*seen, source.key), perhaps=perhaps)

    def _ways(self, table: PersonalTable) -> Iterator[tuple[str, str, str]]:
        """The step to the next row, and the steps to another mention of the very same row."""
        if table.subject is not None:
            yield from table.subject.steps[:1]
        for column in sorted(self.catalogue.led_to.get(table.name, ())):
            yield column, table.name, column

    def equals(self, node: Node, *, perhaps: bool = False) -> set[Node]:
        """The columns that hold the same value in some row that is reached; `perhaps`: or NULL."""
        found: set[Node] = set()
        pending = [node]
        while pending:
            one = pending.pop()
            for other in (*self._before.get(one, ()), *(self._perhaps.get(one, ()) if perhaps else ())):
                if other not in found:
                    found.add(other)
                    pending.append(other)
        return found
