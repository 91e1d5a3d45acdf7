"""Counts the cells of a database by column, key and lookup slots. The database counts; no value leaves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, LargeBinary, case, column, func, inspect, literal, select, table
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import String

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.jobs.rewrap import count_wrapped

__all__ = ["CELL_HEADS", "CellGroup", "Census", "binary_columns", "take_census"]

# Version and suite: docs/spec/cell.md, "Bytes of a cell".
_SLOTTED = (b"\x01\x02", b"\x01\x04")
CELL_HEADS = (b"\x01\x01", b"\x01\x03", *_SLOTTED)
"""How the bytes of every cell begin."""
_NONE = b""


@dataclass(frozen=True, slots=True)
class CellGroup:
    """Cells of one field that name the same keys.

    :param column: ``"table.column"``.
    :param field: the field id that the cells are bound to.
    :param key: id of the key that they are sealed under; None: not cells but values that were never sealed; 0: each is
        under the key of its person.
    :param slots: ids of the keys in slot A and slot B; None for an empty slot. None at all: cells without slots.
    """

    column: str
    field: str
    key: int | None
    slots: tuple[int | None, int | None] | None
    cells: int


@dataclass(frozen=True)
class Census:
    """All groups, and the sealed columns that the database does not have yet."""

    groups: tuple[CellGroup, ...]
    missing: tuple[str, ...] = ()
    by_field: Counter[tuple[str, int]] = field(default_factory=Counter)
    by_key: Counter[int] = field(default_factory=Counter)
    by_slot: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for group in self.groups:
            if group.key:
                self.by_field[group.field, group.key] += group.cells
                self.by_key[group.key] += group.cells
            for key in group.slots or ():
                if key is not None:
                    self.by_slot[key] += group.cells

    @property
    def unsealed(self) -> Counter[str]:
        """Values that were never sealed, by column."""
        return Counter({group.column: group.cells for group in self.groups if group.key is None})

    def without_digest(self, key: int) -> int:
        """Cells with slots of which none is filled by this key."""
        return sum(group.cells for group in self.groups if group.slots is not None and key not in group.slots)


def take_census(connection: Connection, catalogue: Catalogue) -> Census:
    """Counts every sealed column, one statement for each, and the keys of people by what wraps them."""
    groups: list[CellGroup] = []
    missing: list[str] = []
    for personal in catalogue:
        sealed = [one for one in personal.columns.values() if one.sealed]
        binary = binary_columns(connection, personal) if sealed else None
        for one in sealed:
            if binary is None or one.column not in binary:
                missing.append(one.name)
            else:
                groups += _groups(connection, personal, one, binary[one.column])
    if any(one.by_subject for one in catalogue.columns.values()):
        if inspect(connection).has_table(KEY_TABLE):
            counted = count_wrapped(connection).items()
            groups += [CellGroup(f"{KEY_TABLE}.wrapped", "keys of people", key, None, count) for key, count in counted]
        else:
            missing.append(f"{KEY_TABLE}.wrapped")
    return Census(tuple(groups), tuple(missing))


def binary_columns(connection: Connection, personal: PersonalTable) -> dict[str, bool] | None:
    """The table's columns, and whether each can hold cells. None where there is no such table."""
    try:
        found = inspect(connection).get_columns(personal.table, schema=personal.schema)
    except NoSuchTableError:
        return None
    anything = connection.dialect.name == "sqlite"  # a type there is a wish
    return {one["name"]: anything or not isinstance(one["type"], String) for one in found}


def _groups(connection: Connection, personal: PersonalTable, one: PersonalColumn, binary: bool) -> Iterator[CellGroup]:
    cell = column(one.column, LargeBinary)
    source = table(personal.table, cell, schema=personal.schema)
    if not binary:  # a text column of PostgreSQL: nothing in it is a cell
        count = connection.scalar(select(func.count(cell)).select_from(source))
        if count:
            yield CellGroup(one.name, one.field, None, None, count)
        return
    start, none = func.substr(cell, 1, 2), literal(_NONE, LargeBinary)
    has_slots = start.in_([literal(head, LargeBinary) for head in _SLOTTED])
    is_cell = start.in_([literal(head, LargeBinary) for head in CELL_HEADS])
    heads = (
        select(
            # What is no cell is a value: its bytes are not to leave the database.
            case((is_cell, func.substr(cell, 1, 6)), else_=none).label("head"),
            case((has_slots, func.substr(cell, 7, 4)), else_=none).label("slot_a"),
            case((has_slots, func.substr(cell, 27, 4)), else_=none).label("slot_b"),
        )
        .select_from(source)
        .where(cell.is_not(None))
        .subquery()
    )
    counted = select(*heads.columns).add_columns(func.count()).group_by(*heads.columns)
    for head, slot_a, slot_b, cells in connection.execute(counted):
        key = int.from_bytes(bytes(head)[2:], "big") if head else None
        slots = (_key(slot_a), _key(slot_b)) if slot_a else None
        yield CellGroup(one.name, one.field, key, slots, cells)


def _key(name: bytes) -> int | None:
    return int.from_bytes(bytes(name), "big") or None
