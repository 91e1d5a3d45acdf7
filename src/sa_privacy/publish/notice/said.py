"""A notice as plain values: sections of sentences, each with the parts of the policy that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Block", "Fact", "Facts", "Grid", "Notice", "Points", "Row", "Said", "Section"]


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is said.

    :param of: the parts of the policy that it follows from, e.g. ``"purposes.campaigns.consent"``; ``"columns.orders.amount"``
        is what the models say of a column. If one of them goes, what is said goes, changes, or rests on others like it.
    """

    text: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Things said one after the other; a single one is a paragraph."""

    points: tuple[Said, ...]

    def said(self) -> Iterator[Said]:
        """All that is said."""
        return iter(self.points)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that has a name, e.g. an address."""

    name: str
    value: Said


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    facts: tuple[Fact, ...]

    def said(self) -> Iterator[Said]:
        """All that is said."""
        return (fact.value for fact in self.facts)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a grid: its title, and what is said of it, column by column.

    :param clause: where the published policy says so.
    """

    title: Said
    cells: tuple[tuple[Said, ...], ...]
    clause: str | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: a caption, the heads of its columns, its rows.

    :param lead: what is said of all of it.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    lead: Said | None = None

    def said(self) -> Iterator[Said]:
        """All that is said."""
        if self.lead is not None:
            yield self.lead
        for row in self.rows:
            yield row.title
            for cell in row.cells:
                yield from cell


Block: TypeAlias = Points | Facts | Grid


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    :param name: the same in all languages; the anchor on the page.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]

    def said(self) -> Iterator[Said]:
        """All that is said."""
        for block in self.blocks:
            yield from block.said()


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told about the use of their data.

    :param language: the tag of the policy's language.
    :param policy: the id of the policy, and its version and hash.
    """

    language: str
    title: str
    controller: Said | None
    sections: tuple[Section, ...]
    policy: str
    version: str
    hash: str

    def said(self) -> Iterator[Said]:
        """All that is said, from the top down."""
        if self.controller is not None:
            yield self.controller
        for section in self.sections:
            yield from section.said()
