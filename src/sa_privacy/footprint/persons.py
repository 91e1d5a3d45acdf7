"""Which result columns say whose the row is: for each mention, where the key of its very person stands in the result.

A result row that holds a person's key names that person, but only if all that the row is made of is theirs. Rows that
are put together (groups, windows, a WITH query that is used twice) are made of other people's, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sa_privacy.footprint.owners import Owners
from sa_privacy.footprint.scope import Node, Out, Source

if TYPE_CHECKING:
    from sa_privacy.footprint.work import Work

__all__ = ["Persons"]


class Persons:
    """Finds the result columns that name the people of a mention.

    :param work: finished, its pins settled.
    :param outs: the result columns.
    """

    def __init__(self, work: Work, owners: Owners, outs: Sequence[Out]) -> None:
        self._work = work
        self._owners = owners
        self._lost = work.apart | (work.in_withs if work.repeated else set())
        self._outs = outs
        self._unsure: set[int] = set()
        self._shown: dict[Node, list[int]] = {}
        for at, out in enumerate(outs):
            if out.node is not None and not work.unnamed and self._is_whole(out.node):
                for node in _suffixes(out.node):
                    self._shown.setdefault(node, []).append(at)
        self._counted = {
            member: value
            for value, members in work.pins.counted.items()
            for member in members
            if self._is_whole(member)
        }

    def of(self, source: Source, at: int) -> tuple[int, ...]:
        """The positions of one mention, in order."""
        if source.key in self._lost or not self._shown:
            return ()
        found = self._positions(source, at, perhaps=False)
        if not found:
            found = self._positions(source, at, perhaps=True)
            self._unsure |= found
        return tuple(sorted(found))

    @property
    def perhaps(self) -> frozenset[tuple[int, int]]:
        """The positions of which an outer join may leave out the row, with what is NULL just then."""
        joined = self._work.pins.perhaps
        witnesses = {
            out.node[0]: at for at, out in enumerate(self._outs) if out.node is not None and out.node in joined
        }
        nodes = ((at, self._outs[at].node) for at in self._unsure)
        return frozenset((at, witnesses.get(node[0], at)) for at, node in nodes if node is not None)

    def _positions(self, source: Source, at: int, *, perhaps: bool) -> set[int]:
        found: set[int] = set()
        for key in self._owners.keys(source, source.tables[at], perhaps=perhaps):
            if key[0][0] not in self._lost:
                for node in self._same(key, perhaps=perhaps):
                    found.update(self._shown.get(node, ()))
        return found

    def _same(self, key: Node, *, perhaps: bool) -> set[Node]:
        """The columns that hold the key in every row that counts."""
        found, pending = {key}, [key]
        while pending:
            node = pending.pop()
            new = self._owners.equals(node, perhaps=perhaps)
            if node in self._counted:
                new = new | {self._counted[node]}
            pending += new - found
            found |= new
        return found

    def _is_whole(self, node: Node) -> bool:
        """Whether the column is, in each result row, that of one row."""
        path, name = node
        if path[-1] in self._lost:
            return False
        kept = self._work.kept
        return all(key not in kept or (path[at:], name) in kept[key] for at, key in enumerate(path))


def _suffixes(node: Node) -> Iterator[Node]:
    """The column, and those of the derived tables under it that it is passed through from."""
    path, name = node
    for start in range(len(path)):
        yield path[start:], name
