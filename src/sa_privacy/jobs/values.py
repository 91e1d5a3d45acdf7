"""What becomes of one stored value. Which values still have work to do, they say themselves: a job keeps no list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import Column

from sa_privacy.columns.stored import is_binary, plain_reader, plain_writer
from sa_privacy.crypto.cell import SUITE_PLAIN, SUITE_SLOTS, VERSION, is_cell
from sa_privacy.errors import KeyUnavailable
from sa_privacy.jobs.target import Target

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

    from sa_privacy.crypto import Keyring

__all__ = ["DONE", "REJECTED", "Change", "Operation", "change_of", "current_header", "mistakable"]

Operation = Literal["seal", "reseal", "unseal"]
Change: TypeAlias = Callable[[Any], Any]
"""Of the stored value the one to store instead, or :data:`DONE`, or :data:`REJECTED`."""


class _Mark:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


DONE: Final = _Mark("DONE")
"""There is nothing to do."""
REJECTED: Final = _Mark("REJECTED")
"""It does not hold a value of the column's type, or would not come back the same: it stays as it is."""

_SLOTS: Final = slice(6, 46)
_UNREAD: Final = _Mark("UNREAD")


def mistakable(target: Target, column: Column[Any], dialect: Dialect) -> bool:
    """Whether plain values are bytes, so that only the id of a key that is there tells a cell from them."""
    return is_binary(target.plain_type(column), dialect)


def current_header(keys: Keyring, *, slots: bool) -> bytes:
    """How cells begin that are sealed now."""
    return bytes((VERSION, SUITE_SLOTS if slots else SUITE_PLAIN)) + keys.primary_id.to_bytes(4, "big")


def change_of(operation: Operation, target: Target, column: Column[Any], dialect: Dialect, keys: Keyring) -> Change:
    """The change that an operation makes to the values of one column.

    :param dialect: of an engine that has the keys.
    """
    if operation == "unseal":
        return _safely(_unsealing(target, column, dialect))
    make = _sealing if operation == "seal" else _resealing
    return _safely(make(target, column, dialect, keys))


def _safely(change: Change) -> Change:
    def change_safely(stored: Any) -> Any:
        if isinstance(stored, (bytearray, memoryview)):
            stored = bytes(stored)
        try:
            return change(stored)
        except (MemoryError, KeyUnavailable):
            raise
        except Exception:  # noqa: BLE001 - whatever was raised may hold the value: counted, and dropped
            return REJECTED

    return change_safely


def _sealing(target: Target, column: Column[Any], dialect: Dialect, keys: Keyring) -> Change:
    kind = target.sealed_type(column)
    read, seal = plain_reader(target.plain_type(column), dialect), kind.sealer(dialect)
    open_cell = kind.result_processor(dialect, None)
    only_known, ids = mistakable(target, column, dialect), frozenset(keys.ids)
    # Which it is, a cell whose key is not there or a plain value that looks like one, only an older type can tell.
    told_apart = column.name in target.stored_as
    slots = kind.lookup is not None

    def change(stored: Any) -> Any:
        if stored is None:
            return DONE
        value = _UNREAD
        if is_cell(stored):
            if not only_known or int.from_bytes(stored[2:6], "big") in ids:
                if not slots or stored[1] == SUITE_SLOTS:
                    return DONE
                value = open_cell(stored)  # sealed before the column had a lookup: without digests it is not found
            elif not told_apart:
                return REJECTED
        value = read(stored) if value is _UNREAD else value
        cell = seal(value)
        return cell if kind.same(open_cell(cell), value) else REJECTED

    return change


def _resealing(target: Target, column: Column[Any], dialect: Dialect, keys: Keyring) -> Change:
    kind = target.sealed_type(column)
    seal, open_cell = kind.sealer(dialect), kind.result_processor(dialect, None)
    slots = kind.lookup is not None
    header = current_header(keys, slots=slots)

    def change(stored: Any) -> Any:
        if stored is None or not is_cell(stored):
            return DONE
        if not slots and stored[:6] == header:
            return DONE
        value = open_cell(stored)
        cell = seal(value)
        if stored[:6] == header and stored[_SLOTS] == cell[_SLOTS]:
            return DONE
        return cell if kind.same(open_cell(cell), value) else REJECTED

    return change


def _unsealing(target: Target, column: Column[Any], dialect: Dialect) -> Change:
    kind = target.sealed_type(column)
    plain = target.plain_type(column)
    open_cell = kind.result_processor(dialect, None)
    write, read = plain_writer(plain, dialect), plain_reader(plain, dialect)

    def change(stored: Any) -> Any:
        if stored is None or not is_cell(stored):
            return DONE
        value = open_cell(stored)
        given = write(value)
        return given if kind.same(read(given), value) else REJECTED

    return change
