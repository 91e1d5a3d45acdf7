"""Whose data a statement is about: worked out once for its shape, then looked up in its values and rows.

A person is named by the key that a condition asks for, by the key in the row that comes back, or by the key that is
written. A statement of which one mention may reach anybody is *unbounded*: nobody is named, and the event says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import BindParameter

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.footprint import Footprint, KeyPredicate
from sa_privacy.gate.people.key_types import SPELLED, Told, is_as_told, spelled
from sa_privacy.gate.statements.statement import bound_list, bound_values

__all__ = [
    "OWNER_BIND",
    "People",
    "Pseudonyms",
    "is_owner",
    "people_of",
    "subjects_of_keys",
    "subjects_of_rows",
    "subjects_of_statement",
]

#: How the parameters are named by which the gate itself limits statements to one person's rows.
OWNER_BIND: Final = "sa_privacy_own"

#: The pseudonyms of one kind of subject.
Pseudonyms = Callable[[str], Callable[[object], str]]

_NONE: Final[Mapping[int, int]] = MappingProxyType({})
_NO_TYPES: Final[Mapping[str, BindParameter[Any]]] = MappingProxyType({})
_NOTHING_TOLD: Final[Told] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class People:
    """Where a statement says whose data it is about.

    :param known: it says so at all, at the latest by its rows; else it is unbounded.
    :param asked: the statement itself names everybody, before it runs.
    :param shown: its rows name everybody.
    :param binds: the kind of person, the bind of the key, and whether it is a list.
    :param new: those of the binds that are the key of a new row: NULL leaves the choice to the database.
    :param keys: positions of keys in a result row, with the kind of person.
    :param perhaps: for those of the positions that tell nothing where they are NULL, the one that shows whether they do.
    :param made: the kind of person that a new row is, where the driver reports the key that the database chose.
    :param told: by kind of person, how a key in the database becomes the one that the application knows, where they differ.
    :param plain: those of the binds that hold a key as it is in the database.
    :param one: the kind and the bind where all that the statement says is one person's key, as the application knows it.
    :param row: the position and the kind where all that a row says is one person's key, as the application knows it.
    """

    known: bool = False
    asked: bool = False
    shown: bool = False
    binds: tuple[tuple[str, str | int, bool], ...] = ()
    new: frozenset[str | int] = frozenset()
    keys: tuple[tuple[int, str], ...] = ()
    perhaps: Mapping[int, int] = field(default_factory=lambda: _NONE)
    made: str | None = None
    told: Told = field(default_factory=lambda: _NOTHING_TOLD)
    plain: frozenset[str | int] = frozenset()
    one: tuple[str, str | int] | None = None
    row: tuple[int, str] | None = None

    def named(self, kind: str, keys: Iterable[Any]) -> Iterable[Any]:
        """The keys of people as the application knows them, of those in the database.

        :raises ValueError: one of them is none.
        """
        told = self.told.get(kind)
        return keys if told is None else map(told, keys)


_UNBOUNDED: Final = People()


class _Unbounded(Exception):
    """A part of the statement may reach anybody."""


def people_of(
    footprint: Footprint,
    catalogue: Catalogue,
    generated: str | None = None,
    told: Told = _NOTHING_TOLD,
    types: Mapping[str, BindParameter[Any]] = _NO_TYPES,
) -> People:
    """Whose data a statement of this footprint is about.

    :param generated: ``"table.column"`` of the key that the driver reports after an INSERT of one row.
    :param told: see :class:`People`.
    :param types: the parameters by name, where SQLAlchemy knows their types.
    """
    try:
        found = _Found(footprint, catalogue, generated).people()
    except _Unbounded:
        return _UNBOUNDED
    plain: set[str | int] = set()
    if told:
        kinds = catalogue.key_types
        plain = {bind for kind, bind, _ in found.binds if not is_as_told(types.get(str(bind)), kinds.get(kind))}
    one = None
    if len(found.binds) == 1:
        [(kind, bind, many)] = found.binds
        one = None if many or bind in plain else (kind, bind)
    row = found.keys[0] if len(found.keys) == 1 and not told else None
    return replace(found, told=told, plain=frozenset(plain), one=one, row=row)


class _Found:
    """Gathers the keys of every part of a statement that touches personal data."""

    def __init__(self, footprint: Footprint, catalogue: Catalogue, generated: str | None) -> None:
        self.footprint = footprint
        self.catalogue = catalogue
        self.generated = generated
        personal = footprint.reads | footprint.matches | footprint.writes
        self.touched = {name.rpartition(".")[0] for name in personal} | footprint.deletes
        self.asked = self.shown = True
        self.binds: list[tuple[str, str | int, bool]] = []
        self.new: set[str | int] = set()
        self.keys: list[tuple[int, str]] = []
        self.made: str | None = None

    def people(self) -> People:
        there = {table for table, _ in (*self.footprint.mentions, *self.footprint.inserts)}
        if self.footprint.unseen or not self.touched or not self.touched <= there & self.catalogue.holders.keys():
            raise _Unbounded
        self.mentioned()
        for table, row in self.footprint.inserts:
            if table in self.touched:
                self.inserted(table, dict(row))
        self.moved()
        return People(
            True,
            self.asked,
            self.shown,
            tuple(dict.fromkeys(self.binds)),
            frozenset(self.new),
            tuple(dict.fromkeys(self.keys)),
            dict(self.footprint.perhaps),
            self.made,
        )

    def mentioned(self) -> None:
        for at, (table, predicates) in enumerate(self.footprint.mentions):
            if table not in self.touched:
                continue
            holder, kind = self.catalogue.holders[table]
            binds = _said([one for one in predicates if one.column == holder])
            shown = self.footprint.named[at] if at < len(self.footprint.named) and not self.footprint.moves else ()
            self.part(kind, [(one.bind, one.many) for one in binds], shown)

    def inserted(self, table: str, row: Mapping[str, str | int]) -> None:
        kind = self.catalogue.holders[table][1]
        subject = self.catalogue.by_name[table].subject
        key = subject.key if subject is not None else None
        bind = row.get(key) if key is not None else None
        targets = [positions for name, positions in self.footprint.returned if name == table]
        shown = tuple(positions[0] for positions in targets if positions)
        if len(shown) < len(targets):
            shown = ()
        if bind is not None:
            self.new.add(bind)
        elif not shown and key is not None and self.generated == f"{table}.{key}" and len(self.footprint.inserts) == 1:
            self.asked = self.shown = False
            self.made = kind
            return
        self.part(kind, [] if bind is None else [(bind, False)], shown)

    def part(self, kind: str, binds: Iterable[tuple[str | int, bool]], shown: Sequence[int]) -> None:
        """One mention, or one new row: what names its person, and where that stands in the result."""
        said = [(kind, bind, many) for bind, many in binds]
        if not said and not shown:
            raise _Unbounded
        self.asked = self.asked and bool(said)
        self.shown = self.shown and bool(shown)
        self.binds += said
        self.keys += [(position, kind) for position in shown[:1]]

    def moved(self) -> None:
        """A row that changes hands is about the person who gets it, too; what it returns does not name who had it."""
        for table, column, bind in self.footprint.moves:
            found = self.catalogue.by_name.get(table)
            subject = found.subject if found is not None else None
            if subject is None or subject.key != column or bind is None:
                raise _Unbounded
            self.shown = False
            self.binds.append((subject.kind, bind, False))


def _said(predicates: Sequence[KeyPredicate]) -> Sequence[KeyPredicate]:
    """The predicates without the gate's own, where the statement itself says whose rows it asks for."""
    if len(predicates) < 2:
        return predicates
    said = [one for one in predicates if not is_owner(one.bind)]
    return said or predicates


def is_owner(bind: str | int) -> bool:
    """Whether it is a parameter by which the gate itself limits a statement to one person's rows."""
    return str(bind).startswith(OWNER_BIND)


def subjects_of_keys(people: People, kind: str, keys: Iterable[Any], pseudonyms: Pseudonyms) -> tuple[str, ...] | None:
    """The people of some keys as they are in the database; None where one cannot tell."""
    try:
        return tuple(map(pseudonyms(kind), people.named(kind, keys)))
    except (TypeError, ValueError):
        return None


def subjects_of_rows(people: People, rows: Sequence[Any], pseudonyms: Pseudonyms) -> tuple[str, ...] | None:
    """Whose rows these are, by the keys among their columns; None where one cannot tell."""
    try:
        if people.row is not None and len(rows) == 1:
            index, kind = people.row
            key = rows[0][index]
            if key is not None:
                return (pseudonyms(kind)(key),)
        found: dict[str, None] = {}
        for index, kind in people.keys:
            keys = dict.fromkeys(map(itemgetter(index), rows))
            if None in keys:
                shows = people.perhaps.get(index)
                if shows is not None and any(row[index] is None and row[shows] is None for row in rows):
                    return None
                del keys[None]
            named = people.named(kind, keys) if people.told else keys
            found.update(dict.fromkeys(map(pseudonyms(kind), named)))
    except (TypeError, ValueError):
        return None
    return tuple(found)


def subjects_of_statement(
    people: People, parameters: Any, context: Any, pseudonyms: Pseudonyms
) -> tuple[str, ...] | None:
    """Whose data a statement asks for, by the values bound to it; None where that cannot be told.

    NULL asks for nobody, but as the key of a new row: the database chooses one.
    """
    if people.one is not None:
        kind, bind = people.one
        sets: Sequence[Mapping[str | int, Any]] = getattr(context, "compiled_parameters", ())
        key = sets[0].get(bind) if len(sets) == 1 else None
        if key is not None and not isinstance(key, SPELLED):
            try:
                return (pseudonyms(kind)(key),)
            except (TypeError, ValueError):
                return None
    return _subjects_of_binds(people, bound_values(context, parameters), pseudonyms)


def _subjects_of_binds(
    people: People, values: Sequence[Mapping[str | int, Any]], pseudonyms: Pseudonyms
) -> tuple[str, ...] | None:
    try:
        found: dict[str, None] = {}
        for kind, bind, many in people.binds:
            keys = [key for one in values for key in _listed(one, bind)] if many else [one[bind] for one in values]
            if bind in people.new and None in keys:
                return None
            said = spelled(keys)
            named = people.named(kind, said) if bind in people.plain else said
            found.update(dict.fromkeys(map(pseudonyms(kind), named)))
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(found) if values else None


def _listed(values: Mapping[str | int, Any], bind: str | int) -> Sequence[Any]:
    """The keys of a list parameter.

    :raises KeyError: it is none that can be read: PostgreSQL takes ``'{1,2}'`` for one, too.
    """
    keys = bound_list(values, bind)
    if (bind in values and isinstance(values[bind], (str, bytes))) or (bind not in values and not keys):
        raise KeyError(bind)
    return keys
