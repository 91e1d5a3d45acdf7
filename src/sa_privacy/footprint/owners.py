"""Whose the rows of a mention are, where that is said of another row that they lead to.

``order_items.order_id IN (SELECT id FROM orders WHERE customer_id = :me)`` and ``JOIN orders ON orders.id = order_id
WHERE orders.customer_id = :me`` both bind the items to a person, though the items do not hold the person's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.footprint.keys import Bind, Pins
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
        for node, others in pins.implies.items():
            for other in others:
                self._before.setdefault(other, []).append(node)

    def predicates(self, source: Source, at: int) -> tuple[KeyPredicate, ...]:
        """The key predicates of one mention, with those of the row that holds its person's key."""
        table = source.tables[at]
        found = self.pins.of(source, at)
        holder = self.catalogue.holders.get(table.name)
        if holder is None or not self._before:
            return found
        reached = {KeyPredicate(holder[0], bind, many) for bind, many in self._binds(source, table, ())}
        return (*found, *sorted(reached.difference(found), key=lambda p: (str(p.bind), p.many)))

    def _binds(self, source: Source, table: PersonalTable, seen: tuple[int, ...]) -> set[Bind]:
        subject = table.subject
        if subject is None or source.key in seen:
            return set()
        found: set[Bind] = set()
        if subject.key is not None:
            found |= self.pins.values.get(((source.key,), subject.key.lower()), set())
        for here, there, column in self._ways(table):
            for path, name in self._equals(((source.key,), here.lower())):
                other = self._sources.get(path[0]) if len(path) == 1 and name == column.lower() else None
                if other is not None and [t.name for t in other.tables] == [there]:
                    found |= self._binds(other, other.tables[0], (*seen, source.key))
        return found

    def _ways(self, table: PersonalTable) -> Iterator[tuple[str, str, str]]:
        """The step to the next row, and the steps to another mention of the very same row."""
        if table.subject is not None:
            yield from table.subject.steps[:1]
        for column in sorted(self.catalogue.led_to.get(table.name, ())):
            yield column, table.name, column

    def _equals(self, node: Node) -> set[Node]:
        """The columns that hold the same value in some row that is reached."""
        found: set[Node] = set()
        pending = [node]
        while pending:
            for other in self._before.get(pending.pop(), ()):
                if other not in found:
                    found.add(other)
                    pending.append(other)
        return found
