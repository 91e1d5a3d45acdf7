"""What is done, as data: the steps of a plan, in the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Key", "Shell", "Step", "Verb"]

Key: TypeAlias = tuple[Any, ...]
"""What tells a row apart: the values of its primary key."""

Verb = Literal["shell", "relink", "unlink", "anonymise", "delete"]
"""*shell*: a row that says nothing of anybody takes a person's place. *relink*: rows that stay lead to it. *unlink*: rows
that stay lead nowhere. *anonymise*: columns are emptied. *delete*: rows go."""


@dataclass(frozen=True, slots=True)
class Shell:
    """Whose place a shell takes: a row of the person's own table.

    :param table: of the person.
    :param key: of the person's row.
    """

    table: str
    key: Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement about some rows of one table, or several of its kind.

    :param table: ``"table"`` or ``"schema.table"``.
    :param keys: of the rows.
    :param columns: what is emptied, cut, or leads elsewhere.
    :param values: what stands in the columns afterwards; a column that is not among them gets a neutral value.
    :param why: for people: why the rows stay, by the name of the reason; empty where they go.
    :param shell: where the rows lead to afterwards.
    """

    verb: Verb
    table: str
    keys: tuple[Key, ...] = field(repr=False)
    columns: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    why: str = ""
    shell: Shell | None = None

    @property
    def rows(self) -> int:
        """How many rows it is about."""
        return len(self.keys)
